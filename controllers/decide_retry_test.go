// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"testing"
	"time"

	"github.com/ens-image-operator/ens-image-operator/api/v1alpha1"
)

func TestDecideRetry(t *testing.T) {
	t.Parallel()
	hash := newIntent(0).Hash
	minuteAgo := failedAs("Pack_failed", time.Minute)
	s := newState(minuteAgo)
	again, anew := newState(refused).intent.again(testNow, hash), s.intent.anew(testNow, hash)
	due := seconds(s.intent.ClosedAt.Add(jittered(time.Hour, string(testUID)))).Time
	failure := rests(moodStalled, v1alpha1.ReasonImportFailed, 0).failing("Pack_failed")
	at := func(now time.Time) change { return func(s *state) { s.now = now } }
	later := s.intent.anew(due, hash)
	left := image("m-1", "Pack_failed")
	runDecisions(t, map[string]decision{
		"refused, due again":              {[]change{refused}, starts(again), ""},
		"refused, edited":                 {[]change{refused, otherSource}, starts(newState(refused).intent.again(testNow, otherHash())), ""},
		"refused, suspended":              {[]change{refused, isSuspended}, rests(moodIdle, v1alpha1.ReasonSuspended, 0).editable(), "no import is started"},
		"failed, not looked":              {[]change{minuteAgo}, outcome{verb: look}, ""},
		"failed, image there":             {[]change{minuteAgo, saw(left)}, outcome{verb: deleteImage, image: "m-1"}, ""},
		"failed, image there, suspended":  {[]change{minuteAgo, isSuspended, saw(left)}, rests(moodIdle, v1alpha1.ReasonSuspended, drift), "the failed image is not removed"},
		"failed, image asked for":         {[]change{minuteAgo, saw(left), asked("m-1")}, outcome{mood: moodStalled, reason: v1alpha1.ReasonImportFailed, wait: poll, code: "Pack_failed"}, "is removed"},
		"failed, two images":              {[]change{minuteAgo, saw(left, image("m-2", "Available")), asked("m-1")}, outcome{verb: deleteImage, image: "m-2"}, ""},
		"failed, image gone":              {[]change{minuteAgo, saw()}, failure.dueAt(due).editable(), "state Pack_failed"},
		"failed, just before the retry":   {[]change{minuteAgo, saw(), at(due.Add(-time.Second))}, failure.dueAt(due).editable(), ""},
		"failed, at the retry":            {[]change{minuteAgo, saw(), at(due)}, starts(later), ""},
		"failed, at the retry, suspended": {[]change{minuteAgo, saw(), at(due), isSuspended}, rests(moodIdle, v1alpha1.ReasonSuspended, 0).editable(), ""},
		"failed, edited":                  {[]change{minuteAgo, saw(), edited}, starts(anew), ""},
		// The edit was seen before, in a reconcile that did not get this far.
		"failed, made from other values": {[]change{minuteAgo, saw(), otherSource}, starts(s.intent.anew(testNow, otherHash())), ""},
		"failed, requested":              {[]change{minuteAgo, saw(), requested}, starts(anew), ""},
		"failed, edited, not listed":     {[]change{minuteAgo, unanswered, saw(), edited}, outcome{mood: moodReconciling, reason: v1alpha1.ReasonImportFailed, wait: poll, code: "Pack_failed"}, "as soon as the failed image is certainly gone"},
		"failed, edited, and deleted":    {[]change{minuteAgo, unanswered, saw(), asked("m-1"), edited}, starts(anew), ""},
		"failed, requested, image there": {[]change{minuteAgo, saw(left), requested}, outcome{verb: deleteImage, image: "m-1"}, ""},
	})
}

func TestDecideUpkeep(t *testing.T) {
	t.Parallel()
	final := named("ubuntu-golden", image("m-1", "Available"))
	ready := rests(moodReady, v1alpha1.ReasonAvailable, drift)
	vanished := rests(moodStalled, v1alpha1.ReasonImageVanished, drift).editable()
	unique := func(s *state) { s.obj.Spec.ImageNamePolicy = v1alpha1.ImageNameUnique }
	renamed := func(s *state) { s.obj.Spec.ImageName = "other-name" }
	anew := newIntent(3*time.Hour).withImage("m-1").anew(testNow, newIntent(0).Hash)
	runDecisions(t, map[string]decision{
		"not looked":                     {[]change{owns("m-1")}, outcome{verb: look}, ""},
		"finalizer taken off":            {[]change{owns("m-1"), bare}, writes(newIntent(3 * time.Hour).withImage("m-1")), ""},
		"as it should be":                {[]change{owns("m-1"), saw(final)}, ready, "image m-1 is available as ubuntu-golden"},
		"as it should be, suspended":     {[]change{owns("m-1"), isSuspended, saw(final)}, ready, ""},
		"bears its token":                {[]change{owns("m-1"), told("m-1"), saw(image("m-1", "Available"))}, outcome{verb: renameImage, image: "m-1", name: "ubuntu-golden"}, ""},
		"keeps its token":                {[]change{owns("m-1"), unique, saw(image("m-1", "Available"))}, ready, testToken},
		"bears its token, not told yet":  {[]change{owns("m-1"), saw(image("m-1", "Available"))}, rests(moodReconciling, v1alpha1.ReasonImporting, poll), "renamed next"},
		"is to get its token back":       {[]change{owns("m-1"), told("m-1"), unique, saw(final)}, outcome{verb: renameImage, image: "m-1", name: "ubuntu-golden" + testSuffix}, ""},
		"is to be renamed":               {[]change{owns("m-1"), told("m-1"), renamed, saw(final)}, outcome{verb: renameImage, image: "m-1", name: "other-name"}, ""},
		"is to be renamed, suspended":    {[]change{owns("m-1"), renamed, isSuspended, saw(final)}, rests(moodIdle, v1alpha1.ReasonSuspended, drift), "image m-1 is not renamed to other-name"},
		"fields changed":                 {[]change{owns("m-1"), otherSource, saw(final)}, rests(moodStalled, v1alpha1.ReasonImportFieldsChanged, drift).editable(), "image m-1 was made from the old values"},
		"unavailable":                    {[]change{owns("m-1"), saw(named("ubuntu-golden", image("m-1", "Unavailable")))}, rests(moodStalled, v1alpha1.ReasonImageUnavailable, poll), "is Unavailable"},
		"failed after all":               {[]change{owns("m-1"), saw(image("m-1", "Pack_failed"))}, rests(moodStalled, v1alpha1.ReasonImageUnavailable, poll), ""},
		"vanished":                       {[]change{owns("m-1"), saw()}, vanished, v1alpha1.ReconcileRequestAnnotation},
		"vanished, suspended":            {[]change{owns("m-1"), isSuspended, saw()}, vanished, ""},
		"vanished, requested before":     {[]change{owns("m-1"), saw(), requested, reported(v1alpha1.ReasonAvailable)}, vanished, ""},
		"vanished, requested":            {[]change{owns("m-1"), told("m-1"), saw(), requested, reported(v1alpha1.ReasonImageVanished)}, starts(anew), ""},
		"an earlier one vanished":        {[]change{owns("m-2"), told("m-1"), secondAttempt, saw(), requested, reported(v1alpha1.ReasonImageVanished)}, vanished, ""},
		"adopted now, not listed":        {[]change{adopted("m-1"), justNow, saw()}, missing, "not in the last listing"},
		"not listed, made late":          {[]change{record(newIntent(40*time.Minute - time.Second).withImage("m-1")), told("m-1"), unanswered, saw()}, missing, ""},
		"vanished, requested, suspended": {[]change{owns("m-1"), told("m-1"), saw(), requested, reported(v1alpha1.ReasonImageVanished), isSuspended}, rests(moodStalled, v1alpha1.ReasonImageVanished, 0).editable().keeping(), ""},
	})
}
