// SPDX-License-Identifier: Apache-2.0

package enssim

import (
	"slices"
	"time"
)

// statusAt is a pure function of the elapsed time: nothing has to run for an
// import to move on.
func (r *image) statusAt(now time.Time) string {
	if r.Image.StatusPinned {
		return r.Image.Status
	}
	elapsed := now.Sub(r.Image.CreationTime)
	for _, step := range r.Plan {
		if elapsed < step.Duration.Duration {
			return step.Status
		}
		elapsed -= step.Duration.Duration
	}
	return r.Final
}

// planGood returns the steps of an import that succeeds. The documents name
// Copying without saying when it happens; a copy needs a finished upload.
func (b Behaviour) planGood(targetRegion string) (plan []Step, final string) {
	plan = slices.Clone(b.Steps)
	if targetRegion != sourceRegion {
		plan = append(plan, Step{Status: StatusCopying, Duration: b.CopyDuration})
	}
	return plan, b.FinalStatus
}

// planBad returns the steps of an import that fails. Without the step in which
// it would fail, it fails after the last one.
func (b Behaviour) planBad() (plan []Step, final string) {
	failingStep := StatusPacking
	if b.FailureStatus == StatusUploadFailed {
		failingStep = StatusUploading
	}
	plan = slices.Clone(b.Steps)
	last := slices.IndexFunc(plan, func(step Step) bool { return step.Status == failingStep })
	if last >= 0 {
		plan = plan[:last+1]
	}
	return plan, b.FailureStatus
}

// finished tells whether a status is one that no import leaves by itself. A
// status that the documents do not know is not.
func finished(status string) bool {
	switch status {
	case StatusAvailable, StatusUnavailable, StatusPackFailed, StatusUploadFailed:
		return true
	default:
		return false
	}
}
