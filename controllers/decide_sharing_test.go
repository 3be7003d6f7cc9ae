// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"testing"

	"github.com/ens-image-operator/ens-image-operator/api/v1alpha1"
)

func TestDecideSharing(t *testing.T) {
	t.Parallel()
	final := saw(named("ubuntu-golden", image("m-1", "Available")))
	given := func(changes ...change) []change { return append([]change{owns("m-1"), final}, changes...) }
	owned := newState(owns("m-1")).intent
	ready := rests(moodReady, v1alpha1.ReasonAvailable, drift)
	reads := outcome{verb: readShares, image: "m-1"}
	stale := func(s *state) { s.shares.stale = true }
	confirmed := func(s *state) { s.shares.confirmed = true }
	runDecisions(t, map[string]decision{
		"never asked for":            {given(), ready, ""},
		"not looked":                 {given(shareWith("1")), reads, ""},
		"as it should be":            {given(shareWith("1", "2"), shared, isShared("2", "1")), ready, ""},
		"before the first":           {given(shareWith("1"), isShared()), writes(owned.sharing()), ""},
		"missing":                    {given(shareWith("3", "1", "2"), shared, isShared("1")), outcome{verb: shareImage, image: "m-1", accounts: "2,3"}, ""},
		"too much goes first":        {given(shareWith("1"), shared, isShared("3", "2")), outcome{verb: unshareImage, image: "m-1", accounts: "2"}, ""},
		"removed from the spec":      {given(shared, isShared("1")), outcome{verb: unshareImage, image: "m-1", accounts: "1"}, ""},
		"removed, not looked":        {given(shared), reads, ""},
		"removed, and gone":          {given(shared, isShared()), ready, ""},
		"changed, not confirmed":     {given(shareWith("1"), shared, isShared("1"), stale), reads, ""},
		"changed, not listed yet":    {given(shareWith("1"), shared, isShared(), confirmed), rests(moodReconciling, v1alpha1.ReasonSharing, poll), "takes effect"},
		"suspended":                  {given(shareWith("1"), isShared(), isSuspended), rests(moodIdle, v1alpha1.ReasonSuspended, drift), "sharing of image m-1 is not changed"},
		"suspended, as it should be": {given(shareWith("1"), shared, isShared("1"), isSuspended), ready, ""},
		"an adopted image":           {[]change{adopted("m-1"), hand("Available"), shareWith("1"), shared, isShared()}, outcome{verb: shareImage, image: "m-1", accounts: "1"}, ""},
		"deleting, not looked":       {given(deleting, shared), reads, ""},
		"deleting, shared":           {given(deleting, shared, isShared("2", "1")), outcome{verb: unshareImage, image: "m-1", accounts: "2"}, ""},
		"deleting, record lost it":   {given(deleting, shareWith("1")), reads, ""},
		"deleting, shared with none": {given(deleting, shared, isShared()), outcome{verb: deleteImage, image: "m-1"}, ""},
		"deleting, asked for":        {given(deleting, shared, asked("m-1")), rests(moodReconciling, v1alpha1.ReasonDeleting, poll), ""},
		"Retain leaves it shared":    {given(deleting, retain, shared, isShared("1")), outcome{verb: removeFinalizer}, ""},
	})
}
