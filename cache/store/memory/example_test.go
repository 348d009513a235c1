package memory_test

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/daramjwee/daramjwee/cache/store"
	"github.com/daramjwee/daramjwee/cache/store/memory"
	"github.com/daramjwee/daramjwee/strategy"
)

func Example() {
	tier, err := memory.New(memory.Options{MaxBytes: 64 << 20, BufferPool: strategy.DefaultConfig()})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer tier.Close()
	ctx := context.Background()

	w, _ := tier.Create(ctx, "greeting", store.Metadata{Size: -1})
	defer w.Abort()
	fmt.Fprint(w, "hello")
	if err := w.Commit(ctx); err != nil {
		fmt.Println(err)
	}

	entry, _ := tier.Open(ctx, "greeting")
	defer entry.Close()
	fmt.Print(entry.Size(), " bytes: ")
	io.Copy(os.Stdout, entry)
	// Output: 5 bytes: hello
}
