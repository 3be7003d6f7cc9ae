// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/ens-image-operator/ens-image-operator/api/v1alpha1"
)

// announce tells of an effect that succeeded: every write to the cloud in the log, and in an event where the status
// does not tell of it.
func (r *Reconciler) announce(ctx context.Context, s *state, e effect) {
	logger := log.FromContext(ctx)
	switch e.verb {
	case importImage:
		if s.answer.err != nil {
			logger.Info("ImportImage was not accepted", "attempt", s.intent.Attempt, "code", s.answer.err.Code, "requestId", s.answer.err.RequestID)
			return
		}
		logger.Info("ImportImage was accepted", "attempt", s.intent.Attempt, "imageId", s.answer.imported.ImageID, "requestId", s.answer.imported.RequestID)
	case renameImage:
		logger.Info("image was renamed", "imageId", e.image, "imageName", e.name)
		r.Events.Eventf(s.obj, nil, corev1.EventTypeNormal, "ImageRenamed", "Rename", "image %s is named %s", e.image, e.name)
	case deleteImage:
		logger.Info("deletion of image was asked for", "imageId", e.image)
		r.Events.Eventf(s.obj, nil, corev1.EventTypeNormal, "ImageDeleted", "Delete", "the deletion of image %s was asked for", e.image)
	case removeFinalizer:
		logger.Info("object was let go", "imageId", s.obj.Status.ImageID, "note", e.report.message)
		if e.report.message != "" && s.obj.Status.ImageID != "" {
			r.Events.Eventf(s.obj, nil, corev1.EventTypeWarning, "ImageKept", "Release", "image %s: %s", s.obj.Status.ImageID, e.report.message)
		}
	case rest, look, writeIntent:
	}
}

// announceReport records one event for every change of the reason, after it was written to the status.
func (r *Reconciler) announceReport(ctx context.Context, before, after *v1alpha1.ImageImport, outcome report) {
	previous := meta.FindStatusCondition(before.Status.Conditions, v1alpha1.ConditionReady)
	if previous != nil && previous.Reason == outcome.reason && previous.Message == outcome.message {
		return
	}
	log.FromContext(ctx).Info("state has changed", "reason", outcome.reason, "imageId", after.Status.ImageID)
	kind := corev1.EventTypeNormal
	if outcome.failure != nil || outcome.mood == moodStalled {
		kind = corev1.EventTypeWarning
	}
	r.Events.Eventf(after, nil, kind, outcome.reason, "Reconcile", "%s", outcome.message)
}
