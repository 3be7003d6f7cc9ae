// SPDX-License-Identifier: Apache-2.0

package crash

import (
	"cmp"
	"slices"
	"strings"
	"sync"
)

// readOrdinals is how many reads of one kind are boundaries. How many there are depends on how fast an import is polled,
// and a crash around the tenth poll is the crash around the third. A read commits nothing, so the first has to do for make
// test.
func readOrdinals() int {
	if *all {
		return 3
	}
	return 1
}

// frontier finds the boundaries of a scenario. The first run shows most of them; since runs differ a little, every run
// with a kill adds what it reached before the kill, until nothing new comes up.
type frontier struct {
	mu      sync.Mutex
	known   map[boundary]bool
	waiting []boundary
}

func newFrontier() *frontier { return &frontier{known: map[boundary]bool{}} }

// add takes what a manager reached.
func (f *frontier) add(reached map[string]int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for kind, count := range reached {
		if strings.Contains(kind, "-Describe") {
			count = min(count, readOrdinals())
		}
		moments := []moment{before, after}
		if kind == "cloud-"+importImage {
			moments = append(moments, late)
		}
		for ordinal := range count {
			for _, at := range moments {
				b := boundary{at, kind, ordinal + 1}
				if !f.known[b] {
					f.known[b] = true
					f.waiting = append(f.waiting, b)
				}
			}
		}
	}
}

// next returns the boundaries that nobody was killed at yet, and takes them.
func (f *frontier) next() []boundary {
	f.mu.Lock()
	defer f.mu.Unlock()
	batch := f.waiting
	f.waiting = nil
	slices.SortFunc(batch, func(a, b boundary) int {
		return cmp.Or(cmp.Compare(a.kind, b.kind), cmp.Compare(a.ordinal, b.ordinal), cmp.Compare(a.moment, b.moment))
	})
	return batch
}
