// SPDX-License-Identifier: Apache-2.0

package faults

import (
	"fmt"
	"testing"
)

// siteFaults is what can go wrong where. times is at how many exchanges of a site it does so, one after another.
type siteFaults struct {
	site   site
	faults []fault
	flow   flow
	times  int
}

// matrix names every single fault. A new site is one entry here, and its place in cloudSite or kubeSite.
func matrix() []siteFaults {
	return []siteFaults{
		{cacheRead, cacheFaults(), life, 8},
		{intentPatch, kubeWriteFaults(), life, 2},
		{acceptPatch, kubeWriteFaults(), life, 1},
		{statusPatch, kubeWriteFaults(), life, 3},
		{releasePatch, kubeWriteFaults(), life, 1},
		{secretGet, secretFaults(), life, 3},
		{importCall, importFaults(), life, 1},
		{lookUp, lookFaults(), aged, 2},
		{follow, lookFaults(), life, 4},
		{deleteCall, deleteFaults(), life, 1},
		{goneLook, lookFaults(), life, 2},
		{renameCall, renameFaults(), life, 2},
		{shareCall, shareFaults(), sharing, 4},
		{shareLook, shareLookFaults(), sharing, 3},
	}
}

// failureMatrix is for the sites that a failed import goes through twice.
func failureMatrix() []siteFaults {
	return []siteFaults{
		{cacheRead, cacheFaults(), failing, 12},
		{intentPatch, kubeWriteFaults(), failing, 4},
		{acceptPatch, kubeWriteFaults(), failing, 2},
		{importCall, importFaults(), failing, 2},
		{deleteCall, deleteFaults(), failing, 2},
		{goneLook, lookFaults(), failing, 2},
	}
}

func TestUndisturbed(t *testing.T) {
	t.Parallel()
	for _, f := range []flow{life, aged, sharing, failing, creation, agedCreation} {
		t.Run(f.name, cell{name: f.name, group: "0 undisturbed", row: f.name, flow: f}.run)
	}
}

// TestSingles plays every fault at the first exchanges of its site.
func TestSingles(t *testing.T) {
	t.Parallel()
	playSingles(t, "1 singles", matrix())
}

func TestSinglesAfterFailure(t *testing.T) {
	t.Parallel()
	playSingles(t, "2 singles, failed import", failureMatrix())
}

func playSingles(t *testing.T, group string, matrix []siteFaults) {
	t.Helper()
	for _, s := range matrix {
		for _, f := range s.faults {
			for nth := range s.times {
				c := cell{
					name: fmt.Sprintf("%s/%s#%d", s.site, f.name, nth+1), group: group, row: string(s.site) + "/" + f.name,
					flow: s.flow, plan: []planned{{site: s.site, nth: nth + 1, fault: f}},
				}
				// Every fault is played once at its site, whatever the share.
				once := nth == 0 && s.flow.name != failing.name
				c.runShare(t, once)
				if f.late {
					c.flow = c.flow.hurried()
					c.name += "-hasty"
					c.runShare(t, once)
				}
			}
		}
	}
}
