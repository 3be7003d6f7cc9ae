// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ens-image-operator/ens-image-operator/api/v1alpha1"
)

// apply writes the report into the object's status, in memory, and returns when to reconcile again (0: not by itself).
// The same report twice gives the same status, but for the count and the times of an error that was met again.
func (r report) apply(obj *v1alpha1.ImageImport, now time.Time, timing Timing) time.Duration {
	status := &obj.Status
	if !r.unanswered || status.ObservedGeneration < 0 {
		status.ObservedGeneration = obj.Generation
	}
	if !r.leavesRequest() {
		status.LastHandledReconcileAt = obj.ReconcileRequest()
	}
	r.applyIntent(status)
	r.applyImage(status)
	r.applyShares(status)
	if r.mood == moodReady && status.CompletionTime == nil {
		status.CompletionTime = &metav1.Time{Time: now}
	}
	r.applyConditions(obj)
	return r.applyError(obj, now, timing)
}

// leavesRequest is true when something in the way kept the reconcile from doing what was requested: the request stands.
func (r report) leavesRequest() bool {
	return r.unanswered || r.mood == moodIdle || r.failure != nil && (r.retry == retryBackoff || r.retry == retryWatch || r.retry == retryNever && r.due.IsZero())
}

func (r report) applyIntent(status *v1alpha1.ImageImportStatus) {
	if r.intent == nil {
		return
	}
	started := status.Attempts != r.intent.Attempt
	if started {
		// What is known of the image was said of an earlier attempt.
		forgetImage(status)
		status.RequestID = ""
	}
	status.Attempts = r.intent.Attempt
	switch {
	case r.unfrozen:
		status.StartTime = nil
	// An error tells nothing of the import: what was frozen stays so, and what was free.
	case started || r.failure == nil:
		start := r.intent.SignedAt
		status.StartTime = &start
	}
}

func (r report) applyImage(status *v1alpha1.ImageImportStatus) {
	if r.forget || r.imported != nil || r.absent && r.intent != nil && r.intent.Closed != "" {
		forgetImage(status)
	}
	if r.absent && r.intent != nil && r.intent.ImageID != "" {
		// The ID stays: somebody may have to look for the image elsewhere.
		status.ImageStatus, status.CompletionTime = "", nil
	}
	if r.imported != nil {
		status.ImageID, status.RequestID, status.Ownership = r.imported.ImageID, r.imported.RequestID, v1alpha1.OwnershipImported
	}
	if r.image != nil {
		status.ImageID, status.ImageName, status.ImageStatus = r.image.ID, r.image.Name, r.image.Status
		status.SizeGiB, status.Ownership, status.CreationTime = r.image.SizeGiB, r.ownership, nil
		if !r.image.CreationTime.IsZero() {
			status.CreationTime = &metav1.Time{Time: r.image.CreationTime}
		}
	}
}

// maxSharedWith is the bound of the CRD. Only a suspended object can meet an image that is shared with more accounts.
const maxSharedWith = 1000

// applyShares shows whom the image is shared with, where that is this object's business.
func (r report) applyShares(status *v1alpha1.ImageImportStatus) {
	switch {
	case r.shares != nil:
		shared := slices.Sorted(slices.Values(r.shares.accounts))
		status.SharedWith = shared[:min(len(shared), maxSharedWith)]
	case r.intent == nil || !r.intent.Shared:
		status.SharedWith = nil
	}
}

// onlyStage is true when all that is new is how far a young import has come: not worth a write.
func onlyStage(before, after *v1alpha1.ImageImportStatus, now time.Time, timing Timing) bool {
	young := after.StartTime != nil && now.Sub(after.StartTime.Time) < timing.Stages
	if !young || !underWay(before.ImageStatus) || !underWay(after.ImageStatus) {
		return false
	}
	moved := before.DeepCopy()
	moved.ImageStatus, moved.ImageName = after.ImageStatus, after.ImageName
	moved.SizeGiB, moved.CreationTime = after.SizeGiB, after.CreationTime
	return equality.Semantic.DeepEqual(moved, after)
}

// underWay is true for the documented stages of an import, and before the first was seen.
func underWay(status string) bool {
	return slices.Contains([]string{"", "Creating", "Packing", "Uploading", "Copying"}, status)
}

func forgetImage(status *v1alpha1.ImageImportStatus) {
	status.ImageID, status.ImageName, status.ImageStatus, status.Ownership = "", "", "", ""
	status.SizeGiB, status.CreationTime, status.CompletionTime, status.SharedWith = 0, nil, nil, nil
}

func (r report) applyConditions(obj *v1alpha1.ImageImport) {
	set := func(kind string, status metav1.ConditionStatus) {
		meta.SetStatusCondition(&obj.Status.Conditions, metav1.Condition{
			Type: kind, Status: status, Reason: r.reason, Message: r.message, ObservedGeneration: obj.Status.ObservedGeneration,
		})
	}
	for kind, mood := range map[string]mood{v1alpha1.ConditionReconciling: moodReconciling, v1alpha1.ConditionStalled: moodStalled} {
		if r.mood == mood {
			set(kind, metav1.ConditionTrue)
		} else {
			meta.RemoveStatusCondition(&obj.Status.Conditions, kind)
		}
	}
	if r.mood == moodReady {
		set(v1alpha1.ConditionReady, metav1.ConditionTrue)
	} else {
		set(v1alpha1.ConditionReady, metav1.ConditionFalse)
	}
}

func (r report) applyError(obj *v1alpha1.ImageImport, now time.Time, timing Timing) time.Duration {
	status := &obj.Status
	status.NextRetryTime, status.CredentialsResourceVersion = nil, ""
	if r.failure == nil {
		if previous := status.LastError; previous != nil && (!r.keepsError || previous.Action != actionImport) {
			status.LastError = nil
		}
		return jittered(r.wait, string(obj.UID))
	}
	status.LastError = occurrence(*r.failure, status.LastError, now)
	status.CredentialsResourceVersion = r.secretVersion

	due := r.due
	switch {
	case !due.IsZero():
	case r.retry == retryNever, r.retry == retryWatch:
		return jittered(r.wait, string(obj.UID))
	default:
		due = now.Add(jittered(timing.delay(r.retry, status.LastError.Count), string(obj.UID)))
	}
	next := seconds(due)
	status.NextRetryTime = &next
	wait := max(due.Sub(now), time.Second)
	if r.retry == retryDenied {
		wait = min(wait, timing.SecretCheck)
	}
	return wait
}

// occurrence dates an error and counts it. One that bears its time is the same occurrence as long as that stays.
func occurrence(failure v1alpha1.LastError, previous *v1alpha1.LastError, now time.Time) *v1alpha1.LastError {
	failure.Count = 1
	switch {
	case previous == nil:
	case failure.Time != nil && failure.Time.Equal(previous.Time):
		failure.Count = previous.Count
	default:
		failure.Count = previous.Count + 1
	}
	if failure.Time == nil {
		failure.Time = &metav1.Time{Time: now}
	}
	return &failure
}
