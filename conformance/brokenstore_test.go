package conformance

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/daramjwee/daramjwee/cache/store"
)

// brokenStore is a deliberately broken tier and the rules that must catch it, no
// fewer and no more.
type brokenStore struct {
	name   string
	caught string // IDs, separated by spaces
	bend   func(*liarStore)
	o      StoreOptions
}

// untilStoreJudged is closed when the liar under test has been judged.
var untilStoreJudged chan struct{}

var (
	keeping   = StoreOptions{MaxBytes: plainLimit, Reopen: func() (store.Store, error) { panic("replaced in check") }}
	forgetful = StoreOptions{MaxBytes: plainLimit}
	// waiting is for liars that are caught by waiting.
	waiting = StoreOptions{MaxBytes: plainLimit, Timeout: 2 * time.Second}
)

func (b brokenStore) check() error {
	open, reopen := bentStore(b.bend)
	o := b.o
	if o.Reopen != nil {
		o.Reopen = reopen
	}
	return CheckStore(open, o)
}

func allBrokenStores() []brokenStore {
	return slices.Concat(brokenCreates(), brokenCommits(), brokenMetadata(), brokenReads(), brokenEntries(), brokenBodies(), brokenDeletes(),
		brokenStaged(), brokenDirect(), brokenUpdates(), brokenBounds(), brokenRaces(), brokenCloses())
}

func TestStoreLiars(t *testing.T) {
	if raceEnabled {
		t.Skip("some liars race")
	}
	for _, b := range allBrokenStores() {
		t.Run(b.name, func(t *testing.T) {
			untilStoreJudged = make(chan struct{})
			err := b.check()
			close(untilStoreJudged)
			want := strings.Fields(b.caught)
			slices.Sort(want)
			require.Equal(t, want, caughtBy(err), "%v", err)
		})
	}
}

// TestEveryStoreRuleIsNeeded: without a rule some liar would pass.
func TestEveryStoreRuleIsNeeded(t *testing.T) {
	alone := make(map[string]bool)
	names := make(map[string]bool)
	for _, b := range allBrokenStores() {
		require.False(t, names[b.name], "two liars are called %q", b.name)
		names[b.name] = true
		alone[b.caught] = true // true to one rule when nothing but its ID
		for _, id := range strings.Fields(b.caught) {
			require.True(t, slices.ContainsFunc(StoreRules(), func(r Rule) bool { return r.ID == id }), "%q of liar %q is no rule", id, b.name)
		}
	}
	for _, r := range StoreRules() {
		require.True(t, alone[r.ID], "no liar is caught by %s alone", r.ID)
	}
}

func TestStoreRules(t *testing.T) {
	ids := make(map[string]bool)
	for _, r := range slices.Concat(Rules(), StoreRules()) {
		require.Regexp(t, `^[a-z]+(/[a-z]+)?$`, r.ID)
		require.False(t, ids[r.ID], "two rules have the ID %s", r.ID)
		ids[r.ID] = true
		require.True(t, strings.HasSuffix(r.Text, ".") && strings.Count(r.Text, ". ") == 0, "one sentence: %q", r.Text)
		require.True(t, r.Level >= 1 && r.Level <= suiteLevel, r.ID)
	}
}

func TestHonestStorePasses(t *testing.T) {
	for name, bend := range map[string]func(*liarStore){
		"entries": func(*liarStore) {},
		"bodies":  func(l *liarStore) { l.bodies = func(*liarBody) {} },
	} {
		t.Run(name, func(t *testing.T) {
			open, reopen := bentStore(bend)
			TestStore(t, func(t testing.TB) store.Store {
				s, err := open()
				require.NoError(t, err)
				return s
			}, StoreOptions{MaxBytes: plainLimit, Reopen: reopen})
		})
	}
}
