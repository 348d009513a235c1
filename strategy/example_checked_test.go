package strategy_test

import (
	"fmt"

	"github.com/daramjwee/daramjwee/strategy"
)

func ExampleChecked() {
	pool, err := strategy.New(strategy.DefaultConfig())
	if err != nil {
		fmt.Println(err)
		return
	}
	checked := strategy.Checked(pool, func(m *strategy.Misuse) {
		fmt.Println(m.Kind, "of", m.Cap, "bytes") // m.Error() has the stacks; in a test: t.Error(m)
	})

	buf := checked.Get(1000)
	checked.Put(buf)
	checked.Put(buf)
	buf[10] = 1
	checked.Check()

	other := checked.Get(0)
	checked.Put(other[1:])
	checked.Put(make([]byte, 64))
	held := checked.Get(100_000)
	_ = strategy.Close(checked)
	checked.Put(held)            // still allowed
	fmt.Printf("%#x\n", buf[20]) // what a reader of a buffer that was put sees
	// Output:
	// double Put of 4096 bytes
	// write after Put of 4096 bytes
	// sub-slice Put of 32767 bytes
	// foreign Put of 64 bytes
	// held at Close of 100000 bytes
	// 0xdb
}
