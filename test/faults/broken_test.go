// SPDX-License-Identifier: Apache-2.0

package faults

import (
	"regexp"
	"testing"
	"time"

	. "github.com/onsi/gomega"
)

var resourceVersion = regexp.MustCompile(`"resourceVersion":"[0-9]+",?`)

// TestBrokenOperatorsAreFound takes a safeguard away and expects that the matrix notices: a suite that passes without it
// would prove nothing.
func TestBrokenOperatorsAreFound(t *testing.T) {
	t.Parallel()
	find := func(faults []fault, name string) fault {
		for _, f := range faults {
			if f.name == name {
				return f
			}
		}
		t.Fatalf("there is no fault %s", name)
		return fault{}
	}
	for name, c := range map[string]struct {
		plan   []planned
		breaks func(*world)
	}{
		"no wait for a request that may still run": {
			plan:   []planned{{site: importCall, nth: 1, fault: find(importFaults(), "executed-late-20m")}},
			breaks: func(w *world) { w.timing.Settle = time.Minute },
		},
		"no wait for listings that lag": {
			plan:   []planned{{site: importCall, nth: 1, fault: find(importFaults(), "response-lost")}},
			breaks: func(w *world) { w.timing.Settle = 20 * time.Second },
		},
		"no compare-and-swap": {
			plan:   []planned{{site: intentPatch, nth: 1, fault: find(kubeWriteFaults(), "other-before")}},
			breaks: func(w *world) { w.noSwap = true },
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			c.breaks(w)
			w.restart(0)
			for _, p := range c.plan {
				w.plan = append(w.plan, &p)
			}
			w.play(creation)
			NewWithT(t).Expect(w.violations).NotTo(BeEmpty())
		})
	}
}
