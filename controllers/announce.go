// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"

	"github.com/ens-image-operator/ens-image-operator/api/v1alpha1"
)

// announce records the event of an effect that succeeded, where the status does not tell of it.
func (r *Reconciler) announce(s *state, e effect) {
	switch e.verb {
	case renameImage:
		r.Events.Eventf(s.obj, nil, corev1.EventTypeNormal, "ImageRenamed", "Rename", "image %s is named %s", e.image, e.name)
	case deleteImage:
		r.Events.Eventf(s.obj, nil, corev1.EventTypeNormal, "ImageDeleted", "Delete", "the deletion of image %s was accepted", e.image)
	case removeFinalizer:
		if e.report.message != "" {
			r.Events.Eventf(s.obj, nil, corev1.EventTypeNormal, "ImageKept", "Release", "%s", e.report.message)
		}
	case rest, look, writeIntent, importImage:
	}
}

// announceReport records one event for every change of the reason, after it was written to the status.
func (r *Reconciler) announceReport(before, after *v1alpha1.ImageImport, outcome report) {
	previous := meta.FindStatusCondition(before.Status.Conditions, v1alpha1.ConditionReady)
	if previous != nil && previous.Reason == outcome.reason && previous.Message == outcome.message {
		return
	}
	kind := corev1.EventTypeNormal
	if outcome.failure != nil || outcome.mood == moodStalled {
		kind = corev1.EventTypeWarning
	}
	r.Events.Eventf(after, nil, kind, outcome.reason, "Reconcile", "%s", outcome.message)
}
