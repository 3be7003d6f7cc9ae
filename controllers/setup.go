// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"errors"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/workqueue"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"
	"sigs.k8s.io/controller-runtime/pkg/controller/priorityqueue"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/source"

	"github.com/ens-image-operator/ens-image-operator/api/v1alpha1"
)

// SetupWithManager registers the reconciler, and indexes the fields that it finds claims by.
func (r *Reconciler) SetupWithManager(ctx context.Context, mgr ctrl.Manager, options controller.Options) error {
	for field, value := range map[string]func(*v1alpha1.ImageImport) string{
		fieldSpecImageID:   func(obj *v1alpha1.ImageImport) string { return obj.Spec.ImageID },
		fieldStatusImageID: func(obj *v1alpha1.ImageImport) string { return obj.Status.ImageID },
	} {
		err := mgr.GetFieldIndexer().IndexField(ctx, &v1alpha1.ImageImport{}, field, func(o client.Object) []string {
			if obj, is := o.(*v1alpha1.ImageImport); is && value(obj) != "" {
				return []string{value(obj)}
			}
			return nil
		})
		if err != nil {
			return fmt.Errorf("indexing %s: %w", field, err)
		}
	}
	// The operator's own writes to annotations and status must not wake it: only news from the user do.
	touched := predicate.Funcs{UpdateFunc: func(e event.UpdateEvent) bool {
		before, isImport := e.ObjectOld.(*v1alpha1.ImageImport)
		after, isToo := e.ObjectNew.(*v1alpha1.ImageImport)
		return isImport && isToo && userTouched(before, after)
	}}
	if err := mgr.Add(r.clouds()); err != nil {
		return fmt.Errorf("adding the watch of the accounts: %w", err)
	}
	woken := source.Func(func(_ context.Context, queue workqueue.TypedRateLimitingInterface[ctrl.Request]) error {
		ordered, is := queue.(priorityqueue.PriorityQueue[ctrl.Request])
		if !is {
			return errors.New("the controller needs a priority queue")
		}
		r.Wake = func(object types.NamespacedName, first bool) { wake(ordered, object, first) }
		return nil
	})
	return ctrl.NewControllerManagedBy(mgr).
		WatchesRawSource(woken).
		For(&v1alpha1.ImageImport{}, builder.WithPredicates(predicate.Or(predicate.GenerationChangedPredicate{}, touched))).
		Watches(&v1alpha1.ImageImport{}, handler.EnqueueRequestsFromMapFunc(r.rivals), builder.WithPredicates(claimChanges)).
		WithOptions(options).
		Complete(r)
}

// wake has an object reconciled. What is under way goes first: otherwise a thousand new objects would hold up those whose images are
// there already.
func wake(queue priorityqueue.PriorityQueue[ctrl.Request], object types.NamespacedName, first bool) {
	options := priorityqueue.AddOpts{}
	if first {
		options.Priority = new(1)
	}
	queue.AddWithOpts(options, ctrl.Request{NamespacedName: object})
}

// userTouched is true when a user asked for a reconcile or an adoption, took the finalizer or the import annotation away, or
// mended that of an object that waits for just that.
func userTouched(before, after *v1alpha1.ImageImport) bool {
	_, had := before.Annotations[v1alpha1.ImportAnnotation]
	_, has := after.Annotations[v1alpha1.ImportAnnotation]
	mended := had && !has || readyReason(after) == v1alpha1.ReasonOwnershipUnknown &&
		before.Annotations[v1alpha1.ImportAnnotation] != after.Annotations[v1alpha1.ImportAnnotation]
	adopted := before.Annotations[v1alpha1.AdoptAnnotation] != after.Annotations[v1alpha1.AdoptAnnotation]
	bared := controllerutil.ContainsFinalizer(before, v1alpha1.ImageFinalizer) && !controllerutil.ContainsFinalizer(after, v1alpha1.ImageFinalizer)
	return mended || adopted || bared || before.ReconcileRequest() != after.ReconcileRequest()
}

// TrimForCache takes from an object what no reconcile reads: who manages which field, and the manifest that kubectl has last
// applied. Together they are as large as the rest.
func TrimForCache(o any) (any, error) {
	if obj, is := o.(client.Object); is {
		obj.SetManagedFields(nil)
		delete(obj.GetAnnotations(), corev1.LastAppliedConfigAnnotation)
	}
	return o, nil
}

// ReadClusterUID returns the uid of the namespace kube-system, which identifies a cluster for its whole life.
func ReadClusterUID(ctx context.Context, reader client.Reader) (types.UID, error) {
	namespace := &corev1.Namespace{}
	if err := reader.Get(ctx, client.ObjectKey{Name: "kube-system"}, namespace); err != nil {
		return "", fmt.Errorf("reading the namespace kube-system for the cluster's uid: %w", err)
	}
	return namespace.UID, nil
}
