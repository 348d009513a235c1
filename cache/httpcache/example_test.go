package httpcache_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"

	"github.com/daramjwee/daramjwee/cache"
	"github.com/daramjwee/daramjwee/cache/httpcache"
	"github.com/daramjwee/daramjwee/cache/store/memory"
)

// A caching reverse proxy in front of an origin.
func Example() {
	origin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "max-age=3600")
		fmt.Fprintln(w, "hello from the origin")
	}))
	defer origin.Close()

	tier, err := memory.New(memory.Options{MaxBytes: 64 << 20})
	if err != nil {
		panic(err)
	}
	c, err := cache.New(cache.WithTiers(tier))
	if err != nil {
		panic(err)
	}
	defer c.Close()
	transport := httpcache.NewPooledTransport(c.BufferPool)
	defer transport.CloseIdleConnections()
	at, _ := url.Parse(origin.URL)
	handler, err := httpcache.New(c, httpcache.Options{Origin: at, Transport: transport})
	if err != nil {
		panic(err)
	}
	front := httptest.NewServer(handler) // or http.Server{Handler: handler, …}
	defer front.Close()

	for range 2 {
		res, err := http.Get(front.URL + "/greeting")
		if err != nil {
			panic(err)
		}
		body, _ := io.ReadAll(res.Body)
		res.Body.Close()
		how, _, _ := strings.Cut(res.Header.Get("Cache-Status"), ";ttl")
		fmt.Printf("%s%s\n", body, how)
	}
	http.DefaultClient.CloseIdleConnections()
	// Output:
	// hello from the origin
	// daramjwee;fwd=uri-miss
	// hello from the origin
	// daramjwee;hit
}
