// SPDX-License-Identifier: Apache-2.0

package ens

import (
	"fmt"
)

// Class says what an error means to the caller. It is decided by the action and the error code, never by the message.
type Class string

const (
	// ClassInvalid : the cloud refuses a value. Somebody must change the spec.
	ClassInvalid Class = "Invalid"
	// ClassDenied : the cloud refuses the key or the permission. Somebody must change a Secret or a RAM policy.
	ClassDenied Class = "Denied"
	// ClassThrottled : too many calls. Try again later, and slower.
	ClassThrottled Class = "Throttled"
	// ClassUnavailable : no answer, or a fault of the cloud's. Try again; for ImportImage see ClassUnknownOutcome.
	ClassUnavailable Class = "Unavailable"
	// ClassUnknownOutcome : ImportImage may or may not have made an image. Look for it before anything else.
	ClassUnknownOutcome Class = "UnknownOutcome"
	// ClassGone : the image does not seem to exist. No code for it is documented: a listing must confirm it.
	ClassGone Class = "Gone"
	// ClassConflict : the image's present state forbids it: in use, shared, or not finished. Try again later.
	ClassConflict Class = "Conflict"
	// ClassUnrecognised : a code that this package does not know. Shown as it is, tried again slowly.
	ClassUnrecognised Class = "Unrecognised"
)

// Codes of errors to which the cloud gave none.
const (
	CodeConnectFailed    = "ConnectFailed"
	CodeNoAnswer         = "NoAnswer"
	CodeCanceled         = "Canceled"
	CodeUnreadableAnswer = "UnreadableAnswer"
	CodeListingChanged   = "ListingChanged"
	CodeClientError      = "ClientError"
)

// Error is a failed call. Its texts are free of credentials and signatures, bounded, and fit for people.
type Error struct {
	// Action is the API action, for example ImportImage.
	Action string
	Class  Class
	// Code is the cloud's error code, or one of the Code constants where it gave none.
	Code string
	// Message is what the cloud said, at most 1024 bytes.
	Message string
	// Hint says what to do about it.
	Hint string
	// RequestID identifies the call to the cloud's support. Empty when there was no answer.
	RequestID string
	// HTTPStatus is 0 when there was no answer.
	HTTPStatus int
	// NotExecuted is true when the cloud certainly did not carry out the call: it refused it with a code that is known
	// to mean so, or no connection came about.
	NotExecuted bool
}

// Error implements error.
func (e *Error) Error() string {
	text := fmt.Sprintf("%s: %s: %s", e.Action, e.Code, e.Message)
	if e.RequestID != "" {
		text += fmt.Sprintf(" (request ID %s)", e.RequestID)
	}
	return text
}
