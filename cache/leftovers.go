package cache

import (
	"context"
	"errors"
	"fmt"
)

// Leftovers are values that a tier failed to delete. Their key keeps its floor,
// so that Get goes on ignoring them, until the tier has deleted or replaced them.
// Close tries once more: what is left then may be found again after a restart.

// maxLeftovers bounds the keys that are remembered for it. Past that a whole tier
// is taken to be one: all that it holds by then is ignored.
const maxLeftovers = 1 << 16

// survives says that a tier may hold an older value than w's.
func (w *work) survives(tier int) {
	k := w.all
	k.mu.Lock()
	defer k.mu.Unlock()
	if w.of.leftovers == 0 {
		k.leftovers++
	}
	w.of.leftovers |= 1 << tier
	if k.leftovers <= maxLeftovers {
		return
	}
	for i := range k.ignored {
		k.ignored[i].Store(k.last)
	}
	for key, kw := range k.byKey {
		kw.leftovers = 0
		k.forget(key, kw)
	}
	k.leftovers = 0
}

// gone says that a tier has deleted or replaced its value of a key.
func (w *work) gone(tier int) {
	k := w.all
	k.mu.Lock()
	defer k.mu.Unlock()
	if w.of.leftovers == 0 {
		return
	}
	if w.of.leftovers &^= 1 << tier; w.of.leftovers == 0 {
		k.leftovers--
	}
}

// deleteFrom deletes a key from one tier, for a Delete or a newer value.
func (c *DaramjweeCache) deleteFrom(ctx context.Context, tier int, w *work) error {
	err := c.cfg.Tiers[tier].Delete(ctx, w.key)
	if err == nil {
		w.gone(tier)
		return nil
	}
	c.tierFailed(tier, "delete", w.key, err)
	w.raise()
	w.survives(tier)
	return err
}

// deleteLeftovers is the last try.
func (c *DaramjweeCache) deleteLeftovers(ctx context.Context) error {
	var errs []error
	for tier := range c.cfg.Tiers {
		var failed int
		var last error
		for _, key := range c.keys.leftIn(tier) {
			if err := c.cfg.Tiers[tier].Delete(ctx, key); err != nil {
				failed, last = failed+1, err
			}
		}
		if failed > 0 {
			errs = append(errs, fmt.Errorf("cache: close: %s still holds %d deleted or replaced entries, which may be found after a restart: %w",
				c.tierNames[tier], failed, last))
		}
	}
	return errors.Join(errs...)
}

func (k *keys) leftIn(tier int) (keys []string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for key, kw := range k.byKey {
		if kw.leftovers&(1<<tier) != 0 {
			keys = append(keys, key)
		}
	}
	return keys
}

// ignores reports whether a tier's value is to be passed over: it came before a
// Delete or Set of its key, or may have.
func (k *keys) ignores(tier int, key string, gen uint64) bool {
	return gen <= k.ignored[tier].Load() || k.outdated(key, gen)
}
