// SPDX-License-Identifier: Apache-2.0

package faults

import (
	"slices"
	"time"

	"github.com/ens-image-operator/ens-image-operator/api/v1alpha1"
	"github.com/ens-image-operator/ens-image-operator/internal/enssim"
)

// patience is how long a step may take in virtual time: two waits for a lost answer, or the slow retry of a failed
// import, and a user who takes his time.
const patience = 6 * time.Hour

// step is something that a user does, and what must come of it.
type step struct {
	name  string
	do    func(*world)
	until func(*world) bool
}

// flow is the life of an object without faults.
type flow struct {
	name string
	// before prepares the world after the object was created.
	before func(*world)
	steps  []step
	// hasty users do not wait for requests that are still on their way.
	hasty bool
}

var (
	becomesReady = step{name: "Ready", do: func(*world) {}, until: (*world).ready}
	isRenamed    = step{name: "renamed", do: func(w *world) {
		w.edit(func(obj *v1alpha1.ImageImport) { obj.Spec.ImageName = "ubuntu-renamed" })
	}, until: (*world).ready}
	isDeleted = step{name: "gone", do: (*world).remove, until: (*world).gone}
	fails     = step{name: "ImportFailed", do: func(*world) {}, until: func(w *world) bool {
		return reason(w.obj()) == v1alpha1.ReasonImportFailed || w.ready()
	}}
	isMended = step{name: "Ready after a failure", do: func(w *world) {
		w.cloud.PutObject(enssim.Object{Bucket: goldenOSS, Key: goldenKey})
		w.requestReconcile()
	}, until: (*world).ready}

	// life: import, Ready, rename, delete.
	life = flow{name: "life", steps: []step{becomesReady, isRenamed, isDeleted}}
	// aged: the operator comes late, and looks before it imports.
	aged = flow{name: "aged", before: func(w *world) { w.advanceTo(w.clock.Now().Add(2 * time.Minute)) }, steps: life.steps}
	// sharing: import, share, share with others, delete.
	sharing = flow{name: "sharing", steps: []step{becomesReady, isShared("11", "22"), isShared("22", "33"), isDeleted}}
	// failing: the first import fails, the second one succeeds.
	failing = flow{name: "failing", before: func(w *world) {
		w.cloud.PutObject(enssim.Object{Bucket: goldenOSS, Key: goldenKey, Corrupt: true})
	}, steps: []step{fails, isMended, isDeleted}}
	// creation: as short as it can be and still show an orphan.
	creation     = flow{name: "creation", steps: []step{becomesReady, isDeleted}}
	agedCreation = flow{name: "aged creation", before: aged.before, steps: creation.steps}
)

// isShared lists accounts in the spec; the cloud must have exactly them in the end.
func isShared(accounts ...string) step {
	return step{name: "shared", do: func(w *world) {
		w.edit(func(obj *v1alpha1.ImageImport) { obj.Spec.ShareWith = accounts })
	}, until: func(w *world) bool { return w.gone() || w.ready() && w.sharedWith(accounts) }}
}

func (w *world) sharedWith(accounts []string) bool {
	for _, image := range w.cloud.Images() {
		if image.ImageID == w.obj().Status.ImageID {
			return slices.Equal(slices.Sorted(slices.Values(image.SharedWith)), accounts)
		}
	}
	return false
}

func (f flow) hurried() flow { f.name, f.hasty = "hasty "+f.name, true; return f }

// ready is true when the object says that everything is as the spec asks, or when there is nothing left to ask.
func (w *world) ready() bool {
	obj := w.obj()
	return w.gone() || obj.DeletionTimestamp == nil && reason(obj) == v1alpha1.ReasonAvailable && obj.Status.LastError == nil &&
		obj.Status.ObservedGeneration == obj.Generation && obj.Status.ImageName == obj.Spec.ImageName
}

// play leads a user through the flow and judges the end.
func (w *world) play(f flow) {
	if f.before != nil {
		f.before(w)
	}
	for _, s := range f.steps {
		if w.beingDeleted() {
			s = isDeleted
		}
		s.do(w)
		if !w.drive(s.name, func() bool { return s.until(w) }, patience) || !f.hasty && !w.settle(s) {
			w.judgeForeign()
			w.judgeSecrecy()
			return
		}
	}
	w.settle(f.steps[len(f.steps)-1])
	if w.live() != nil && w.gone() {
		w.violate("the object came back")
	}
	w.judge()
}

// settle waits for all requests on their way to arrive, and then for the step to hold again.
func (w *world) settle(s step) bool {
	underway := func() bool {
		for _, t := range w.timers {
			if t.pending {
				return true
			}
		}
		return len(w.onReconcile) > 0 && !w.gone()
	}
	if !underway() {
		return true
	}
	if !w.drive("arrival of late requests", func() bool { return !underway() }, patience) {
		return false
	}
	for _, d := range w.onReconcile {
		d.run()
	}
	w.onReconcile = nil
	// What arrived late may show only at the next look for drift.
	w.wait(21 * time.Minute)
	return w.drive(s.name+" again, after late requests", func() bool { return s.until(w) }, patience)
}
