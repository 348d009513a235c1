package command

type checkCommand struct {
	File string `arg:"" help:"Configuration file (YAML)."`
}

func (c *checkCommand) Run(to streams) error {
	s, err := load(c.File, nil)
	if err != nil {
		return err
	}
	return s.dump(to.out)
}
