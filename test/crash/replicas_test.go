// SPDX-License-Identifier: Apache-2.0

package crash

import (
	"fmt"
	"sync"
	"testing"
	"time"
)

// repetitions is how often each scenario is played by two managers: who is faster differs.
func repetitions() int {
	if *all {
		return 5
	}
	return 1
}

// TestTwoManagers plays every scenario with two managers that are active at the same time, as when leader election fails:
// a paused leader wakes up and acts on what it knew. Then with one of the two killed on the way.
func TestTwoManagers(t *testing.T) {
	each(scenarios, func(s scenario) {
		t.Run(s.name, func(t *testing.T) {
			expected := undisturbed(t, s, newFrontier())
			for n := range repetitions() {
				t.Run(fmt.Sprint(n+1), func(t *testing.T) { playTogether(t, s, boundary{}, expected) })
			}
			for _, kill := range []boundary{{before, kubeIntent, 2}, {before, "cloud-" + importImage, 1}, {after, "cloud-" + importImage, 1}} {
				t.Run("one-killed-"+kill.String(), func(t *testing.T) { playTogether(t, s, kill, expected) })
			}
		})
	})
}

func playTogether(t *testing.T, s scenario, kill boundary, expected outcome) {
	t.Helper()
	defer occupy()()
	r := newRun(t, s)
	r.restarts = false
	r.barrier.open = make(chan struct{})
	// Of two managers only the second can be killed: one is to be left.
	r.perform(boundary{}, kill)
	r.assertInvariants(&expected)
	name := "two managers: " + s.name
	results.add(name, r.violations)
	if r.wasKilled() {
		results.killed(name, kill)
	}
}

// barrier holds the first write of each of two managers to an object until both have come to it. Both have read the same
// object then, and only the compare-and-swap can tell them apart.
type barrier struct {
	open chan struct{}

	mu   sync.Mutex
	came map[*manager]bool
}

// barrierBound is when a manager goes on alone. It leaves the rest of timestampWindow to the request that follows.
const barrierBound = time.Second

func (b *barrier) wait(m *manager) {
	if b.open == nil {
		return
	}
	b.mu.Lock()
	if b.came == nil {
		b.came = map[*manager]bool{}
	}
	again := b.came[m]
	b.came[m] = true
	if len(b.came) == 2 && !again {
		close(b.open)
	}
	b.mu.Unlock()
	if again {
		return
	}
	alone := time.NewTimer(barrierBound)
	defer alone.Stop()
	select {
	case <-b.open:
	case <-alone.C:
	}
}
