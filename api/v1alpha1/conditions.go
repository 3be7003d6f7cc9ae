// SPDX-License-Identifier: Apache-2.0

package v1alpha1

// Condition types. They follow kstatus: Ready is always present once the object was seen, Reconciling and Stalled
// only while they are True.
const (
	// ConditionReady is True while the image is available in ENS under the name that the spec asks for.
	ConditionReady = "Ready"
	// ConditionReconciling is True while the operator works on the object and expects to get on without help.
	ConditionReconciling = "Reconciling"
	// ConditionStalled is True while somebody has to change something: the spec, a Secret, a permission, the OSS object.
	// The operator still tries again, slowly.
	ConditionStalled = "Stalled"
)

// Reasons of the conditions: a closed list. The comment says what the user can do.
const (
	// ReasonAvailable : the image is usable. Nothing to do.
	ReasonAvailable = "Available"
	// ReasonQueued : the import waits for its turn; the message says how many come before. Wait, or see
	// --max-concurrent-imports.
	ReasonQueued = "Queued"
	// ReasonImporting : the import runs, or is about to start. Wait; status.imageStatus shows the cloud's own state.
	ReasonImporting = "Importing"
	// ReasonImportUnconfirmed : the answer to ImportImage was lost, or does not tell whether an image was made, so the
	// operator looks for the image before it tries again. Wait; it takes up to 40 minutes and never makes a second image.
	ReasonImportUnconfirmed = "ImportUnconfirmed"
	// ReasonSuspended : spec.suspend is true and something waits to be done. Set it to false.
	ReasonSuspended = "Suspended"
	// ReasonInvalidSpec : the cloud refuses a value. Correct the field that status.lastError names.
	ReasonInvalidSpec = "InvalidSpec"
	// ReasonSecretNotFound : the Secret of spec.credentials does not exist. Create it in the object's namespace.
	ReasonSecretNotFound = "SecretNotFound"
	// ReasonInvalidCredentials : the Secret lacks a key, or no credentials are configured at all. The message names
	// what is missing.
	ReasonInvalidCredentials = "InvalidCredentials"
	// ReasonAccessDenied : the cloud refuses the key or the permission. Correct the Secret or the RAM policy.
	ReasonAccessDenied = "AccessDenied"
	// ReasonThrottled : the account's call rate is exhausted. Wait.
	ReasonThrottled = "Throttled"
	// ReasonCloudUnavailable : the endpoint cannot be reached or answers 5xx. Wait; check endpoint and network.
	ReasonCloudUnavailable = "CloudUnavailable"
	// ReasonCloudError : the cloud answers with a code that the operator does not know. See status.lastError.
	ReasonCloudError = "CloudError"
	// ReasonImportFailed : the import ended in Pack_failed, Upload_failed or a lasting Unavailable. Correct the OSS
	// object; the failed image is removed and the import is tried again at status.nextRetryTime.
	ReasonImportFailed = "ImportFailed"
	// ReasonImportTimedOut : the import has been running for longer than spec.timeoutSeconds. It is still watched.
	ReasonImportTimedOut = "ImportTimedOut"
	// ReasonImportFieldsChanged : a field that defines the import was changed while it was being started, so the
	// image was made from the old values. Put the fields back, or delete the object and create a new one.
	ReasonImportFieldsChanged = "ImportFieldsChanged"
	// ReasonImageNotFound : spec.imageID names no image of the account that the credentials belong to. Correct the ID or
	// the credentials.
	ReasonImageNotFound = "ImageNotFound"
	// ReasonImageClaimed : another ImageImport has the better claim to the image; the message names it. Delete one of the
	// two, or set spec.managementPolicy to ObserveOnly.
	ReasonImageClaimed = "ImageClaimed"
	// ReasonSharing : the image is available, and the cloud has not brought its sharing in line yet. Wait.
	ReasonSharing = "Sharing"
	// ReasonCredentialsChanged : the access key was replaced by another one, and with that the image is not found. Put the
	// key back, or any of the same account; or ask for a reconcile to give the image up.
	ReasonCredentialsChanged = "CredentialsChanged"
	// ReasonImageUnavailable : the image exists and the cloud calls it Unavailable. Ask the cloud's support.
	ReasonImageUnavailable = "ImageUnavailable"
	// ReasonImageMissing : the image is not in the last listing, which proves nothing yet. The operator looks again.
	ReasonImageMissing = "ImageMissing"
	// ReasonImageVanished : the image is not there: deleted outside of Kubernetes, or the credentials now belong to
	// another account. Put the credentials back, ask for a new import with the reconcile request annotation, or delete
	// the object.
	ReasonImageVanished = "ImageVanished"
	// ReasonOwnershipUnknown : the import annotation is missing or unreadable, so the operator neither imports nor deletes.
	// The message says how to go on.
	ReasonOwnershipUnknown = "OwnershipUnknown"
	// ReasonDeleting : the object is being deleted and its image is on the way out. Wait.
	ReasonDeleting = "Deleting"
	// ReasonImageBusy : the cloud refuses to rename or delete the image in its current state, mostly because
	// instances use it. Release it, or set spec.deletionPolicy to Retain to keep the image and let the object go.
	ReasonImageBusy = "ImageBusy"
)
