//go:build !windows

package disk

import (
	"errors"
	"os"
)

// syncDir flushes the directory: the names that were given and taken in it.
func syncDir(root *os.Root) error {
	d, err := root.Open(".")
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
