package cache_test

import (
	"cmp"
	"context"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/daramjwee/daramjwee/cache"
	"github.com/daramjwee/daramjwee/cache/store"
)

// refusing is a tier that fails at one call, if any, and has no room to lend.
type refusing struct {
	store.Store
	at  string
	err error
}

func (r refusing) fault(call string) error {
	if call == r.at {
		return r.err
	}
	return nil
}

func (r refusing) Create(ctx context.Context, key string, m store.Metadata) (store.Writer, error) {
	if err := r.fault("create"); err != nil {
		return nil, err
	}
	w, err := r.Store.Create(ctx, key, m)
	if err != nil {
		return nil, err
	}
	return refusingWriter{w.(stagedWriter), r}, nil
}

type stagedWriter interface {
	store.Writer
	store.StagedReader
	store.StagedHolder
}

type refusingWriter struct {
	stagedWriter
	of refusing
}

func (w refusingWriter) Next() []byte { return nil }

func (w refusingWriter) Advance(int) error { return errTier }

func (w refusingWriter) Write(p []byte) (int, error) {
	if err := w.of.fault("write"); err != nil {
		return 0, err
	}
	return w.stagedWriter.Write(p)
}

func (w refusingWriter) Commit(ctx context.Context) error {
	if err := w.of.fault("commit"); err != nil {
		w.Abort()
		return err
	}
	return w.stagedWriter.Commit(ctx)
}

// TestRefusals: a key is remembered as one that cannot be stored when it fits into no
// tier, and tiers that are in trouble are told from those that have no room.
func TestRefusals(t *testing.T) {
	never, now := store.ErrTooLarge, store.ErrFull
	for _, at := range []string{"create", "write", "write, then create", "commit"} {
		for _, tc := range []struct {
			errs               []error
			remembered, failed bool
		}{
			{[]error{nil}, false, false},
			{[]error{now}, false, false},
			{[]error{never}, true, false},
			{[]error{now, never}, false, false},
			{[]error{never, now}, false, false},
			{[]error{never, never}, true, false},
			{[]error{errTier}, at == "create", true},
		} {
			synctest.Test(t, func(t *testing.T) {
				var tiers []store.Store
				call, then, _ := strings.Cut(at, ", then ")
				for _, err := range tc.errs {
					tiers = append(tiers, refusing{memoryTier(t), call, err})
					call = cmp.Or(then, call)
				}
				c := opened(t, cache.WithTiers(tiers...))
				o := &origin{body: string(pattern(100_000)), meta: store.Metadata{ETag: `"strong"`}}
				body, _ := read(t, c, "k", o)
				require.True(t, o.body == body)
				_, err := c.Lookup(ctx, "k")
				require.Equal(t, tc.errs[0] == nil, err == nil)
				var failed int64
				for _, tier := range c.Stats().Tiers {
					failed += tier.Errors
				}
				require.Equal(t, tc.failed, failed > 0, "%s: %v", at, tc.errs)
				if err != nil {
					require.Equal(t, tc.remembered, !shared(t, c, "k", o), "%s: %v", at, tc.errs)
				}
			})
		}
	}
}
