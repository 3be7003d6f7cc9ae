// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Ownership says how the image came to belong to an ImageImport.
// +kubebuilder:validation:Enum=Imported;Adopted;Observed
type Ownership string

const (
	// OwnershipImported : the operator imported the image for this object.
	OwnershipImported Ownership = "Imported"
	// OwnershipAdopted : the image existed, and this object took it over.
	OwnershipAdopted Ownership = "Adopted"
	// OwnershipObserved : the image is reported and not written to.
	OwnershipObserved Ownership = "Observed"
)

// ImageImportStatus is the truth: what the operator saw last. It is a report, never the authority for a cloud write.
// +kubebuilder:validation:MinProperties=1
type ImageImportStatus struct {
	// observedGeneration is the metadata.generation that this status speaks of. -1 before the operator has seen the object.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"` //nolint:kubeapilinter // 0 is never written: generations start at 1

	// conditions are Ready, and Reconciling or Stalled while they are True. Their reasons are a documented, closed list.
	// +optional
	// +listType=map
	// +listMapKey=type
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=8
	Conditions []metav1.Condition `json:"conditions,omitempty"`

	// imageID is the ID of the image in ENS, "m-…". Set as soon as the cloud accepted the import; the image is usable
	// when the condition Ready is True.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	ImageID string `json:"imageID,omitempty"`

	// imageName is the name that the image bears in ENS now.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=256
	ImageName string `json:"imageName,omitempty"`

	// imageStatus is the cloud's own word for the image's state: Creating, Packing, Uploading, Copying, Available,
	// Unavailable, Pack_failed, Upload_failed. A word that the operator does not know is shown and waited on. While an
	// import is younger than 10 minutes, the word is as of the last other news: a stage alone is not worth a write.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	ImageStatus string `json:"imageStatus,omitempty"`

	// ownership says how the image came to belong to this object. "Imported": by an import of the operator. "Adopted": it
	// existed, and was taken over. "Observed": it is another's; it is only reported, and never deleted.
	// +optional
	Ownership Ownership `json:"ownership,omitempty"`

	// sharedWith are the accounts that the image is shared with, sorted, as the cloud listed them last. Only filled in
	// where spec.shareWith asks for sharing.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=1000
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=64
	SharedWith []string `json:"sharedWith,omitempty"`

	// sizeGiB is the size of the image in GiB, as the cloud reports it.
	// +optional
	// +kubebuilder:validation:Minimum=1
	SizeGiB int64 `json:"sizeGiB,omitempty"`

	// creationTime is when the cloud created the image.
	// +optional
	CreationTime *metav1.Time `json:"creationTime,omitempty"`

	// requestID is the cloud's ID of the ImportImage call that was accepted; its support asks for it.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	RequestID string `json:"requestID,omitempty"`

	// attempts is how many import attempts were made in the life of this object.
	// +optional
	// +kubebuilder:validation:Minimum=1
	Attempts int32 `json:"attempts,omitempty"`

	// startTime is when the current import attempt started, or the image was adopted. While it is set, the fields that
	// define the import are immutable. Cleared when they may be edited: the attempt was refused or failed, the image vanished, or it was made
	// from other values than the spec holds.
	// +optional
	StartTime *metav1.Time `json:"startTime,omitempty"`

	// completionTime is when the operator first saw the image Available.
	// +optional
	CompletionTime *metav1.Time `json:"completionTime,omitempty"`

	// nextRetryTime is when the operator tries again after lastError. Cleared on success, and not set when what failed is the
	// look that all objects of the account share: the operator goes on looking.
	// +optional
	NextRetryTime *metav1.Time `json:"nextRetryTime,omitempty"`

	// lastError is the error that the object suffers from now. Cleared on success.
	// +optional
	LastError *LastError `json:"lastError,omitempty"` //nolint:kubeapilinter // nil is no error; a struct would make every reader compare it with zero

	// lastHandledReconcileAt is the value of the reconcile request annotation that was handled last.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	LastHandledReconcileAt string `json:"lastHandledReconcileAt,omitempty"`

	// credentialsResourceVersion is the resourceVersion of the Secret that lastError was met with. A corrected Secret
	// is noticed by it without asking the cloud in vain.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	CredentialsResourceVersion string `json:"credentialsResourceVersion,omitempty"`
}

// LastError is one error in full: what failed, what the cloud said, what to do.
// +kubebuilder:validation:MinProperties=1
type LastError struct {
	// action is what failed: the cloud's API action (ImportImage, DescribeSelfImages, ModifyImageAttribute,
	// ModifyImageSharePermission, DescribeImageSharePermission, DeleteImage), or GetSecret.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	Action string `json:"action,omitempty"`

	// code is the cloud's error code, for example InvalidParameter.OSSObject, or the operator's word where the cloud
	// said none, for example ConnectionRefused.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	Code string `json:"code,omitempty"`

	// message is what the cloud said.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	Message string `json:"message,omitempty"`

	// hint is what to do about it.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	Hint string `json:"hint,omitempty"`

	// requestID is the cloud's ID of the failed call; its support asks for it.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	RequestID string `json:"requestID,omitempty"`

	// httpStatus is the HTTP status of the answer. Absent when there was none.
	// +optional
	// +kubebuilder:validation:Minimum=100
	// +kubebuilder:validation:Maximum=999
	HTTPStatus int32 `json:"httpStatus,omitempty"`

	// time is when the error was met last.
	// +optional
	Time *metav1.Time `json:"time,omitempty"`

	// count is how many errors were met in a row, this one included. The waits between retries grow with it.
	// +optional
	// +kubebuilder:validation:Minimum=1
	Count int32 `json:"count,omitempty"`

	// retryable is true when the operator expects to get on by trying again, false when somebody has to change
	// something first. It tries again in both cases, slowly in the second.
	// +optional
	Retryable *bool `json:"retryable,omitempty"` //nolint:kubeapilinter // a report, two-valued by nature; design of the status contract
}
