// SPDX-License-Identifier: Apache-2.0

package crash

import (
	"sync"
	"testing"
)

// slots bounds how many runs go on at the same time. Most of a run is waiting, so there are more of them than processors,
// which "go test -parallel" would not allow.
var slots chan struct{}

func occupy() (leave func()) {
	slots <- struct{}{}
	return func() { <-slots }
}

// TestCrash kills the manager at every boundary of every scenario.
func TestCrash(t *testing.T) {
	each(scenarios, func(s scenario) {
		t.Run(s.name, func(t *testing.T) { crashEverywhere(t, s) })
	})
}

func crashEverywhere(t *testing.T, s scenario) {
	t.Helper()
	found := newFrontier()
	expected := undisturbed(t, s, found)
	for batch := found.next(); len(batch) > 0; batch = found.next() {
		each(batch, func(b boundary) {
			t.Run(b.String(), func(t *testing.T) { crashAt(t, s, b, expected, found) })
		})
	}
}

// undisturbed runs the scenario without a kill: that is how it is to end.
func undisturbed(t *testing.T, s scenario, found *frontier) outcome {
	t.Helper()
	defer occupy()()
	r := newRun(t, s)
	r.perform(boundary{})
	found.add(r.managers[0].gate.reached())
	expected := r.assertInvariants(nil)
	results.add(s.name, r.violations)
	if t.Failed() {
		t.Fatalf("%s fails without a crash", s.name)
	}
	return expected
}

func crashAt(t *testing.T, s scenario, b boundary, expected outcome, found *frontier) {
	t.Helper()
	defer occupy()()
	r := newRun(t, s)
	r.perform(b)
	found.add(r.managers[0].gate.reached())
	r.assertInvariants(&expected)
	results.add(s.name, r.violations)
	if r.wasKilled() {
		results.killed(s.name, b)
	} else {
		// Another run came by here: how often an import is polled, and what a poll finds, is a matter of time.
		t.Logf("not reached in this run: %s", b)
		results.missed(s.name, b)
	}
}

// each calls f for all items at the same time and waits for the end of all.
func each[T any](items []T, f func(T)) {
	var all sync.WaitGroup
	for _, item := range items {
		all.Go(func() { f(item) })
	}
	all.Wait()
}
