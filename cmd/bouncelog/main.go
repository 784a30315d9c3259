// Command bouncelog finds out from the logs of mail servers why mail was not delivered.
package main

import (
	"os"

	"bouncelog/internal/cli"
)

func main() { os.Exit(cli.Main(os.Args[1:], cli.System())) }
