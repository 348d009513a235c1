package strategy

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/daramjwee/daramjwee/internal/checked"
)

// Factory opens a pool for a configuration that is valid and enabled, with
// every default filled in.
type Factory func(BufferPoolConfig) (BufferPool, error)

var registry = struct {
	mu   sync.RWMutex // guards open
	open map[string]Factory
}{open: make(map[string]Factory)}

// Register makes a strategy selectable by name, normally from an init function.
// It panics on an empty name, a nil Factory, or a name that is taken.
func Register(name string, open Factory) {
	if name == "" {
		panic("strategy: Register with an empty name")
	}
	if open == nil {
		panic("strategy: Register of " + name + " with a nil Factory")
	}
	registry.mu.Lock()
	defer registry.mu.Unlock()
	if _, taken := registry.open[name]; taken {
		panic("strategy: Register called twice for " + name)
	}
	registry.open[name] = open
}

// Names returns the registered names in order.
func Names() []string {
	registry.mu.RLock()
	defer registry.mu.RUnlock()
	return slices.Sorted(maps.Keys(registry.open))
}

// New opens the pool that cfg describes. A faulty configuration is an
// errors.Join of *ConfigError; any other error is the strategy's own, and the
// caller may go on with another one. A disabled configuration opens a pool that
// behaves as the standard library does, without asking the strategy.
//
// In a build with the tag daramjwee_checked the pool is Checked, and panics with
// the first Misuse; buffers that are out at Close are none.
func New(cfg BufferPoolConfig) (BufferPool, error) {
	p, err := open(cfg)
	if err == nil && checked.On() {
		return Checked(p, func(m *Misuse) {
			if m.Kind != HeldAtClose {
				panic(m)
			}
		}), nil
	}
	return p, err
}

func open(cfg BufferPoolConfig) (BufferPool, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cfg = cfg.WithDefaults()
	if !cfg.Enabled {
		return NewPool(cfg, nil)
	}
	factory, _ := lookup(cfg.Strategy)
	p, err := factory(cfg)
	if err == nil && p == nil {
		err = errors.New("its Factory returned no pool")
	}
	if err != nil {
		return nil, fmt.Errorf("strategy: open %s: %w", cfg.Strategy, err)
	}
	return p, nil
}

func lookup(name string) (Factory, bool) {
	registry.mu.RLock()
	defer registry.mu.RUnlock()
	open, ok := registry.open[name]
	return open, ok
}

func validateName(name string) error {
	if _, ok := lookup(name); ok {
		return nil
	}
	known := Names()
	allowed := "one of " + strings.Join(known, ", ")
	if len(known) == 0 {
		allowed = "none is registered: import the strategy's package"
	}
	if near := nearest(name, known); near != "" {
		allowed = fmt.Sprintf("did you mean %q? %s", near, allowed)
	}
	return &ConfigError{Field: "Strategy", Value: name, Allowed: allowed}
}

// nearest returns the known name with the fewest edits from name, or "" when
// that takes more than a third of its letters.
func nearest(name string, known []string) string {
	best, bestEdits := "", len(name)/3+1
	for _, k := range known {
		if n := edits(strings.ToLower(name), k); n < bestEdits {
			best, bestEdits = k, n
		}
	}
	return best
}

// edits is the Levenshtein distance in bytes.
func edits(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, diagonal+1, row[j]+1)
		}
	}
	return row[len(b)]
}
