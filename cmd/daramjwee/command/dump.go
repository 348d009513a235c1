package command

import (
	"io"
	"strings"

	"go.yaml.in/yaml/v4"
)

// dump writes the settings as a file that says the same.
func (s *settings) dump(w io.Writer) error {
	top := &yaml.Node{Kind: yaml.MappingNode}
	group, name := top, ""
	for _, line := range s.table() {
		prefix, key, nested := strings.Cut(line.key, ".")
		if !nested {
			group, key = top, prefix
		} else if prefix != name {
			name, group = prefix, &yaml.Node{Kind: yaml.MappingNode}
			top.Content = append(top.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: name}, group)
		}
		v := &yaml.Node{Kind: yaml.ScalarNode, Value: line.value.String()}
		if _, text := line.value.(textValue); text {
			v.Tag = "!!str" // so that what looks like something else is quoted
		}
		group.Content = append(group.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: key}, v)
	}
	d, err := yaml.NewDumper(w, yaml.WithIndent(2))
	if err != nil {
		return err
	}
	if err := d.Dump(top); err != nil {
		return err
	}
	return d.Close()
}
