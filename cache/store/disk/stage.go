package disk

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
)

const (
	stageDir    = "tmp"
	stageSuffix = ".stage"
	stageDigits = 16
	probeName   = "daramjwee.probe"
)

// stage creates a file that is going to be renamed, or swept.
func (s *Store) stage() (name string, fd *os.File, err error) {
	for {
		name = fmt.Sprintf("%s/%0*x%s", stageDir, stageDigits, s.stages.Add(1), stageSuffix)
		fd, err = s.root.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
		switch {
		case errors.Is(err, fs.ErrExist): // left behind, where a sweep could not remove it
		case errors.Is(err, fs.ErrNotExist) && s.root.Mkdir(stageDir, 0o700) == nil: // someone emptied the directory
		default:
			return name, fd, err
		}
	}
}

// probe finds out whether the directory can be written to, by doing what a
// commit does.
func (s *Store) probe() error {
	if err := s.root.Mkdir(stageDir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	name, fd, err := s.stage()
	if err != nil {
		return err
	}
	fd.Close()
	if err := s.root.Rename(name, probeName); err != nil {
		return errors.Join(err, s.root.Remove(name))
	}
	return s.root.Remove(probeName)
}

// sweep removes staged files and returns how many there were.
func (s *Store) sweep() (n int64) {
	found, err := s.readDir(stageDir)
	if err != nil {
		s.log.Warn("disk: staged files cannot be listed", "dir", s.dir, "error", err)
	}
	for _, d := range found {
		base, ok := strings.CutSuffix(d.Name(), stageSuffix)
		if ok && len(base) == stageDigits && isHex(base) && d.Type().IsRegular() {
			s.unlink(stageDir + "/" + d.Name())
			n++
		}
	}
	return n
}

// readDir lists a folder, as far as it can.
func (s *Store) readDir(name string) ([]fs.DirEntry, error) {
	d, err := s.root.Open(name)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	return d.ReadDir(-1)
}
