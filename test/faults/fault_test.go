// SPDX-License-Identifier: Apache-2.0

package faults

import (
	"time"

	"github.com/ens-image-operator/ens-image-operator/api/v1alpha1"
)

// held is a lag that does not grow less: the cache stands still.
const held = -1

// fault is what goes wrong at one exchange.
type fault struct {
	name string
	// act stands in for the exchange: it executes it or not, and returns what the process hears.
	act func(*exchange) *reply
	// lags are by how many writes the reads of the cache lag behind, from the planned one on.
	lags []int
	// before prepares the world.
	before func(*world)
	// paired faults take part in the pairs; the others are variants of one that does.
	paired bool
	// late faults leave a request on its way, and are also played with a user who does not wait for it.
	late bool
}

func (f fault) inPairs() fault { f.paired = true; return f }
func (f fault) isLate() fault  { f.late = true; return f }

func simple(name string, act func(*exchange) *reply) fault { return fault{name: name, act: act} }

// process faults happen at every site: the process ends, or stands still, before or after the exchange.
func processFaults() []fault {
	return []fault{
		simple("crash-before", func(x *exchange) *reply { x.p.dead = true; return nil }).inPairs(),
		simple("crash-after", func(x *exchange) *reply { x.execute(); x.p.dead = true; return nil }).inPairs(),
		simple("other-before", func(x *exchange) *reply { x.w.interlope(); return x.execute() }).inPairs(),
		simple("other-after", func(x *exchange) *reply { r := x.execute(); x.w.interlope(); return r }),
		simple("other-stale-before", func(x *exchange) *reply { x.w.interlopeStale(); return x.execute() }),
		simple("paused-1m-before", paused(time.Minute)),
		simple("paused-20m-before", paused(20*time.Minute)).inPairs(),
		simple("paused-2h-before", paused(2*time.Hour)),
		simple("paused-20m-after", func(x *exchange) *reply { r := x.execute(); x.w.takeOver(20 * time.Minute); return r }),
	}
}

// networkFaults happen to everything that is sent.
func networkFaults() []fault {
	return []fault{
		simple("cut-before", func(*exchange) *reply { return nil }),
		simple("response-lost", func(x *exchange) *reply { x.execute(); return nil }).inPairs(),
		simple("refused-10m", func(x *exchange) *reply { return x.w.outage(x.site, 10*time.Minute, nil) }),
	}
}

// deliveryFaults happen to writes: they arrive late, twice, or both.
func deliveryFaults() []fault {
	lost := func(d time.Duration, crash bool) func(*exchange) *reply {
		return func(x *exchange) *reply {
			x.p.dead = x.p.dead || crash
			x.w.arrive(d, func() { x.execute() })
			return nil
		}
	}
	next := func(crash bool) func(*exchange) *reply {
		return func(x *exchange) *reply {
			x.p.dead = x.p.dead || crash
			x.w.arriveAfterReconcile(func() { x.execute() })
			return nil
		}
	}
	return []fault{
		simple("executed-late", next(false)).inPairs().isLate(),
		simple("executed-late-after-restart", next(true)).isLate(),
		simple("executed-late-20m", lost(20*time.Minute, false)).isLate(),
		simple("executed-late-30m", lost(30*time.Minute+50*time.Second, false)).inPairs().isLate(),
		simple("executed-late-31m", lost(31*time.Minute+2*time.Second, false)).isLate(),
		simple("executed-late-20m-after-restart", lost(20*time.Minute, true)).isLate(),
		simple("executed-late-31m-after-restart", lost(31*time.Minute+2*time.Second, true)).isLate(),
		simple("duplicate", func(x *exchange) *reply { r := x.execute(); x.execute(); return r }).inPairs(),
		simple("duplicate-second-answer", func(x *exchange) *reply { x.execute(); return x.execute() }),
		simple("duplicate-late", func(x *exchange) *reply {
			r := x.execute()
			x.w.arriveAfterReconcile(func() { x.execute() })
			return r
		}).isLate(),
		simple("duplicate-30m", func(x *exchange) *reply {
			r := x.execute()
			x.w.arrive(30*time.Minute, func() { x.execute() })
			return r
		}).isLate(),
	}
}

// userFaults are a user who acts at the worst moment.
func userFaults() []fault {
	acts := map[string]func(*world){
		"delete": (*world).remove,
		"delete-retain": func(w *world) {
			w.edit(func(obj *v1alpha1.ImageImport) { obj.Spec.DeletionPolicy = v1alpha1.DeletionRetain })
			w.remove()
		},
		"edit-name":   func(w *world) { w.edit(func(obj *v1alpha1.ImageImport) { obj.Spec.ImageName = "ubuntu-edited" }) },
		"edit-source": func(w *world) { w.edit(func(obj *v1alpha1.ImageImport) { obj.Spec.OSVersion = "24.04" }) },
		"suspend":     func(w *world) { w.edit(func(obj *v1alpha1.ImageImport) { obj.Spec.Suspend = true }) },
	}
	var faults []fault
	for _, name := range []string{"delete", "delete-retain", "edit-name", "edit-source", "suspend"} {
		act := acts[name]
		faults = append(faults,
			simple(name+"-before", func(x *exchange) *reply { act(x.w); return x.execute() }),
			simple(name+"-after", func(x *exchange) *reply { r := x.execute(); act(x.w); return r }))
	}
	return faults
}

// outage answers the site in this way for some time, beginning now.
func (w *world) outage(s site, d time.Duration, answer *reply) *reply {
	w.outages = append(w.outages, outage{site: s, until: w.clock.Now().Add(d), reply: answer})
	return answer
}

// interlope lets another process reconcile once, as when two believe that they lead.
func (w *world) interlope() {
	p := w.newProcess()
	_, _ = p.reconcile()
	p.dead = true
}

// interlopeStale is interlope with a cache that lags one write behind.
func (w *world) interlopeStale() {
	w.plan = append(w.plan, &planned{site: cacheRead, nth: w.reached[cacheRead] + 1, fault: fault{name: "stale", lags: []int{1}}, hit: true})
	w.interlope()
}

// paused stops the process past its lease, lets another one lead, and lets the first go on in the middle of its work.
func paused(d time.Duration) func(*exchange) *reply {
	return func(x *exchange) *reply { x.w.takeOver(d); return x.execute() }
}

func (w *world) takeOver(d time.Duration) {
	w.active = w.newProcess()
	w.due = w.clock.Now()
	w.wait(d)
}
