// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"sigs.k8s.io/controller-runtime/pkg/client"
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
		if s.obj.Status.CompletionTime == nil {
			return // a part of the import, of whose end an event tells
		}
		r.Events.Eventf(s.obj, nil, corev1.EventTypeNormal, "ImageRenamed", "Rename", "image %s is named %s", e.image, e.name)
	case shareImage:
		logger.Info("image was shared", "imageId", e.image, "accounts", e.accounts)
		r.Events.Eventf(s.obj, nil, corev1.EventTypeNormal, "ImageShared", "Share", "image %s is shared with %s", e.image, listed(e.accounts))
	case unshareImage:
		logger.Info("sharing of image was ended", "imageId", e.image, "accounts", e.accounts)
		s.unshared = append(s.unshared, e.accounts...)
	case deleteImage:
		logger.Info("deletion of image was asked for", "imageId", e.image, "double", e.double)
		if e.double {
			doubles.Inc()
			r.Events.Eventf(s.obj, nil, corev1.EventTypeWarning, "DoubleRemoved", "Delete", "the cloud carried the import out twice: the second image %s is deleted", e.image)
			return
		}
		r.Events.Eventf(s.obj, nil, corev1.EventTypeNormal, "ImageDeleted", "Delete", "the deletion of image %s was asked for", e.image)
	case removeFinalizer:
		logger.Info("object was let go", "imageId", s.obj.Status.ImageID, "note", e.report.message)
		r.announceKept(ctx, s, e.report.message)
	case rest, connect, look, readShares, writeIntent:
	}
}

// announceUnshared tells once of all accounts that lost the image in this reconcile: the API takes it away from one at a
// time, and events that differ in their note alone would be taken for one.
func (r *Reconciler) announceUnshared(s *state) {
	if len(s.unshared) > 0 {
		r.Events.Eventf(s.obj, nil, corev1.EventTypeNormal, "ImageUnshared", "Share", "image %s is no longer shared with %s", s.intent.ImageID, listed(s.unshared))
	}
}

// listed names the accounts as far as the note of an event, which takes 1 kB, can hold them.
func listed(accounts []string) string {
	const most = 20
	if more := len(accounts) - most; more > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(accounts[:most], ", "), more)
	}
	return strings.Join(accounts, ", ")
}

// announceKept tells of an image that the object leaves behind. In a namespace that is being deleted no event can be
// created, and none would outlive it: there, the event is the namespace's, which is kept elsewhere.
func (r *Reconciler) announceKept(ctx context.Context, s *state, note string) {
	left := s.leftBehind()
	if note == "" || left == "" {
		return
	}
	namespace := &corev1.Namespace{}
	err := r.APIReader.Get(ctx, client.ObjectKey{Name: s.obj.Namespace}, namespace)
	if err != nil || namespace.DeletionTimestamp.IsZero() {
		kind := corev1.EventTypeWarning
		if s.retains() {
			kind = corev1.EventTypeNormal
		}
		r.Events.Eventf(s.obj, nil, kind, "ImageKept", "Release", "%s: %s", left, note)
		return
	}
	// The object is named as related, or the events of all objects of the namespace would be taken for one.
	r.Events.Eventf(namespace, s.obj, corev1.EventTypeWarning, "ImageKept", "Release", "%s of ImageImport %s: %s", left, s.obj.Name, note)
}

// leftBehind names what the object may leave in the cloud, empty for nothing.
func (s *state) leftBehind() string {
	switch {
	case s.intent != nil && s.intent.ImageID != "":
		return "image " + s.intent.ImageID
	case s.obj.Status.ImageID != "":
		return "image " + s.obj.Status.ImageID
	case s.intent != nil && s.intent.open():
		return "the image that may still be made as " + uniqueName(s.obj, s.intent)
	}
	return ""
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
