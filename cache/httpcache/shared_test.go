package httpcache

import (
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// together sends n requests at once.
func (s *site) together(n int) []*answered {
	all := make([]*answered, n)
	var wait sync.WaitGroup
	for i := range n {
		wait.Go(func() { all[i] = s.get("/a") })
	}
	wait.Wait()
	return all
}

func TestOneFetchForAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, func(w http.ResponseWriter, r *http.Request) {
			time.Sleep(time.Second)
			fmt.Fprint(w, "body")
		})
		collapsed := 0
		for _, res := range s.together(20) {
			require.Equal(t, "body", res.body)
			if res.is("collapsed") != "" {
				collapsed++
				require.NotEmpty(t, res.Header.Get("Age"))
			}
		}
		require.Equal(t, 19, collapsed)
		require.Equal(t, 1, s.asks())
	})
}

// What is meant for one client reaches one, also when many ask at once.
func TestUnstoredIsNotShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var users atomic.Int64
		s := newSite(t, func(w http.ResponseWriter, r *http.Request) {
			time.Sleep(time.Second)
			user := fmt.Sprint(users.Add(1))
			w.Header().Set("Set-Cookie", "user="+user)
			fmt.Fprint(w, user)
		})
		start := time.Now()
		seen := make(map[string]bool)
		for _, res := range s.together(20) {
			require.Equal(t, "user="+res.body, res.Header.Get("Set-Cookie"))
			require.Equal(t, "set-cookie", res.is("detail"))
			seen[res.body] = true
		}
		require.Len(t, seen, 20)
		require.Equal(t, 2*time.Second, time.Since(start), "those who waited then ask at the same time")
	})
}
