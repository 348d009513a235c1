package httpcache

import (
	"log"
	"log/slog"
	"net/http"
	"net/http/httputil"
	"net/url"

	"github.com/daramjwee/daramjwee/cache"
	"github.com/daramjwee/daramjwee/strategy"
)

// Options are what a Handler needs beside its cache. Only Origin must be given.
type Options struct {
	Origin    *url.URL          // http or https, and a host; a path and a query are put before those of requests
	Transport http.RoundTripper // nil: NewPooledTransport of the cache's pool. One that compresses by itself changes what it hands on
	Name      string            // of this cache in Cache-Status; "": daramjwee
	Logger    *slog.Logger      // nil: silent
}

// Handler is a caching reverse proxy in front of one origin. It is safe for
// concurrent use. The cache stays its caller's, to close it after the server.
type Handler struct {
	cache     *cache.DaramjweeCache
	config    cache.Config
	origin    *url.URL
	transport http.RoundTripper
	buffers   httputil.BufferPool
	name      string // as in Cache-Status
	log       *slog.Logger
	errorLog  *log.Logger
}

// New returns a Handler that answers from c, and from o.Origin what c does not
// have. The error is a *cache.ConfigError.
func New(c *cache.DaramjweeCache, o Options) (*Handler, error) {
	if c == nil {
		return nil, &cache.ConfigError{Field: "Cache", Value: "nil", Allowed: "a cache"}
	}
	if err := validOrigin(o.Origin); err != nil {
		return nil, err
	}
	if o.Transport == nil {
		o.Transport = NewPooledTransport(c.BufferPool)
	}
	if o.Name == "" {
		o.Name = "daramjwee"
	}
	name, err := tokenOrString(o.Name)
	if err != nil {
		return nil, &cache.ConfigError{Field: "Name", Value: o.Name, Allowed: "printable ASCII"}
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	origin := *o.Origin
	return &Handler{
		cache: c, config: c.Config(), origin: &origin, transport: o.Transport,
		buffers: strategy.ReverseProxyBuffers(c.BufferPool), name: name,
		log: o.Logger, errorLog: slog.NewLogLogger(o.Logger.Handler(), slog.LevelWarn),
	}, nil
}

func validOrigin(u *url.URL) error {
	fault := func(value string) error {
		return &cache.ConfigError{Field: "Origin", Value: value, Allowed: "an http or https URL with a host, without user and fragment"}
	}
	switch {
	case u == nil:
		return fault("nil")
	case u.Scheme != "http" && u.Scheme != "https", u.Hostname() == "", u.User != nil, u.Fragment != "", u.Opaque != "":
		return fault(u.Redacted())
	}
	return nil
}

// ServeHTTP implements http.Handler. The package comment tells what it does.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if code := refuse(r); code != 0 {
		fail(w, code)
		return
	}
	x := &exchange{Handler: h, w: w, r: r, url: h.target(r.URL), cc: requestDirectives(r.Header)}
	encodings, identity := acceptedCodings(r.Header)
	x.key = key(x.url, encodings)
	fwd, detail := bypass(r, x.cc, identity)
	switch {
	case x.cc.has("only-if-cached") && fwd != "method":
		if fwd != "" || !x.lookup() {
			fail(w, http.StatusGatewayTimeout) // RFC 9111 section 5.2.1.7
		}
	case fwd != "":
		x.passThrough(cache.Status{Fwd: fwd, Detail: detail})
	case r.Method == http.MethodHead:
		if !x.lookup() {
			x.passThrough(cache.Status{Fwd: "miss"})
		}
	case has(r.Header, "Range"):
		x.getRange()
	default:
		x.get()
	}
}
