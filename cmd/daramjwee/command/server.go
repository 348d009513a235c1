package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/daramjwee/daramjwee/cache"
	"github.com/daramjwee/daramjwee/cache/httpcache"
)

// server is a running cache: listeners, handlers and what is behind them.
type server struct {
	settings *settings
	log      *slog.Logger
	started  time.Time

	tiers     *tiers
	cache     *cache.DaramjweeCache
	transport *http.Transport
	demo      *demoOrigin // nil: there is another origin

	listener, adminListener net.Listener // adminListener may be nil
	clients, admin          *http.Server
	underWay                atomic.Int64 // requests of clients

	serving sync.WaitGroup
	failed  chan error // of a listener, later
}

// start opens everything, and serves. Ports come first: they are what two servers
// by mistake collide on, and nothing needs to be undone then.
func start(s *settings, log *slog.Logger) (_ *server, err error) {
	srv := &server{settings: s, log: log, started: time.Now(), failed: make(chan error, 3)}
	defer func() {
		if err != nil {
			srv.release()
		}
	}()
	if srv.listener, err = listen(s.listen); err != nil {
		return nil, err
	}
	if s.admin != "" {
		if srv.adminListener, err = listen(s.admin); err != nil {
			return nil, err
		}
	}
	if srv.tiers, err = openTiers(s, log); err != nil {
		return nil, err
	}
	cfg := s.cache
	cfg.Logger, cfg.Tiers = log, srv.tiers.list
	if srv.cache, err = cache.NewFromConfig(cfg); err != nil {
		return nil, err
	}
	handler, err := srv.handler()
	if err != nil {
		return nil, err
	}
	srv.clients = newClientServer(srv.count(handler), srv.cache.BufferPool, log)
	srv.serve(srv.clients, &clientListener{srv.listener, stallTimeout})
	if srv.adminListener != nil {
		srv.admin = newHTTPServer(srv.adminHandler(), log)
		srv.serve(srv.admin, srv.adminListener)
	}
	return srv, nil
}

func listen(address string) (net.Listener, error) {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("daramjwee: %w", err) // a *net.OpError names the address
	}
	return l, nil
}

// handler makes the caching proxy, and the origin for it if there is none.
func (s *server) handler() (http.Handler, error) {
	origin := s.settings.origin
	if origin != nil {
		s.transport = httpcache.NewPooledTransport(s.cache.BufferPool)
	} else {
		var err error
		if s.demo, err = listenDemo(s.log); err != nil {
			return nil, err
		}
		s.serve(s.demo.Server, s.demo.listener)
		origin, s.transport = demoURL, s.demo.transport(s.cache.BufferPool)
	}
	return httpcache.New(s.cache, httpcache.Options{Origin: origin, Transport: s.transport, Logger: s.log})
}

func (s *server) count(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.underWay.Add(1)
		defer s.underWay.Add(-1)
		next.ServeHTTP(w, r)
	})
}

func (s *server) serve(h *http.Server, l net.Listener) {
	s.serving.Go(func() {
		if err := h.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			s.failed <- fmt.Errorf("daramjwee: %w", err)
		}
	})
}

// stop takes no more requests, gives those under way the time to end, and then
// the background work as much again. It logs what it had to abandon.
func (s *server) stop() {
	ctx, cancel := context.WithTimeout(context.Background(), s.settings.cache.CloseTimeout)
	defer cancel()
	if err := s.clients.Shutdown(ctx); err != nil {
		s.log.Warn("requests abandoned", "requests", s.underWay.Load(), "after", s.settings.cache.CloseTimeout)
	}
	s.release()
	s.log.Info("stopped", s.summary()...)
}

// release closes what is open, in the order in which nothing is pulled away from
// under anything else.
func (s *server) release() {
	for _, h := range []*http.Server{s.clients, s.admin} {
		if h != nil {
			h.Close()
		}
	}
	if s.cache != nil {
		// What it abandoned, it logs itself.
		if err := s.cache.Close(); err != nil && !errors.Is(err, context.DeadlineExceeded) {
			s.log.Error("closing the cache", "err", err)
		}
	}
	if s.tiers != nil {
		s.tiers.close(s.cache == nil)
	}
	if s.transport != nil {
		s.transport.CloseIdleConnections()
	}
	closers := []io.Closer{}
	if s.demo != nil {
		closers = append(closers, s.demo)
	}
	for _, l := range []net.Listener{s.listener, s.adminListener} { // those that nothing served yet
		if l != nil {
			closers = append(closers, l)
		}
	}
	for _, c := range closers {
		c.Close() // closed already, if all went well
	}
	s.serving.Wait()
}
