// SPDX-License-Identifier: Apache-2.0

package faults

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ens-image-operator/ens-image-operator/api/v1alpha1"
	"github.com/ens-image-operator/ens-image-operator/internal/enssim"
	"github.com/ens-image-operator/ens-image-operator/test/testenv"
)

// lifecycle is what happens to objects as a whole. The rows about foreign annotations assert safety only: nobody
// deletes what is not proven to be his, nobody imports twice under one token, and nothing spins.
var lifecycle = map[string]func(*world){
	"backup-restored-after-ready": func(w *world) { w.untilReady(); w.restore(); w.safely() },
	"backup-restored-while-importing": func(w *world) {
		w.wait(30 * time.Second)
		w.restore()
		w.safely()
	},
	"backup-restored-while-unconfirmed": func(w *world) {
		w.plan = append(w.plan, &planned{site: importCall, nth: 1, fault: simple("response-lost", func(x *exchange) *reply { x.execute(); return nil }), hit: true})
		w.wait(30 * time.Second)
		w.restore()
		w.safely()
	},
	"backup-restored-then-deleted": func(w *world) {
		w.untilReady()
		w.restore()
		w.wait(time.Hour)
		w.remove()
		w.safely()
	},
	// The user takes the image over, by the annotation that the message names.
	"rolled-back-to-creation": func(w *world) { w.rollBack(func(*v1alpha1.ImageImport) bool { return true }); w.finish() },
	"rolled-back-to-intent":   func(w *world) { w.rollBack(recorded); w.finish() },
	// Whether the image, which has lost its token to the rename, is found again is not settled: safety only.
	"rolled-back-to-accepted": func(w *world) {
		w.rollBack(func(o *v1alpha1.ImageImport) bool { return o.Status.ImageID != "" })
		w.safely()
	},
	"record-removed-after-ready":     func(w *world) { w.untilReady(); w.dropRecord(); w.safely() },
	"record-removed-while-importing": func(w *world) { w.wait(30 * time.Second); w.dropRecord(); w.finish() },
	"status-removed-after-ready":     func(w *world) { w.untilReady(); w.dropStatus(); w.finish() },
	"status-removed-while-importing": func(w *world) { w.wait(30 * time.Second); w.dropStatus(); w.finish() },
	// Nobody could save the image of an object that is deleted before the operator sees that the finalizer is gone.
	"finalizer-removed":              func(w *world) { w.untilReady(); w.dropFinalizer(); w.wait(15 * time.Minute); w.finish() },
	"copied-manifest":                func(w *world) { w.untilReady(); w.copied(clusterUID) },
	"two-clusters-same-manifest":     func(w *world) { w.untilReady(); w.copied("00000000-0000-4000-8000-00000000000b") },
	"deleted-before-first-reconcile": func(w *world) { w.remove(); w.finish() },
	"deleted-after-a-failure": func(w *world) {
		w.cloud.PutObject(enssim.Object{Bucket: goldenOSS, Key: goldenKey, Corrupt: true})
		w.drive("ImportFailed", func() bool { return fails.until(w) }, patience)
		w.remove()
		w.finish()
	},
	"vanished-then-deleted": func(w *world) {
		w.untilReady()
		w.vanish()
		w.drive("ImageVanished", func() bool { return reason(w.obj()) == v1alpha1.ReasonImageVanished }, patience)
		w.remove()
		w.finish()
	},
	"retained": func(w *world) {
		w.untilReady()
		w.edit(func(obj *v1alpha1.ImageImport) { obj.Spec.DeletionPolicy = v1alpha1.DeletionRetain })
		w.remove()
		w.finish()
		if len(w.imported()) != 1 || len(w.cloud.Images()) != len(w.foreign)+1 {
			w.violate("the image of an object that retains it is not there")
		}
	},
}

func recorded(obj *v1alpha1.ImageImport) bool {
	return obj.Annotations[v1alpha1.ImportAnnotation] != ""
}

func TestLifecycle(t *testing.T) {
	t.Parallel()
	for name, play := range lifecycle {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			play(w)
			cell{name: name, group: "4 lifecycle", row: name}.report(t, w)
		})
	}
}

func (w *world) untilReady() { w.drive("Ready", w.ready, patience) }

// finish lets the object become what it wants to be, deletes it, and judges everything.
func (w *world) finish() { w.play(creation) }

// safely lets hours pass and judges what must never happen, whatever the operator makes of the object.
func (w *world) safely() {
	w.wait(6 * time.Hour)
	w.judgeTokens()
	w.judgeForeign()
	w.judgePace("reconciles", w.paced, maxReconcilesPerWindow)
	w.judgePace("cloud calls", w.called, maxCallsPerWindow)
	w.judgeSecrecy()
}

// restore deletes the object without its image, and creates it again from a backup: annotations, no status, a new uid.
func (w *world) restore() {
	backup := w.live()
	w.forceOut()
	w.versions = nil
	obj := w.create(func(obj *v1alpha1.ImageImport) {
		obj.Annotations, obj.Finalizers, obj.Spec = backup.Annotations, backup.Finalizers, backup.Spec
	})
	w.admit(obj)
}

// forceOut deletes the object with its finalizer stripped. A cluster that is lost tells its operator nothing, either.
func (w *world) forceOut() {
	obj := w.live()
	obj.Finalizers = nil
	w.must(testenv.Client().Update(w.t.Context(), obj))
	w.must(client.IgnoreNotFound(testenv.Client().Delete(w.t.Context(), obj)))
	w.active.dead = true
}

// rollBack takes the object of a Ready image back to the first version that fits, uid and all, as an etcd snapshot does.
func (w *world) rollBack(to func(*v1alpha1.ImageImport) bool) {
	w.untilReady()
	w.wait(time.Hour)
	for _, old := range w.versions {
		if !to(old) {
			continue
		}
		now := w.live()
		now.Annotations, now.Finalizers = old.Annotations, old.Finalizers
		w.must(testenv.Client().Update(w.t.Context(), now))
		now.Status = *old.Status.DeepCopy()
		if len(old.Status.Conditions) == 0 {
			now.Status = v1alpha1.ImageImportStatus{ObservedGeneration: -1}
		}
		w.must(testenv.Client().Status().Update(w.t.Context(), now))
		w.versions = append(w.versions, now)
		break
	}
	w.restart(time.Second)
}

func (w *world) dropRecord() {
	w.edit(func(obj *v1alpha1.ImageImport) { delete(obj.Annotations, v1alpha1.ImportAnnotation) })
}

func (w *world) dropFinalizer() {
	w.edit(func(obj *v1alpha1.ImageImport) { obj.Finalizers = nil })
}

func (w *world) dropStatus() {
	obj := w.live()
	obj.Status = v1alpha1.ImageImportStatus{ObservedGeneration: -1}
	w.must(testenv.Client().Status().Update(w.t.Context(), obj))
	w.observed(obj)
	w.restart(time.Second)
}

// copied creates a copy of the object, annotations and all, under an operator of the given cluster and in the same
// account, deletes the copy, and expects that the original never noticed.
func (w *world) copied(cluster types.UID) {
	original := w.live()
	other := w.beside("copy", cluster)
	copied := other.create(func(obj *v1alpha1.ImageImport) {
		obj.ObjectMeta = metav1.ObjectMeta{Name: "copy", Namespace: w.key.Namespace, Annotations: original.Annotations}
	})
	other.admit(copied)
	other.wait(3 * time.Hour)
	other.remove()
	other.safely()
	w.violations = append(w.violations, other.violations...)
	if _, there := w.names()[original.Status.ImageID]; !there {
		w.violate("the copy's deletion took the original's image %s", original.Status.ImageID)
		return
	}
	w.finish()
}

// beside is a world with another object in the same namespace and account.
func (w *world) beside(name string, cluster types.UID) *world {
	return &world{
		t: w.t, key: client.ObjectKey{Namespace: w.key.Namespace, Name: name}, cluster: cluster, clock: w.clock, cloud: w.cloud,
		reached: map[site]int{}, healed: map[string]int{}, foreign: w.foreign, secrets: w.secrets, removed: w.removed, timing: w.timing,
		canaries: w.canaries, keys: w.keys,
	}
}

// names are the images of the account.
func (w *world) names() map[string]string {
	names := map[string]string{}
	for _, image := range w.cloud.Images() {
		names[image.ImageID] = image.ImageName
	}
	return names
}
