// SPDX-License-Identifier: Apache-2.0

package faults

import (
	"fmt"
	"testing"
	"time"

	"github.com/ens-image-operator/ens-image-operator/internal/enssim"
)

// TestClocksDiffer lets the cloud's clock run ahead of the operator's or behind it, under the faults that time matters
// for. 20 minutes are beyond what the protocol allows for: there, nothing may arrive late.
func TestClocksDiffer(t *testing.T) {
	t.Parallel()
	find := func(name string) fault {
		for _, f := range importFaults() {
			if f.name == name {
				return f
			}
		}
		t.Fatalf("there is no fault %s", name)
		return fault{}
	}
	none := simple("none", func(x *exchange) *reply { return x.execute() })
	late := []fault{find("executed-late-20m"), find("executed-late-30m"), find("executed-late-31m"), lateAtTheEdge(35*time.Minute + 50*time.Second)}
	prompt := []fault{none, find("response-lost"), find("cut-before"), find("crash-after"), find("duplicate"), find("5xx-executed"), find("paused-20m-before")}
	for _, skew := range []time.Duration{-20 * time.Minute, -5 * time.Minute, 5 * time.Minute, 20 * time.Minute} {
		faults := prompt
		if skew.Abs() <= 5*time.Minute {
			faults = append(late, prompt...)
		}
		for _, f := range faults {
			c := cell{
				name: fmt.Sprintf("cloud%+d/%s", int(skew.Minutes()), f.name), group: "5 clocks", row: fmt.Sprintf("cloud %+d min", int(skew.Minutes())),
				flow: creation, plan: []planned{{site: importCall, nth: 1, fault: f}},
				before: func(w *world) { w.cloud.SetBehaviour(func(b *enssim.Behaviour) { b.ClockSkew.Duration = skew }) },
			}
			t.Run(c.name, c.run)
		}
	}
}

// lateAtTheEdge arrives when a cloud that is 5 minutes behind still takes it.
func lateAtTheEdge(d time.Duration) fault {
	return simple("executed-late-35m", func(x *exchange) *reply {
		x.w.arrive(d, func() { x.execute() })
		return nil
	})
}
