// SPDX-License-Identifier: Apache-2.0

package faults

import (
	"fmt"
	"hash/fnv"
	"os"
	"testing"
)

// share is how many cells there are for each one that is played without FAULTS=all.
const share = 12

func playsAll() bool { return os.Getenv("FAULTS") == "all" }

// creationPath is where an image can be lost or doubled.
func creationPath() []siteFaults {
	return []siteFaults{
		{site: cacheRead, faults: cacheFaults()},
		{site: intentPatch, faults: kubeWriteFaults()},
		{site: acceptPatch, faults: kubeWriteFaults()},
		{site: statusPatch, faults: kubeWriteFaults()},
		{site: importCall, faults: importFaults()},
		{site: lookUp, faults: lookFaults()},
	}
}

// TestPairs plays every two of the paired faults on the way to an image. Two faults of one site hit its first two
// exchanges.
func TestPairs(t *testing.T) {
	t.Parallel()
	var all []planned
	for _, s := range creationPath() {
		for _, f := range s.faults {
			if f.paired {
				// The first read of the cache sees the only version that there is.
				all = append(all, planned{site: s.site, nth: map[bool]int{true: 2, false: 1}[s.site == cacheRead], fault: f})
			}
		}
	}
	for i, first := range all {
		for _, second := range all[i:] {
			pair(first, second).runShare(t, false)
		}
	}
}

func pair(first, second planned) cell {
	if first.site == second.site {
		second.nth++
	}
	c := cell{
		name: fmt.Sprintf("%s/%s+%s/%s", first.site, first.fault.name, second.site, second.fault.name), group: "3 pairs",
		row: fmt.Sprintf("%s+%s", first.site, second.site), flow: creation, plan: []planned{first, second},
	}
	// Nobody looks before a fresh object is imported, unless the answer to ImportImage was lost.
	if second.site == lookUp && first.site != importCall {
		c.flow = agedCreation
	}
	return c
}

// runShare plays the cell always, or as one of the share that is played without FAULTS=all. The share never changes.
func (c cell) runShare(t *testing.T, always bool) {
	t.Helper()
	sum := fnv.New32a()
	_, _ = sum.Write([]byte(c.name))
	if !always && !playsAll() && sum.Sum32()%share != 0 {
		results.leaveOut(c.group, 1)
		return
	}
	t.Run(c.name, c.run)
}
