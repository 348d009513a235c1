package cache_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing/fstest"

	"github.com/daramjwee/daramjwee/cache"
	"github.com/daramjwee/daramjwee/cache/store"
	"github.com/daramjwee/daramjwee/cache/store/memory"
)

// A read-through HTTP handler. For a whole caching proxy see package httpcache.
func Example_handler() {
	files := fstest.MapFS{"song.txt": {Data: []byte("la la la")}} // or os.DirFS, a bucket, a database
	near, err := memory.New(memory.Options{MaxBytes: 64 << 20})
	if err != nil {
		panic(err)
	}
	c, err := cache.New(cache.WithTiers(near))
	if err != nil {
		panic(err)
	}
	defer c.Close()

	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := c.Get(r.Context(), r.URL.Path, cache.FetcherFunc(func(context.Context, *store.Metadata) (*cache.FetchResult, error) {
			file, err := files.Open(r.URL.Path[1:])
			if errors.Is(err, os.ErrNotExist) {
				return nil, cache.ErrNotFound
			}
			return &cache.FetchResult{Body: file}, err
		}))
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		defer body.Close()
		w.Header().Set("Cache-Status", "example; "+body.Status().String()) // RFC 9211
		io.Copy(w, body)
	})

	for range 2 {
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, httptest.NewRequest("GET", "/song.txt", nil))
		how, _, _ := strings.Cut(w.Header().Get("Cache-Status"), "; ttl")
		fmt.Println(w.Body, how)
	}
	// Output:
	// la la la example; fwd=uri-miss
	// la la la example; hit
}
