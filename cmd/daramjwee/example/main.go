// Example is daramjwee with one more strategy: serve --pool mine, or a file with
// strategy: mine.
package main

import (
	"github.com/daramjwee/daramjwee/cmd/daramjwee/command"
	_ "github.com/daramjwee/daramjwee/cmd/daramjwee/example/mine"
)

func main() { command.Main() }
