package conformance

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"sync/atomic"

	"github.com/daramjwee/daramjwee/cache/store"
)

// racer is a key that one goroutine writes and all read. Its values tell their
// key and generation by their bytes.
type racer struct {
	number      uint64
	key         string
	last        uint64        // its writer's own: the generation given out last
	floor, ceil atomic.Uint64 // the generations that may be found now
}

func newRacers(n int) []*racer {
	all := make([]*racer, n)
	for i := range all {
		all[i] = &racer{number: uint64(i), key: fmt.Sprint("racer ", i)}
		all[i].floor.Store(1)
	}
	return all
}

func (r *racer) value(generation uint64) []byte {
	seed := r.number<<20 | generation
	return bodyOf(seed, int(seed*2654435761%20_000))
}

// store replaces the value, and reports whether the tier was still open.
func (c *storeCheck) store(s store.Store, r *racer, rng *rand.Rand) bool {
	r.last++
	data := r.value(r.last)
	m := declaring(len(data))[rng.IntN(2)]
	m.Generation = r.last
	w, err := s.Create(background, r.key, m)
	if err == nil {
		chunk := 1 + rng.IntN(5000)
		given := len(data) > chunk && rng.IntN(5) == 0 // up before its end
		for at := 0; at < len(data) && err == nil && !(given && at > 0); at += chunk {
			end := min(at+chunk, len(data))
			_, err = w.Write(data[at:end:end])
		}
		if err == nil && !given {
			r.ceil.Store(r.last)
			if err = w.Commit(background); err == nil {
				r.floor.Store(r.last)
			}
		}
		_ = w.Abort()
	}
	return c.lives(err, "storing "+r.key, store.ErrTooLarge) // of what other writers have been promised
}

// lives sorts errors out: what is expected, and the end of the tier.
func (c *storeCheck) lives(err error, where string, expected error) bool {
	if errors.Is(err, store.ErrClosed) {
		return false
	}
	c.that(err == nil || errors.Is(err, expected), err, expected, "%s under load", where)
	return true
}

// load reads a value, and reports whether the tier was still open.
func (c *storeCheck) load(s store.Store, r *racer, rng *rand.Rand) bool {
	floor := r.floor.Load()
	e, err := c.openEntry(background, s, r.key)
	ceil := r.ceil.Load()
	if err != nil {
		return c.lives(err, "Open", store.ErrNotFound)
	}
	defer e.Close()
	generation := e.Metadata().Generation
	c.that(floor <= generation && generation <= ceil, generation, fmt.Sprintf("%d to %d", floor, ceil), "generation that Open finds under load")
	var got bytes.Buffer
	if from, ok := e.(io.WriterTo); ok && rng.IntN(2) == 0 {
		_, err = from.WriteTo(maskWriter{&got})
	} else {
		_, err = io.CopyBuffer(maskWriter{&got}, maskReader{e}, make([]byte, 1+rng.IntN(5000)))
	}
	c.that(err == nil, err, nil, "Read under load")
	c.equal(got.Bytes(), r.value(generation), "value of generation %d of %q under load", generation, r.key)
	return true
}

func raceValues(c *storeCheck) {
	const workers, each, rounds = 4, 4, 120
	s := c.fresh()
	racers := newRacers(workers * each)
	c.parallel(workers, func(g int) {
		rng := rand.New(rand.NewPCG(uint64(g), 1))
		for range rounds {
			own := racers[g*each+rng.IntN(each)]
			switch rng.IntN(5) {
			case 0:
				c.lives(s.Delete(background, own.key), "Delete", store.ErrNotFound) // delete/nothing looks at that
				own.floor.Store(own.last + 1)
				c.load(s, own, rng)
			case 1:
				if u, ok := s.(store.MetadataUpdater); ok {
					at := own.floor.Load()
					err := u.UpdateMetadata(background, own.key, at, store.Metadata{Generation: at})
					c.that(err == nil || errors.Is(err, store.ErrNotFound), err, nil, "UpdateMetadata under load")
				}
			default:
				c.store(s, own, rng)
			}
			c.load(s, racers[rng.IntN(len(racers))], rng)
		}
	})
}

func raceClose(c *storeCheck) {
	const workers = 4
	for round := range 6 {
		s := c.fresh()
		racers := newRacers(workers)
		var closed atomic.Bool
		var begun atomic.Int64
		c.parallel(workers+1, func(g int) {
			if g == workers {
				defer closed.Store(true)
				for begun.Load() < int64(workers*(round+1)) {
					c.yield()
				}
				err := s.Close()
				c.that(err == nil, err, nil, "Close of the tier under load")
				return
			}
			rng := rand.New(rand.NewPCG(uint64(g), uint64(round)))
			for goesOn := true; goesOn; {
				late := closed.Load()
				open := c.store(s, racers[g], rng)
				begun.Add(1)
				open = c.load(s, racers[rng.IntN(workers)], rng) && open
				if late {
					c.that(!open, "no error", store.ErrClosed, "calls after Close of the tier under load")
				}
				goesOn = open && !late
				c.yield()
			}
			begun.Add(1000)
		})
	}
}
