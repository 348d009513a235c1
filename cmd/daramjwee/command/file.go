package command

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

// readFile reads a YAML file. It walks the nodes itself: decoding into a struct
// would know the line of an unknown key, but not that of a value which turns out
// to be wrong only beside another one. The error is that of a file that could
// not be read at all.
func (r *reader) readFile(name string) error {
	f, err := os.Open(name)
	if err != nil {
		return fmt.Errorf("daramjwee: %w", err)
	}
	defer f.Close()
	docs, err := yaml.NewLoader(f)
	if err != nil {
		return fmt.Errorf("daramjwee: read %s: %w", name, err)
	}
	for i := 0; ; i++ {
		var doc yaml.Node
		var bad *yaml.LoadError
		switch err := docs.Load(&doc); {
		case err == io.EOF:
			return nil // an empty file says nothing
		case errors.As(err, &bad):
			r.fault(place{fmt.Sprintf("%s:%d", name, bad.Mark.Line), bad.Mark.Line}, "", bad.Message)
			return nil
		case err != nil:
			return fmt.Errorf("daramjwee: read %s: %w", name, err)
		case i > 0:
			r.fault(at(name, &doc), "", "another document, allowed: one")
			return nil
		}
		r.group(name, "", doc.Content[0])
	}
}

// group reads a mapping; path is the one to its keys, with a dot at its end.
func (r *reader) group(file, path string, n *yaml.Node) {
	line := at(file, n)
	n = target(n)
	if isNull(n) {
		return // every key of it is commented out
	}
	known := r.keys(path)
	allowed := ", allowed: " + strings.Join(known, ", ")
	if n.Kind != yaml.MappingNode {
		r.fault(line, strings.TrimSuffix(path, "."), describe(n)+", no keys"+allowed)
		return
	}
	seen := make(map[string]int)
	for i := 0; i < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		key := path + k.Value
		s := r.settings[key]
		earlier, again := seen[key]
		switch {
		case k.Kind != yaml.ScalarNode || !slices.Contains(known, k.Value):
			r.fault(at(file, k), key, "unknown key"+allowed)
		case again:
			r.fault(at(file, k), key, fmt.Sprintf("given on line %d already", earlier))
		case s == nil:
			r.group(file, key+".", v)
		default:
			r.scalar(file, key, s, v)
		}
		seen[key] = k.Line
	}
}

func (r *reader) scalar(file, key string, s *setting, n *yaml.Node) {
	line := at(file, n) // of an alias itself, not of what it stands for
	n = target(n)
	if earlier, given := r.given[s]; given { // under its other name
		r.fault(line, key, "given at "+earlier.name+" already")
		return
	}
	if n.Kind != yaml.ScalarNode || isNull(n) {
		r.given[s] = line
		r.fault(line, key, describe(n)+", allowed: one value; leave the line out for the default")
		return
	}
	r.set(s, n.Value, key, line)
}

// keys lists what may stand below a path.
func (r *reader) keys(path string) []string {
	var keys []string
	for key := range r.settings {
		if rest, below := strings.CutPrefix(key, path); below {
			first, _, _ := strings.Cut(rest, ".")
			keys = append(keys, first)
		}
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}

func at(file string, n *yaml.Node) place {
	return place{fmt.Sprintf("%s:%d", file, n.Line), n.Line}
}

// target is the node that an alias stands for.
func target(n *yaml.Node) *yaml.Node {
	for n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	return n
}

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.Tag == "!!null" }

func describe(n *yaml.Node) string {
	switch {
	case n.Kind == yaml.MappingNode:
		return "a mapping"
	case n.Kind == yaml.SequenceNode:
		return "a list"
	case isNull(n):
		return "nothing"
	}
	return fmt.Sprintf("%q", n.Value)
}
