// SPDX-License-Identifier: Apache-2.0

// Package crash kills the operator at every boundary of every scenario. A boundary is a write to Kubernetes or a call to
// the cloud. A scenario runs once without a crash; then once for each boundary and moment: the manager is killed there,
// another one takes over, and in the end the object and the cloud must be as if nothing had happened. Boundaries are found
// by running, so new code and new scenarios are covered without a new test.
//
// The manager, the Reconciler, the apiserver, the ClusterRole and the SDK are real; the cloud is the simulator, judged by
// its complete history. A boundary is a subtest, which can be run alone:
//
//	go test ./test/crash -run 'TestCrash/^import$/^after-cloud-ImportImage-1$'
//
// The files in the order of the story: scenario (what happens), step (what the user does), run (one scenario with its
// managers), manager, gate, kube and cloud (where the kills happen), boundary and crash (which kills there are), outcome
// and invariants (what must hold), replicas (two managers at once), mutant (operators that are broken on purpose), table.
package crash

import (
	"flag"
	"os"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/klog/v2"

	"github.com/ens-image-operator/ens-image-operator/test/testenv"
)

var (
	all      = flag.Bool("crash.all", false, "run everything, also what make test leaves out")
	parallel = flag.Int("crash.parallel", 8, "how many scenarios run at the same time")
	patience = flag.Duration("crash.patience", time.Minute, "how long a step may take; a bound for failures, not a measure")
)

func TestMain(m *testing.M) {
	flag.Parse()
	if !testing.Verbose() {
		// Killed managers complain, and they are many.
		klog.SetLogger(logr.Discard())
	}
	slots = make(chan struct{}, *parallel)
	if !*all {
		results.note("left out (make crash runs it): crashes at later reads, repetitions with two managers")
	}
	code := testenv.Main(m)
	results.print(os.Stdout)
	os.Exit(code)
}
