// SPDX-License-Identifier: Apache-2.0

// Package faults runs the real reconciler through every fault at every place where it depends on somebody else: one at
// a time, and on the way to an image two at a time. Apiserver, SDK, TLS and the simulated cloud are real; the manager is
// replaced by a small driver with a virtual clock, so that a wait of 40 minutes costs nothing and a fault hits exactly
// the exchange that it is meant for.
//
// Not here: lease (K7) and watch (K8), which belong to the manager and are disturbed in test/crash, and a restart of the
// apiserver, for which refused connections stand in.
//
// FAULTS=all plays all cells; without it, every fault once at its site and a fixed share of the rest.
package faults

import (
	"fmt"
	"os"
	"testing"

	"github.com/ens-image-operator/ens-image-operator/test/testenv"
)

func TestMain(m *testing.M) {
	code := testenv.Main(m)
	fmt.Print(results.table(playsAll()))
	os.Exit(code)
}
