// SPDX-License-Identifier: Apache-2.0

package enssim

import (
	"fmt"
	"maps"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// The statuses that DescribeSelfImages documents.
const (
	StatusCreating     = "Creating"
	StatusPacking      = "Packing"
	StatusUploading    = "Uploading"
	StatusCopying      = "Copying"
	StatusAvailable    = "Available"
	StatusUnavailable  = "Unavailable"
	StatusPackFailed   = "Pack_failed"
	StatusUploadFailed = "Upload_failed"
)

// Values of the fields of Behaviour that offer a choice of words.
const (
	// OrderCreation lists the oldest image first.
	OrderCreation = "Creation"
	// OrderReverse lists the newest image first.
	OrderReverse = "Reverse"
	// OrderShuffled lists in a new random order for every request.
	OrderShuffled = "Shuffled"

	// MatchSubstring finds the searched text anywhere.
	MatchSubstring = "Substring"
	// MatchPrefix finds the searched text at the start only.
	MatchPrefix = "Prefix"

	// MissingObjectRefuse answers ImportImage with InvalidParameter.OSSObject.
	MissingObjectRefuse = "Refuse"
	// MissingObjectFailLater accepts the call; the image fails while it is packed.
	MissingObjectFailLater = "FailLater"

	// NotFoundSuccess answers DeleteImage of an unknown image with success.
	NotFoundSuccess = "Success"

	// DenialNoPermission is the permission error that the ENS pages list.
	DenialNoPermission = "NoPermission"
	// DenialForbiddenRAM is the permission error of the RAM gateway.
	DenialForbiddenRAM = "Forbidden.RAM"
)

// Step is one status of an import and how long it lasts.
type Step struct {
	Status   string          `json:"status"`
	Duration metav1.Duration `json:"duration"`
}

// Behaviour holds what the cloud's documents leave open. DefaultBehaviour
// gives the defaults named here. An import keeps the sequence of statuses and
// the listing lag that were set when it was accepted.
type Behaviour struct {
	// Steps are the statuses of an import before the final one.
	// Default: Creating, Packing and Uploading for one second each.
	Steps []Step `json:"steps"`
	// FinalStatus follows the steps of a good import. Default Available.
	FinalStatus string `json:"finalStatus"`
	// CopyDuration is how long Copying lasts. It follows the steps when
	// TargetOSSRegionId differs from the source region. Default 1s.
	CopyDuration metav1.Duration `json:"copyDuration"`
	// FailureStatus ends the import of a bad object: Pack_failed (default) and
	// Unavailable after the Packing step, Upload_failed after Uploading.
	FailureStatus string `json:"failureStatus"`
	// MissingObject is Refuse (default) or FailLater.
	MissingObject string `json:"missingObject"`
	// AcceptAnyObject takes every OSS object for an existing qcow2 file of 20 GiB.
	AcceptAnyObject bool `json:"acceptAnyObject"`

	// ListLag hides a new image from listings. Default 500ms.
	ListLag metav1.Duration `json:"listLag"`
	// ListFlicker shows a new image in every third listing during ListLag, as
	// when the servers that answer in turn lag differently.
	ListFlicker bool `json:"listFlicker"`
	// RenameLag keeps the old name in listings. Default 500ms.
	RenameLag metav1.Duration `json:"renameLag"`
	// DeleteLag keeps a deleted image in listings. Default 500ms.
	DeleteLag metav1.Duration `json:"deleteLag"`
	// Order of listed images: Reverse (default), Creation or Shuffled.
	Order string `json:"order"`
	// NameMatch of the fuzzy filters: Substring (default) or Prefix.
	NameMatch string `json:"nameMatch"`
	// CaseSensitiveMatch makes the fuzzy filters tell a from A.
	CaseSensitiveMatch bool `json:"caseSensitiveMatch"`
	// MaxPageSize of DescribeSelfImages. Default 50.
	MaxPageSize int `json:"maxPageSize"`
	// ClampPageSize shortens an oversized page instead of refusing the call.
	ClampPageSize bool `json:"clampPageSize"`

	// RejectBothSources refuses OSSObject together with DiskDeviceMapping.
	RejectBothSources bool `json:"rejectBothSources"`
	// AllowWindows accepts OSType windows, which the page lists but does not support.
	AllowWindows bool `json:"allowWindows"`
	// UniqueNames refuses a name that another image of the account has.
	UniqueNames bool `json:"uniqueNames"`
	// DuplicateNameCode is the answer of UniqueNames. Default InvalidParameter.ImageName.
	DuplicateNameCode string `json:"duplicateNameCode"`

	// AllowDeleteUnfinished deletes an image that is still being made.
	AllowDeleteUnfinished bool `json:"allowDeleteUnfinished"`
	// AllowRenameUnfinished renames an image that is not Available.
	AllowRenameUnfinished bool `json:"allowRenameUnfinished"`
	// AllowShareUnfinished shares an image that is not Available.
	AllowShareUnfinished bool `json:"allowShareUnfinished"`
	// InUseCode refuses to delete an image in use. Default Error.DeleteImage;
	// the other documented one is Forbidden.DelerrorteImage.
	InUseCode string `json:"inUseCode"`
	// DeleteSharedCode refuses to delete a shared image; empty allows it. Default ImageUseShared.
	DeleteSharedCode string `json:"deleteSharedCode"`
	// NotFoundCode answers a call about an unknown image. Default InvalidParameter.ImageId;
	// Success makes DeleteImage of it succeed.
	NotFoundCode string `json:"notFoundCode"`
	// AllowRemoveSeveralAccounts accepts more than one id in RemoveAccounts.
	AllowRemoveSeveralAccounts bool `json:"allowRemoveSeveralAccounts"`
	// InvalidAccounts cannot be shared with: answered with InvalidParameter.
	InvalidAccounts []string `json:"invalidAccounts"`

	// TimestampWindow is the largest accepted difference between the clocks. Default 15m.
	TimestampWindow metav1.Duration `json:"timestampWindow"`
	// ClockSkew is how far the cloud's clock is ahead when it looks at a timestamp. Default 0.
	ClockSkew metav1.Duration `json:"clockSkew"`
	// NonceWindow is how long a nonce is remembered; 0 switches the check off.
	// Default 30m, twice the TimestampWindow, which leaves no gap for a replay.
	NonceWindow metav1.Duration `json:"nonceWindow"`
	// RejectV3 refuses requests signed with ACS3-HMAC-SHA256.
	RejectV3 bool `json:"rejectV3"`

	// QPS limits the calls per second, account and action. Key * stands for
	// every action without a limit of its own. Default: no limit.
	QPS map[string]float64 `json:"qps"`
	// ThrottleHTTPStatus of Throttling.User: 400 (default), 429 or 503.
	ThrottleHTTPStatus int `json:"throttleHTTPStatus"`
	// ThrottleHeader adds the headers with the time to wait.
	ThrottleHeader bool `json:"throttleHeader"`
	// DenialCode answers a denied action: NoPermission (default, HTTP 400) or
	// Forbidden.RAM (HTTP 403 with AccessDeniedDetail).
	DenialCode string `json:"denialCode"`
}

// DefaultBehaviour returns the documented behaviour, with the harsher choice
// and short durations where the documents leave one.
func DefaultBehaviour() Behaviour {
	second := metav1.Duration{Duration: time.Second}
	lag := metav1.Duration{Duration: 500 * time.Millisecond}
	return Behaviour{
		Steps:              []Step{{StatusCreating, second}, {StatusPacking, second}, {StatusUploading, second}},
		FinalStatus:        StatusAvailable,
		CopyDuration:       second,
		FailureStatus:      StatusPackFailed,
		MissingObject:      MissingObjectRefuse,
		ListLag:            lag,
		RenameLag:          lag,
		DeleteLag:          lag,
		Order:              OrderReverse,
		NameMatch:          MatchSubstring,
		MaxPageSize:        50,
		DuplicateNameCode:  "InvalidParameter.ImageName",
		InUseCode:          "Error.DeleteImage",
		DeleteSharedCode:   "ImageUseShared",
		NotFoundCode:       "InvalidParameter.ImageId",
		TimestampWindow:    metav1.Duration{Duration: 15 * time.Minute},
		NonceWindow:        metav1.Duration{Duration: 30 * time.Minute},
		ThrottleHTTPStatus: 400,
		DenialCode:         DenialNoPermission,
	}
}

// Validate reports the first field whose value means nothing to the simulator.
func (b Behaviour) Validate() error {
	words := []struct {
		field, value string
		allowed      []string
	}{
		{"failureStatus", b.FailureStatus, []string{StatusPackFailed, StatusUploadFailed, StatusUnavailable}},
		{"missingObject", b.MissingObject, []string{MissingObjectRefuse, MissingObjectFailLater}},
		{"order", b.Order, []string{OrderCreation, OrderReverse, OrderShuffled}},
		{"nameMatch", b.NameMatch, []string{MatchSubstring, MatchPrefix}},
		{"denialCode", b.DenialCode, []string{DenialNoPermission, DenialForbiddenRAM}},
	}
	for _, w := range words {
		if !slices.Contains(w.allowed, w.value) {
			return fmt.Errorf("behaviour field %s is %q, allowed are %q", w.field, w.value, w.allowed)
		}
	}
	for _, step := range b.Steps {
		if step.Status == "" || step.Duration.Duration < 0 {
			return fmt.Errorf("behaviour field steps needs a status and a duration that is not negative in every entry")
		}
	}
	if b.FinalStatus == "" {
		return fmt.Errorf("behaviour field finalStatus is empty")
	}
	if b.MaxPageSize < 1 {
		return fmt.Errorf("behaviour field maxPageSize is %d, it must be at least 1", b.MaxPageSize)
	}
	if b.ThrottleHTTPStatus < 400 || b.ThrottleHTTPStatus > 599 {
		return fmt.Errorf("behaviour field throttleHTTPStatus is %d, it must be an error status", b.ThrottleHTTPStatus)
	}
	return nil
}

// overlaid lets decode write over a copy and validates the result. What decode
// leaves alone stays; lists and maps are replaced as a whole.
func (b Behaviour) overlaid(decode func(*Behaviour) error) (Behaviour, error) {
	changed := b
	changed.Steps, changed.InvalidAccounts, changed.QPS = nil, nil, nil
	if err := decode(&changed); err != nil {
		return Behaviour{}, err
	}
	kept := b.clone()
	if changed.Steps == nil {
		changed.Steps = kept.Steps
	}
	if changed.InvalidAccounts == nil {
		changed.InvalidAccounts = kept.InvalidAccounts
	}
	if changed.QPS == nil {
		changed.QPS = kept.QPS
	}
	return changed, changed.Validate()
}

func (b Behaviour) clone() Behaviour {
	b.Steps = slices.Clone(b.Steps)
	b.InvalidAccounts = slices.Clone(b.InvalidAccounts)
	b.QPS = maps.Clone(b.QPS)
	return b
}
