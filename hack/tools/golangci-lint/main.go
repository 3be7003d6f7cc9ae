// SPDX-License-Identifier: Apache-2.0

// Command golangci-lint is golangci-lint with the two linters compiled in that this project needs beyond its own:
// kube-api-linter for api/ and logcheck for structured logging. "golangci-lint custom" clones a git repository,
// this needs nothing but Go modules.
package main

import (
	"fmt"
	"os"

	"github.com/golangci/golangci-lint/v2/pkg/commands"
	"github.com/golangci/golangci-lint/v2/pkg/exitcodes"
	_ "sigs.k8s.io/kube-api-linter"
	_ "sigs.k8s.io/logtools/logcheck/gclplugin"
)

func main() {
	if err := commands.Execute(commands.BuildInfo{Version: "custom", GoVersion: "unknown", Commit: "unknown", Date: "unknown"}); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(exitcodes.Failure)
	}
}
