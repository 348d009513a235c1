package disk

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/daramjwee/daramjwee/cache/store"
)

const (
	crashDir  = "DARAMJWEE_CRASH_DIR"  // the test binary is the process to be killed
	crashStop = "DARAMJWEE_CRASH_STOP" // the write in the middle of which it waits for that
)

// crash writes, updates and deletes until it is killed. It says what it is about
// to do and when it has done it.
func crash(dir string) {
	s, err := openSmall(dir, Options{})
	if err != nil {
		panic(err)
	}
	stop, _ := strconv.Atoi(os.Getenv(crashStop))
	r := rand.New(rand.NewPCG(uint64(stop), 2))
	for generation := uint64(1); ; generation++ {
		key := fmt.Sprint("key", r.IntN(6))
		switch op := r.IntN(8); op {
		case 0:
			fmt.Println("delete", key, 0)
			err = s.Delete(ctx, key)
		case 1, 2:
			m, e := s.Stat(ctx, key)
			if e != nil {
				continue
			}
			fmt.Println("update", key, m.Generation)
			next := *m
			next.TTL++
			err = s.UpdateMetadata(ctx, key, m.Generation, next)
		default:
			fmt.Println("put", key, generation)
			w, e := s.Create(ctx, key, store.Metadata{Size: -1, Generation: generation})
			if e != nil {
				panic(e)
			}
			b := bodyOf(key, generation)
			w.Write(b[:len(b)/2])
			if generation >= uint64(stop) {
				fmt.Println("stop", key, 0)
				io.Copy(io.Discard, os.Stdin) // for ever
			}
			w.Write(b[len(b)/2:])
			err = w.Commit(ctx)
		}
		if err != nil {
			panic(err)
		}
		fmt.Println("done", key, 0)
	}
}

// A process that is killed, in the middle of a write or anywhere else, loses
// nothing that was committed, brings nothing back that was deleted, tears
// nothing and leaves nothing behind.
func TestKill(t *testing.T) {
	swept := int64(0)
	for round := range 24 {
		dir := t.TempDir()
		lines, inside := 1+round*13, round%2 == 0
		stop := 1 << 30
		if inside {
			stop = lines
		}
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), crashDir+"="+dir, fmt.Sprint(crashStop, "=", stop))
		cmd.Stderr = os.Stderr
		stdin, err := cmd.StdinPipe()
		require.NoError(t, err)
		stdout, err := cmd.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, cmd.Start())

		// committed is what each key must be, pending what it may have become.
		committed, pending := map[string]uint64{}, map[string]uint64{}
		pendingKey := ""
		in := bufio.NewScanner(stdout)
		for n := 0; in.Scan(); n++ {
			var op, key string
			var generation uint64
			if _, err := fmt.Sscan(in.Text(), &op, &key, &generation); err != nil {
				break // the kill cut the line
			}
			switch op {
			case "done":
				committed[key] = pending[key]
				pendingKey = ""
			case "stop":
				require.NoError(t, cmd.Process.Kill())
			default:
				pending[key], pendingKey = generation, key
			}
			if n == lines && !inside {
				require.NoError(t, cmd.Process.Kill())
			}
		}
		require.Error(t, cmd.Wait(), "it was killed")
		stdin.Close()

		s := openDir(t, dir, Options{})
		st := s.Stats()
		require.Zero(t, st.Corrupt)
		if inside {
			require.EqualValues(t, 1, st.Swept, "the kill was not inside of a write")
		}
		swept += st.Swept
		_, staged := onDisk(t, dir)
		require.Zero(t, staged)
		for key, m := range s.List() {
			requireEntry(t, s, key, bodyOf(key, m.Generation))
			want := []uint64{committed[key]}
			if key == pendingKey {
				want = append(want, pending[key])
			}
			require.Contains(t, want, m.Generation)
			require.NotZero(t, m.Generation, "deleted")
		}
		for key, generation := range committed {
			if key != pendingKey && generation != 0 {
				_, err := s.Stat(ctx, key)
				require.NoError(t, err, "lost")
			}
		}
		require.NoError(t, s.Close())
	}
	require.GreaterOrEqual(t, swept, int64(12))
}
