package httpcache

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/textproto"
	"sync"
	"testing"

	"github.com/daramjwee/daramjwee/cache"
	"github.com/daramjwee/daramjwee/cache/store"
	"github.com/daramjwee/daramjwee/cache/store/memory"
	"github.com/stretchr/testify/require"
)

// logTo has the site's Handler log into the buffer that it returns.
func (s *site) logTo(level slog.Level) *lockedBuffer {
	s.t.Helper()
	logged := new(lockedBuffer)
	h, err := New(s.cache, Options{
		Origin: s.handler.origin, Transport: s.handler.transport,
		Logger: slog.New(slog.NewTextHandler(logged, &slog.HandlerOptions{Level: level})),
	})
	require.NoError(s.t, err)
	s.handler = h
	return logged
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// The log has the cause that the client does not learn.
func TestFailuresAreLogged(t *testing.T) {
	s := newSite(t, nil).over(roundTripperFunc(func(r *http.Request) (*http.Response, error) { return nil, errors.New("cause") }))
	logged := s.logTo(slog.LevelWarn)
	s.get("/fetched")
	require.Regexp(t, `level=WARN .*key=http://origin.test/base/fetched err=cause`, logged)
	s.do("POST", "/passed")
	require.Regexp(t, `level=WARN .*key=http://origin.test/base/passed err=cause`, logged)
}

func TestPanicsAreLoggedWithTheirStack(t *testing.T) {
	s := newSite(t, nil).over(roundTripperFunc(func(r *http.Request) (*http.Response, error) { panic("cause") }))
	logged := s.logTo(slog.LevelWarn)
	s.get("/a")
	require.Regexp(t, `level=ERROR .*cause.*failure_test.go`, logged)
}

// A client that leaves is no failure.
func TestLeavingClientsAreNotLogged(t *testing.T) {
	s := newSite(t, nil).over(roundTripperFunc(func(r *http.Request) (*http.Response, error) { return nil, r.Context().Err() }))
	logged := s.logTo(slog.LevelInfo)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, method := range []string{"GET", "POST"} {
		require.Equal(t, http.StatusBadGateway, s.send(httptest.NewRequestWithContext(ctx, method, "/a", nil)).StatusCode)
	}
	require.Empty(t, logged.String())
}

// An answer that ends early ends the handler as net/http wants it.
func TestCutAnswerAborts(t *testing.T) {
	s := newSite(t, nil)
	s.over(roundTripperFunc(func(r *http.Request) (*http.Response, error) {
		res := answerOf(says("whole"), r)
		res.ContentLength = 10
		return res, nil
	}))
	logged := s.logTo(slog.LevelWarn)
	require.PanicsWithValue(t, http.ErrAbortHandler, func() { s.get("/a") })
	require.Contains(t, logged.String(), io.ErrUnexpectedEOF.Error())
	require.Zero(t, s.cache.Stats().Fills)
	require.Zero(t, s.cache.Stats().BufferPool.ActiveBuffers)
}

// A fill for a client whose copy is current can be cut as well: it has its 304.
func TestCutFillBehindNotModified(t *testing.T) {
	s := newSite(t, nil)
	s.over(roundTripperFunc(func(r *http.Request) (*http.Response, error) {
		res := answerOf(says("whole", "Etag", `"a"`), r)
		res.ContentLength = 10
		return res, nil
	}))
	logged := s.logTo(slog.LevelWarn)
	require.Equal(t, http.StatusNotModified, s.get("/a", "If-None-Match", `"a"`).StatusCode)
	require.Contains(t, logged.String(), io.ErrUnexpectedEOF.Error())
	require.Zero(t, s.cache.Stats().Fills)
}

// A tier that cannot delete is logged; the client's request has succeeded.
func TestFailedInvalidation(t *testing.T) {
	tier, err := memory.New(memory.Options{MaxBytes: 1 << 20})
	require.NoError(t, err)
	failing := &keeper{Store: tier}
	s := newSite(t, says("done"), cache.WithTiers(failing))
	logged := s.logTo(slog.LevelWarn)
	require.Equal(t, "done", s.do("PUT", "/a").body)
	require.Contains(t, logged.String(), "cannot delete")
	failing.mended = true // Close deletes what was left
	require.NoError(t, s.cache.Close())
	logged.b.Reset()
	require.Equal(t, "done", s.do("PUT", "/a").body, "what passes through needs no cache")
	require.Empty(t, logged.String())
}

type keeper struct {
	store.Store
	mended bool
}

func (k *keeper) Delete(ctx context.Context, key string) error {
	if k.mended {
		return k.Store.Delete(ctx, key)
	}
	return errors.New("cannot delete")
}

// Informational answers come from one goroutine, the final one from another.
func TestInformationalAfterTheEnd(t *testing.T) {
	rec := httptest.NewRecorder()
	hints := informational{w: rec}
	require.NoError(t, hints.forward(http.StatusContinue, textproto.MIMEHeader{"Link": {"a"}}))
	hints.end()
	require.NoError(t, hints.forward(http.StatusEarlyHints, textproto.MIMEHeader{"Link": {"a"}}))
	require.Equal(t, http.StatusOK, rec.Code)
	require.Empty(t, rec.Header())
}
