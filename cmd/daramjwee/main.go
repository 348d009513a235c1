// Command daramjwee runs a caching reverse proxy, lists and compares the buffer
// pool strategies it can run on, and checks its configuration files. To add a
// strategy of your own, see package command.
package main

import "github.com/daramjwee/daramjwee/cmd/daramjwee/command"

func main() { command.Main() }
