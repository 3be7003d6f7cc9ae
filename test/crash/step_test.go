// SPDX-License-Identifier: Apache-2.0

package crash

import (
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ens-image-operator/ens-image-operator/api/v1alpha1"
	"github.com/ens-image-operator/ens-image-operator/internal/enssim"
)

// step is one thing that the user does, or waits for.
type step func(*run) error

func create(r *run) error {
	obj := r.imageImport()
	if change := r.scenario.object; change != nil {
		change(obj)
	}
	return r.client.Create(r.ctx, obj)
}

// makeByHand puts the image into the cloud that the object is to adopt.
func makeByHand(r *run) error {
	r.cloud.PutImage(enssim.Image{ImageID: byHand(r.ns), ImageName: "made-by-hand", AccountID: accountID})
	return nil
}

func remove(r *run) error { return r.client.Delete(r.ctx, r.imageImport()) }

func rename(name string) step {
	return edited(func(obj *v1alpha1.ImageImport) { obj.Spec.ImageName = name })
}

// mendSource puts a good file where the corrupt one was.
func mendSource(r *run) error {
	r.cloud.PutObject(enssim.Object{Bucket: bucket, Key: system})
	return nil
}

var requestReconcile = edited(func(obj *v1alpha1.ImageImport) {
	if obj.Annotations == nil {
		obj.Annotations = map[string]string{}
	}
	obj.Annotations[v1alpha1.ReconcileRequestAnnotation] = "now"
})

// edited edits the object as kubectl edit does.
func edited(change func(*v1alpha1.ImageImport)) step {
	return func(r *run) error {
		base := r.imageImport()
		if err := r.client.Get(r.ctx, client.ObjectKeyFromObject(base), base); err != nil {
			return err
		}
		changed := base.DeepCopy()
		change(changed)
		return r.client.Patch(r.ctx, changed, client.MergeFrom(base))
	}
}

func untilReady(r *run) error {
	return r.untilObject("the object is Ready", func(obj *v1alpha1.ImageImport) bool {
		return reason(obj) == v1alpha1.ReasonAvailable && obj.Status.LastHandledReconcileAt == obj.ReconcileRequest()
	})
}

func untilFailed(r *run) error {
	return r.untilObject("the failure is shown and the failed image removed", func(obj *v1alpha1.ImageImport) bool {
		return reason(obj) == v1alpha1.ReasonImportFailed && obj.Status.NextRetryTime != nil
	})
}

// untilImportIsRunning looks at the cloud, not at the object: the operator may not have told of the import yet.
func untilImportIsRunning(r *run) error {
	return r.until("an import is running", func() bool { return len(imported(r.cloud)) > 0 })
}

func untilGone(r *run) error {
	return r.until("the object is gone", func() bool {
		obj := r.imageImport()
		return apierrors.IsNotFound(r.client.Get(r.ctx, client.ObjectKeyFromObject(obj), obj))
	})
}

// reason is that of the Ready condition, when it is about the present generation.
func reason(obj *v1alpha1.ImageImport) string {
	ready := meta.FindStatusCondition(obj.Status.Conditions, v1alpha1.ConditionReady)
	if ready == nil || obj.Status.ObservedGeneration != obj.Generation {
		return ""
	}
	return ready.Reason
}
