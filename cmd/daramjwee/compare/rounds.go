package compare

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
)

// Row is what was measured of one strategy, or of the standard library.
type Row struct {
	Name string
	Runs []Figures // one of each round
	// Failed is why there are none: the strategy could not be opened, gave a
	// wrong body, failed a request or panicked.
	Failed error
}

// Run runs a workload through the standard library and the named strategies, which
// must be registered, and returns a row of each, that of the standard library
// first. progress, which may be nil, is called after each run.
//
// When ctx ends, Run returns the rounds that were complete by then beside its
// error. A strategy that fails is left out from then on, and is no error.
func Run(ctx context.Context, w Workload, names []string, progress func()) ([]Row, error) {
	rows := []Row{{Name: Stdlib}}
	for _, name := range names {
		rows = append(rows, Row{Name: name})
	}
	r := w.requests()
	random := rand.New(rand.NewPCG(w.Seed, 0))
	for range w.Rounds {
		round := make([]Figures, len(rows))
		for _, i := range random.Perm(len(rows)) {
			row := &rows[i]
			if row.Failed == nil {
				var err error
				round[i], err = measure(ctx, row.Name, r)
				if ctx.Err() != nil {
					return rows, context.Cause(ctx)
				}
				if errors.Is(err, errHangs) || err != nil && i == 0 {
					return rows, fmt.Errorf("%s: %w", row.Name, err)
				}
				row.Failed = err
			}
			if progress != nil {
				progress()
			}
		}
		for i := range rows {
			if row := &rows[i]; row.Failed == nil {
				row.Runs = append(row.Runs, round[i])
			} else {
				row.Runs = nil
			}
		}
	}
	return rows, nil
}
