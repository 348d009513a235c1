package httpcache

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"

	"github.com/daramjwee/daramjwee/cache"
)

// failed answers when neither the cache nor the origin could. The client learns
// the kind of failure, the log its cause.
func (x *exchange) failed(err error, status cache.Status) {
	if serverError := statusError(0); errors.As(err, &serverError) {
		// The stale entry that was to stand in has gone since. Whoever waited for
		// the same answer asks too: its body was for one.
		x.passThrough(cache.Status{Fwd: cache.FwdStale, Detail: "retry"})
		return
	}
	code := http.StatusBadGateway
	var network net.Error
	switch {
	case errors.Is(err, cache.ErrCacheClosed):
		x.w.Header().Set("Retry-After", "5") // seconds: a restart
		fail(x.w, http.StatusServiceUnavailable)
		return
	case errors.Is(err, cache.ErrNotFound): // a negative entry, which others than a Handler leave
		code = http.StatusNotFound
	case errors.As(err, &network) && network.Timeout(): // context.DeadlineExceeded is one too
		code = http.StatusGatewayTimeout
	}
	x.logFailure("httpcache: no answer from the origin", err)
	// RFC 9211 section 2 would rather not have this on answers that a cache makes
	// up, but here it tells that the origin was asked, and why.
	x.w.Header().Add("Cache-Status", cacheStatus(x.name, status))
	fail(x.w, code)
}

// fail answers with nothing but a status code.
func fail(w http.ResponseWriter, code int) {
	w.Header().Set("Cache-Control", "no-store")
	http.Error(w, http.StatusText(code), code)
}

// logFailure is quiet about clients that have left: nothing failed then.
func (x *exchange) logFailure(what string, err error) {
	level := slog.LevelWarn
	if x.r.Context().Err() != nil {
		level = slog.LevelDebug
	}
	attrs := []slog.Attr{slog.String("key", x.key), slog.Any("err", err)}
	if fault := (*cache.PanicError)(nil); errors.As(err, &fault) {
		level = slog.LevelError
		attrs = append(attrs, slog.String("stack", string(fault.Stack)))
	}
	x.log.LogAttrs(context.WithoutCancel(x.r.Context()), level, what, attrs...)
}
