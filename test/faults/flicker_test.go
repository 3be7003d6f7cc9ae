// SPDX-License-Identifier: Apache-2.0

package faults

import (
	"strings"
	"testing"
	"time"

	"github.com/ens-image-operator/ens-image-operator/internal/enssim"
)

// TestListingsFlicker shows a young image in some listings and not in others, as servers that lag differently do, to a
// user who deletes the object as soon as it is Ready. An absence proves nothing then, whoever saw the image before.
func TestListingsFlicker(t *testing.T) {
	t.Parallel()
	for _, lag := range []time.Duration{30 * time.Second, time.Minute} {
		flickers := func(w *world) {
			w.cloud.SetBehaviour(func(b *enssim.Behaviour) { b.ListLag.Duration, b.ListFlicker = lag, true })
		}
		play := func(name string, f flow, plan ...planned) {
			c := cell{name: "flicker" + lag.String() + "/" + name, group: "6 flicker", row: "young for " + lag.String(), flow: f, plan: plan, before: flickers}
			t.Run(c.name, c.run)
		}
		play("undisturbed", creation)
		play("failing", failing)
		for _, f := range importFaults() {
			// Of a request that arrives late nobody waits for the arrival: the image is young when the object goes.
			if f.late || strings.Contains(f.name, "lost") || strings.Contains(f.name, "executed") || strings.HasPrefix(f.name, "delete") {
				play(f.name, creation.hurried(), planned{site: importCall, nth: 1, fault: f})
			}
		}
	}
}
