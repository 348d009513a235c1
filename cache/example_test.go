package cache_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"time"

	"github.com/daramjwee/daramjwee/cache"
	"github.com/daramjwee/daramjwee/cache/store"
	"github.com/daramjwee/daramjwee/cache/store/disk"
	"github.com/daramjwee/daramjwee/cache/store/memory"
	"github.com/daramjwee/daramjwee/strategy"
)

func Example() {
	dir, _ := os.MkdirTemp("", "daramjwee")
	defer os.RemoveAll(dir)
	near, err := memory.New(memory.Options{MaxBytes: 64 << 20, BufferPool: strategy.DefaultConfig()})
	if err != nil {
		fmt.Println(err)
		return
	}
	far, err := disk.Open(dir, disk.Options{MaxBytes: 1 << 30})
	if err != nil {
		fmt.Println(err)
		return
	}
	c, err := cache.New(
		cache.WithTiers(near, far),
		cache.WithBufferPoolStrategy("channel"),
	)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Close()

	origin := cache.FetcherFunc(func(ctx context.Context, old *store.Metadata) (*cache.FetchResult, error) {
		return &cache.FetchResult{Body: io.NopCloser(strings.NewReader("hello"))}, nil
	})
	for range 2 {
		resp, err := c.Get(context.Background(), "greeting", origin)
		if err != nil {
			fmt.Println(err)
			return
		}
		body, _ := io.ReadAll(resp)
		resp.Close()
		fmt.Println(string(body), resp.Status().Hit)
	}
	fmt.Println(c.Stats().Strategy)
	// Output:
	// hello false
	// hello true
	// channel
}

// A Fetcher that asks an HTTP origin conditionally.
func ExampleFetcherFunc() {
	origin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", `"1"`)
		http.ServeContent(w, r, "x.txt", time.Time{}, strings.NewReader("content"))
	}))
	defer origin.Close()
	near, err := memory.New(memory.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	c, err := cache.New(cache.WithTiers(near), cache.WithFreshness(-1, -1), cache.WithStaleWhileRevalidate(-1))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Close()

	fetch := cache.FetcherFunc(func(ctx context.Context, old *store.Metadata) (*cache.FetchResult, error) {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, origin.URL, nil)
		if err != nil {
			return nil, err
		}
		if old != nil {
			req.Header.Set("If-None-Match", old.ETag)
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			return nil, err
		}
		if res.StatusCode == http.StatusNotModified {
			res.Body.Close()
			return nil, cache.ErrNotModified
		}
		return &cache.FetchResult{Body: res.Body, Metadata: store.Metadata{ETag: res.Header.Get("ETag"), Size: res.ContentLength}}, nil
	})
	for range 2 {
		resp, err := c.Get(context.Background(), "x.txt", fetch)
		if err != nil {
			fmt.Println(err)
			return
		}
		body, _ := io.ReadAll(resp)
		resp.Close()
		fmt.Printf("%s %q %d\n", body, resp.Status().Fwd, resp.Status().FwdStatus)
	}
	http.DefaultClient.CloseIdleConnections()
	// Output:
	// content "uri-miss" 0
	// content "stale" 304
}

// Byte ranges and conditional requests, answered by http.ServeContent from a hit.
func ExampleResponse_ReadSeeker() {
	near, err := memory.New(memory.Options{MaxBytes: 64 << 20})
	if err != nil {
		fmt.Println(err)
		return
	}
	c, err := cache.New(cache.WithTiers(near))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Close()
	origin := cache.FetcherFunc(func(context.Context, *store.Metadata) (*cache.FetchResult, error) {
		return &cache.FetchResult{
			Body:     io.NopCloser(strings.NewReader("0123456789")),
			Metadata: store.Metadata{ETag: `"1"`},
		}, nil
	})
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		resp, err := c.Get(r.Context(), r.URL.Path, origin)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		defer resp.Close()
		w.Header().Set("ETag", resp.Metadata().ETag)
		w.Header().Set("Content-Type", "text/plain") // else it is guessed from the body
		content, ok := resp.ReadSeeker()
		if !ok { // a fill: it comes in one piece, and in order
			resp.WriteTo(w)
			return
		}
		http.ServeContent(w, r, "", resp.Metadata().LastModified, content)
	}))
	defer front.Close()

	for range 2 {
		req, err := http.NewRequest("GET", front.URL+"/digits", nil)
		if err != nil {
			fmt.Println(err)
			return
		}
		req.Header.Set("Range", "bytes=2-4")
		res, err := front.Client().Do(req)
		if err != nil {
			fmt.Println(err)
			return
		}
		body, _ := io.ReadAll(res.Body)
		res.Body.Close()
		fmt.Printf("%d %s %q\n", res.StatusCode, body, res.Header.Get("Content-Range"))
	}
	// Output:
	// 200 0123456789 ""
	// 206 234 "bytes 2-4/10"
}
