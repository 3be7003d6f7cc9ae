// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"errors"
	"testing"
	"time"

	"github.com/ens-image-operator/ens-image-operator/api/v1alpha1"
	"github.com/ens-image-operator/ens-image-operator/internal/ens"
)

const (
	poll  = 10 * time.Second
	drift = 10 * time.Minute
)

var missing = rests(moodReconciling, v1alpha1.ReasonImageMissing, poll)

var unconfirmed = rests(moodReconciling, v1alpha1.ReasonImportUnconfirmed, poll).retrying(retryPolling).keeping()

func otherHash() string {
	s := newState(otherSource)
	return importHash(&s.obj.Spec)
}

// first is the intent that a new object gets, after so many attempts that only status remembers.
func first(attempts int32) *intent {
	in := newIntent(0)
	in.Attempt += attempts
	return in
}

func TestDecideStart(t *testing.T) {
	t.Parallel()
	lost := rests(moodStalled, v1alpha1.ReasonOwnershipUnknown, drift)
	inUse := rests(moodIdle, v1alpha1.ReasonSuspended, 0).editable()
	runDecisions(t, map[string]decision{
		"new":                             {[]change{fresh}, starts(first(0)), ""},
		"new and suspended":               {[]change{fresh, isSuspended}, inUse, "no import is started"},
		"older":                           {[]change{}, outcome{verb: look}, ""},
		"older and suspended":             {[]change{isSuspended}, inUse, ""},
		"older, nothing found":            {[]change{saw()}, starts(first(0)), ""},
		"older, found":                    {[]change{saw(image("m-1", "Creating"))}, writes(first(0)), ""},
		"edited meanwhile":                {[]change{fresh, otherSource}, starts(&intent{Cluster: testCluster, UID: testUID, Epoch: 1, Attempt: 1, SignedAt: seconds(testNow), Hash: otherHash()}), ""},
		"lost, new, once imported":        {[]change{fresh, told("m-1")}, outcome{verb: look}, ""},
		"lost, found":                     {[]change{told("m-1"), saw(image("m-1", "Available"))}, writes(first(0)), ""},
		"lost, not found":                 {[]change{told("m-1"), saw()}, lost, "put it back"},
		"lost and suspended":              {[]change{told("m-1"), isSuspended}, lost, "although image m-1 was imported"},
		"lost, another one requested":     {[]change{told("m-1"), startedAt(time.Minute), saw(), requested, reported(v1alpha1.ReasonOwnershipUnknown)}, starts(first(1)), ""},
		"lost, requested before":          {[]change{told("m-1"), startedAt(time.Minute), saw(), requested, reported(v1alpha1.ReasonAvailable)}, lost, ""},
		"lost, outcome unknown":           {[]change{told(""), startedAt(time.Minute), saw()}, outcome{mood: moodReconciling, reason: v1alpha1.ReasonImportUnconfirmed, wait: 15 * time.Second, retry: retryPolling, keepsError: true}, "looking for the image"},
		"lost, new, outcome unknown":      {[]change{fresh, told(""), startedAt(time.Second)}, outcome{verb: look}, ""},
		"lost, and requested too soon":    {[]change{told(""), startedAt(4 * time.Second), saw(), requested}, unconfirmed, ""},
		"lost, past all doubt, suspended": {[]change{told(""), startedAt(40 * time.Minute), isSuspended}, inUse, ""},
		"lost, looked too early":          {[]change{told(""), startedAt(40 * time.Minute), saw(), answeredLate(time.Second)}, outcome{mood: moodReconciling, reason: v1alpha1.ReasonImportUnconfirmed, wait: 5 * time.Minute, retry: retryPolling, keepsError: true}, ""},
		"lost, and past all doubt":        {[]change{told(""), startedAt(40 * time.Minute), saw()}, starts(first(1)), ""},
		"not this object's": {
			[]change{func(s *state) { s.intentErr = errors.New("the annotation belongs to another object") }},
			lost, "belongs to another object: those with the verb record on imageimports can put it right, or remove it",
		},
	})
}

func TestDecideSend(t *testing.T) {
	t.Parallel()
	denied := *errRefused
	denied.Class, denied.Code = ens.ClassDenied, "NoPermission"
	runDecisions(t, map[string]decision{
		"permitted":              {[]change{open(0), permitted}, outcome{verb: importImage}, ""},
		"at the last moment":     {[]change{open(30 * time.Second), permitted}, outcome{verb: importImage}, ""},
		"too late":               {[]change{open(31 * time.Second), permitted}, outcome{verb: look}, ""},
		"without permit":         {[]change{open(0)}, outcome{verb: look}, ""},
		"only once":              {[]change{open(0), permitted, answered(nil)}, rests(moodReconciling, v1alpha1.ReasonImporting, poll), "is running"},
		"accepted":               {[]change{open(0), answered(nil)}, rests(moodReconciling, v1alpha1.ReasonImporting, poll), "is running"},
		"refused":                {[]change{open(0), answered(errRefused)}, writes(newIntent(0).closed(closedRefused, testNow)), ""},
		"answer lost":            {[]change{open(0), answered(errLost)}, unconfirmed.failing(ens.CodeNoAnswer), "the cloud's answer to ImportImage was lost"},
		"recorded as refused":    {[]change{refused, answered(errRefused)}, rests(moodStalled, v1alpha1.ReasonInvalidSpec, 0).failing("InvalidParameter.OSSObject").retrying(retrySlowly).editable(), "check the file"},
		"recorded as denied":     {[]change{refused, answered(&denied)}, rests(moodStalled, v1alpha1.ReasonAccessDenied, 0).failing("NoPermission").retrying(retryDenied).editable(), ""},
		"answer lost, suspended": {[]change{open(0), isSuspended, answered(errLost)}, unconfirmed.failing(ens.CodeNoAnswer), ""},
	})
}

func TestDecideUnseen(t *testing.T) {
	t.Parallel()
	running := rests(moodReconciling, v1alpha1.ReasonImporting, poll)
	vanished := rests(moodStalled, v1alpha1.ReasonImageVanished, drift).editable()
	unconfirmedFor := func(wait time.Duration) outcome { o := unconfirmed; o.wait = wait; return o }
	again := newIntent(40*time.Minute).again(testNow, newIntent(0).Hash)
	changed := newIntent(40*time.Minute).again(testNow, otherHash())
	anew := newIntent(2*time.Minute).anew(testNow, newIntent(0).Hash)
	runDecisions(t, map[string]decision{
		"not looked":                       {[]change{open(time.Minute)}, outcome{verb: look}, ""},
		"accepted, not listed yet":         {[]change{open(2*time.Minute - time.Second), told("m-1"), saw()}, running, "is running"},
		"seen, its answer was lost":        {[]change{open(40*time.Minute - time.Second), told("m-1"), wasSeen, unanswered, saw()}, missing, "not in the last listing: looking again until 12:00 UTC"},
		"seen, gone for certain":           {[]change{open(40 * time.Minute), told("m-1"), unanswered, saw()}, vanished, ""},
		"accepted, not listed":             {[]change{open(2 * time.Minute), told("m-1"), saw()}, vanished, "deleted outside of Kubernetes"},
		"accepted, gone, requested before": {[]change{open(2 * time.Minute), told("m-1"), saw(), requested, reported(v1alpha1.ReasonImporting)}, rests(moodStalled, v1alpha1.ReasonImageVanished, drift).editable(), ""},
		"accepted, gone, requested":        {[]change{open(2 * time.Minute), told("m-1"), saw(), requested, reported(v1alpha1.ReasonImageVanished)}, starts(anew), ""},
		"accepted, gone, suspended":        {[]change{open(2 * time.Minute), told("m-1"), saw(), requested, reported(v1alpha1.ReasonImageVanished), isSuspended}, rests(moodStalled, v1alpha1.ReasonImageVanished, 0).editable().keeping(), ""},
		"requested too early":              {[]change{open(2*time.Minute - time.Second), told("m-1"), saw(), requested}, running, ""},
		"promised to another attempt":      {[]change{record(first(1)), told("m-1"), saw()}, unconfirmed, ""},
		"unconfirmed, at once":             {[]change{open(0), told(""), saw()}, unconfirmed, ""},
		"unconfirmed, clock set back":      {[]change{open(-time.Hour), told(""), saw()}, unconfirmed, ""},
		"unconfirmed for a minute":         {[]change{open(time.Minute), saw()}, unconfirmedFor(15 * time.Second), ""},
		"unconfirmed for long":             {[]change{open(40*time.Minute - time.Second), saw()}, unconfirmedFor(5 * time.Minute), ""},
		"unconfirmed, and requested":       {[]change{open(40*time.Minute - time.Second), saw(), requested}, unconfirmedFor(5 * time.Minute), ""},
		"looked too early":                 {[]change{open(40 * time.Minute), saw(), answeredLate(time.Second)}, unconfirmedFor(5 * time.Minute), ""},
		"accepted, looked too early":       {[]change{open(2 * time.Minute), told("m-1"), saw(), answeredLate(time.Second)}, running, ""},
		"past all doubt":                   {[]change{open(40 * time.Minute), saw()}, starts(again), ""},
		"past all doubt, edited":           {[]change{open(40 * time.Minute), saw(), otherSource}, starts(changed), ""},
		"past all doubt, suspended":        {[]change{open(40 * time.Minute), saw(), isSuspended}, rests(moodIdle, v1alpha1.ReasonSuspended, 0).editable(), ""},
	})
}

func TestDecideSeen(t *testing.T) {
	t.Parallel()
	running := rests(moodReconciling, v1alpha1.ReasonImporting, poll)
	later := image("m-2", "Available")
	minute := newIntent(time.Minute)
	late := newIntent(2*time.Hour + time.Second)
	runDecisions(t, map[string]decision{
		"running":                    {[]change{open(time.Minute), saw(image("m-1", "Creating"))}, running, "is running"},
		"an unknown word":            {[]change{open(time.Minute), saw(image("m-1", "Reticulating"))}, running, ""},
		"unavailable for now":        {[]change{open(2 * time.Hour), saw(image("m-1", "Unavailable"))}, running, ""},
		"unavailable too long":       {[]change{open(2*time.Hour + time.Second), saw(image("m-1", "Unavailable"))}, writes(late.failed("Unavailable", testNow)), ""},
		"at the timeout":             {[]change{open(2 * time.Hour), saw(image("m-1", "Packing"))}, running, ""},
		"past the timeout":           {[]change{open(2*time.Hour + time.Second), saw(image("m-1", "Packing"))}, rests(moodStalled, v1alpha1.ReasonImportTimedOut, poll), "7200 s"},
		"available":                  {[]change{open(time.Minute), saw(image("m-1", "Available"))}, writes(minute.withImage("m-1")), ""},
		"available late":             {[]change{open(2*time.Hour + time.Second), saw(image("m-1", "Available"))}, writes(late.withImage("m-1")), ""},
		"available while suspended":  {[]change{open(time.Minute), isSuspended, saw(image("m-1", "Available"))}, writes(minute.withImage("m-1")), ""},
		"pack failed":                {[]change{open(time.Minute), saw(image("m-1", "Pack_failed"))}, writes(minute.failed("Pack_failed", testNow)), ""},
		"upload failed":              {[]change{open(time.Minute), saw(image("m-1", "Upload_failed"))}, writes(minute.failed("Upload_failed", testNow)), ""},
		"made from old values":       {[]change{open(time.Minute), otherSource, saw(image("m-1", "Creating"))}, rests(moodStalled, v1alpha1.ReasonImportFieldsChanged, drift).editable(), "image m-1"},
		"available from old values":  {[]change{open(time.Minute), otherSource, saw(image("m-1", "Available"))}, rests(moodStalled, v1alpha1.ReasonImportFieldsChanged, drift).editable(), ""},
		"failed from old values":     {[]change{open(time.Minute), otherSource, saw(image("m-1", "Pack_failed"))}, writes(minute.failed("Pack_failed", testNow)), ""},
		"two, the oldest counts":     {[]change{open(time.Minute), saw(image("m-1", "Creating"), later)}, running, ""},
		"two, the oldest is kept":    {[]change{open(time.Minute), saw(image("m-1", "Available"), later)}, outcome{verb: deleteImage, image: "m-2", double: true}, ""},
		"two, the promised is kept":  {[]change{open(time.Minute), told("m-2"), saw(image("m-1", "Available"), later)}, outcome{verb: deleteImage, image: "m-1", double: true}, ""},
		"three, one asked for":       {[]change{open(time.Minute), saw(image("m-1", "Available"), later, image("m-3", "Creating")), asked("m-2")}, outcome{verb: deleteImage, image: "m-3", double: true}, ""},
		"two, the second on its way": {[]change{open(time.Minute), saw(image("m-1", "Available"), later), asked("m-2")}, running, "until the second image is gone"},
		"two while suspended":        {[]change{open(time.Minute), isSuspended, saw(image("m-1", "Available"), later)}, rests(moodIdle, v1alpha1.ReasonSuspended, drift), "is not removed"},
		"two, one left":              {[]change{open(time.Minute), saw(image("m-1", "Available")), asked("m-2")}, writes(minute.withImage("m-1")), ""},
	})
}
