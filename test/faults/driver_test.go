// SPDX-License-Identifier: Apache-2.0

package faults

import (
	"cmp"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"

	"github.com/ens-image-operator/ens-image-operator/api/v1alpha1"
)

// maxReconciles bounds a run. The longest follows an import every 10 s until it times out after two hours.
const maxReconciles = 1000

// timer is something that happens at a moment of virtual time.
type timer struct {
	at  time.Time
	run func()
	// pending timers are requests that are still on their way.
	pending bool
}

// after lets something happen in so much virtual time.
func (w *world) after(d time.Duration, run func()) {
	w.timers = append(w.timers, timer{at: w.clock.Now().Add(d), run: run})
}

// arrive delivers a request in so much virtual time.
func (w *world) arrive(d time.Duration, run func()) {
	w.timers = append(w.timers, timer{at: w.clock.Now().Add(d), run: run, pending: true})
}

// arriveAfterReconcile delivers a request once what the operator does now, a reconcile or a look, and the next have ended.
func (w *world) arriveAfterReconcile(run func()) {
	w.onReconcile = append(w.onReconcile, delivery{at: w.turns + 2, run: run})
}

// delivery waits for a number of reconciles and looks.
type delivery struct {
	at  int
	run func()
}

// wake puts the object into the work queue, like an event of the watch.
func (w *world) wake(in time.Duration) {
	at := w.clock.Now().Add(in)
	if w.due.IsZero() || at.Before(w.due) {
		w.due = at
	}
}

// drive runs until the condition holds. It is a violation when it does not within so much virtual time.
func (w *world) drive(what string, until func() bool, within time.Duration) bool {
	deadline := w.clock.Now().Add(within)
	for !until() {
		if w.reconciles > maxReconciles {
			w.violate("%s: not after %d reconciles; %s", what, maxReconciles, w.describe())
			return false
		}
		if !w.next(deadline) {
			w.violate("%s: not within %s; %s", what, within, w.describe())
			return false
		}
		if len(w.violations) > 20 {
			return false
		}
	}
	return true
}

// pass lets so much virtual time go by.
func (w *world) wait(d time.Duration) {
	deadline := w.clock.Now().Add(d)
	for w.reconciles <= maxReconciles && w.next(deadline) {
		continue
	}
	w.clock.SetTime(deadline)
}

// next carries out what is due next, unless that is after the deadline.
func (w *world) next(deadline time.Time) bool {
	first := -1
	for i := range w.timers {
		if first < 0 || w.timers[i].at.Before(w.timers[first].at) {
			first = i
		}
	}
	look := w.active.nextLook()
	switch {
	case first >= 0 && !before(w.due, w.timers[first].at) && !before(look, w.timers[first].at):
		t := w.timers[first]
		if t.at.After(deadline) {
			return false
		}
		w.timers = slices.Delete(w.timers, first, first+1)
		w.advanceTo(t.at)
		t.run()
	case before(look, w.due) || w.due.IsZero() && !look.IsZero():
		if look.After(deadline) {
			return false
		}
		w.advanceTo(look)
		w.look()
	case w.due.IsZero() || w.due.After(deadline):
		return false
	default:
		w.advanceTo(w.due)
		w.reconcile()
	}
	return true
}

// before is true when a comes, and before b.
func before(a, b time.Time) bool { return !a.IsZero() && a.Before(b) }

// look lets the active process look at the cloud.
func (w *world) look() {
	p := w.active
	w.turns++
	p.look()
	w.arriveNow()
	switch {
	case p != w.active:
		p.dead = true
	case p.dead:
		w.restart(5 * time.Second)
	}
}

// arriveNow lets requests arrive that wait for what the operator does.
func (w *world) arriveNow() {
	for _, d := range slices.Clone(w.onReconcile) {
		if d.at <= w.turns {
			d.run()
		}
	}
	w.onReconcile = slices.DeleteFunc(w.onReconcile, func(d delivery) bool { return d.at <= w.turns })
}

func (w *world) advanceTo(t time.Time) {
	if t.After(w.clock.Now()) {
		w.clock.SetTime(t)
	}
}

// reconcile runs the active process once and does what a work queue does with the result.
func (w *world) reconcile() {
	p := w.active
	w.due = time.Time{}
	w.reconciles++
	w.turns++
	w.paced = append(w.paced, w.clock.Now())
	result, err := p.reconcile()
	w.catchUp()
	w.arriveNow()
	switch {
	case p != w.active:
		// It has lost the lease meanwhile, and ended.
		p.dead = true
	case p.dead:
		w.restart(5 * time.Second)
	case err != nil:
		w.wake(min(5*time.Millisecond<<min(p.failures, 20), 1000*time.Second))
		p.failures++
	default:
		p.failures = 0
		if result.RequeueAfter > 0 {
			w.wake(result.RequeueAfter)
		}
	}
	w.heal()
}

// restart begins a new process, which looks at every object first.
func (w *world) restart(in time.Duration) {
	w.active.dead = true
	w.active = w.newProcess()
	w.due = time.Time{}
	w.wake(in)
}

// observed adds a version of the object, and wakes the operator as the predicates of its watch do.
func (w *world) observed(obj *v1alpha1.ImageImport) {
	before := w.versions[len(w.versions)-1]
	// The write that takes the last finalizer off is answered with the old resourceVersion.
	gone := obj.DeletionTimestamp != nil && len(obj.Finalizers) == 0
	if before != nil && before.ResourceVersion == obj.ResourceVersion && !gone {
		return
	}
	w.versions = append(w.versions, obj)
	if gone {
		w.versions = append(w.versions, nil)
	}
	if before == nil || gone || touched(before, obj) {
		w.wake(0)
	}
}

// touched is true for a change that wakes the operator.
func touched(before, after *v1alpha1.ImageImport) bool {
	mended := reason(after) == v1alpha1.ReasonOwnershipUnknown &&
		before.Annotations[v1alpha1.ImportAnnotation] != after.Annotations[v1alpha1.ImportAnnotation]
	adopted := before.Annotations[v1alpha1.AdoptAnnotation] != after.Annotations[v1alpha1.AdoptAnnotation]
	bared := len(before.Finalizers) > 0 && len(after.Finalizers) == 0
	return mended || adopted || bared || before.Generation != after.Generation || before.ReconcileRequest() != after.ReconcileRequest()
}

// catchUp wakes the operator when its cache moves on from an old version of the object that a reconcile has read.
func (w *world) catchUp() {
	read, newest := w.read, w.obj()
	w.read = nil
	if read != nil && newest != nil && read != newest && touched(read, newest) {
		w.wake(time.Second)
	}
}

func reason(obj *v1alpha1.ImageImport) string {
	if obj == nil {
		return "Gone"
	}
	ready := meta.FindStatusCondition(obj.Status.Conditions, v1alpha1.ConditionReady)
	if ready == nil {
		return ""
	}
	return cmp.Or(ready.Reason, "?")
}
