// SPDX-License-Identifier: Apache-2.0

// Command ens-simulator serves a simulated Alibaba Cloud ENS image API for
// tests and demonstrations. See docs/simulator.md.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM) //nolint:forbidigo // main has no caller whose context it could take
	err := run(ctx, os.Args[1:], os.Stderr)
	stop()
	if err == nil || errors.Is(err, flag.ErrHelp) {
		return
	}
	fmt.Fprintln(os.Stderr, "ens-simulator:", oneLine(err))
	os.Exit(1)
}

func oneLine(err error) string {
	return strings.Join(strings.Fields(err.Error()), " ")
}
