// Tingji 庭记 records a court's hearings, turns them into text while they are
// spoken, and keeps the record. Each place in the court runs one subcommand of
// this program; `tingji up` runs them all in one process.
package main

import (
	"os"
)

func main() {
	os.Exit(run(os.Args[1:], os.Environ(), os.Stdin, os.Stdout, os.Stderr))
}
