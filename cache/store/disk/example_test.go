package disk_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"os"

	"github.com/daramjwee/daramjwee/cache/store"
	"github.com/daramjwee/daramjwee/cache/store/disk"
)

// An entry is written, is still there after a restart, and is read.
func Example() {
	dir, err := os.MkdirTemp("", "tier")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	ctx := context.Background()

	s, err := disk.Open(dir, disk.Options{MaxBytes: 64 << 20})
	if err != nil {
		log.Fatal(err)
	}
	save := func(key, body string) error {
		w, err := s.Create(ctx, key, store.Metadata{ETag: `"v1"`, Size: -1})
		if err != nil {
			return err
		}
		defer w.Abort() // does nothing after Commit
		if _, err := io.WriteString(w, body); err != nil {
			return err
		}
		return w.Commit(ctx)
	}
	if err := save("https://example.org/", "hello, squirrel"); err != nil {
		log.Fatal(err)
	}
	if err := s.Close(); err != nil {
		log.Fatal(err)
	}

	if s, err = disk.Open(dir, disk.Options{MaxBytes: 64 << 20}); err != nil {
		log.Fatal(err)
	}
	defer s.Close()
	e, err := s.Open(ctx, "https://example.org/")
	if err != nil {
		log.Fatal(err)
	}
	defer e.Close()
	body, err := io.ReadAll(e)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(e.Metadata().ETag, e.Size(), string(body))
	fmt.Println(s.Stats().Entries)
	// Output:
	// "v1" 15 hello, squirrel
	// 1
}
