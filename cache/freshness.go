package cache

import (
	"time"

	"github.com/daramjwee/daramjwee/cache/store"
)

// freshnessLeft is how long an entry stays fresh; at zero and below it is stale,
// for so long (RFC 9111, section 4.2). An entry from the future is stale: its
// clock cannot be trusted.
func (cfg *Config) freshnessLeft(tier int, m *store.Metadata, age time.Duration) time.Duration {
	ttl := m.TTL
	if ttl == 0 {
		switch {
		case m.Negative:
			ttl = cfg.NegativeFreshness
		case tier < len(cfg.TierFreshness) && cfg.TierFreshness[tier] != 0:
			ttl = cfg.TierFreshness[tier]
		default:
			ttl = cfg.Freshness
		}
	}
	if age < 0 {
		return 0
	}
	return max(ttl, 0) - age
}

// within reports whether an entry with so much freshness left may be served
// under a window past its freshness: the entry's own, or the cache's default.
func within(left, own, fallback time.Duration) bool {
	if own == 0 {
		own = fallback
	}
	return own > 0 && -left < own
}

func (cfg *Config) whileRevalidate(m *store.Metadata, left time.Duration) bool {
	return within(left, m.StaleWhileRevalidate, cfg.StaleWhileRevalidate)
}

func (cfg *Config) ifError(m *store.Metadata, left time.Duration) bool {
	return within(left, m.StaleIfError, cfg.StaleIfError)
}
