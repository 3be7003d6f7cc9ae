// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"slices"
	"testing"
	"time"

	"github.com/ens-image-operator/ens-image-operator/api/v1alpha1"
)

func TestDecideDeletion(t *testing.T) {
	t.Parallel()
	gone := outcome{verb: removeFinalizer}
	busy := rests(moodReconciling, v1alpha1.ReasonDeleting, poll)
	waits := busy.keeping()
	unclear := rests(moodStalled, v1alpha1.ReasonOwnershipUnknown, drift)
	closing := newIntent(time.Minute).closed(closedFailed, testNow)
	there := image("m-1", "Available")
	failed := failedAs("Pack_failed", time.Minute)
	cases := map[string]decision{
		"without finalizer":                {[]change{owns("m-1"), bare, saw(there)}, outcome{silent: true}, ""},
		"Retain":                           {[]change{owns("m-1"), retain}, gone, "kept, as spec.deletionPolicy says"},
		"Retain in mid-import":             {[]change{open(0), retain}, gone, ""},
		"Retain without intent":            {[]change{retain}, gone, ""},
		"not this object's":                {[]change{foreign}, gone, "not deleted: it was imported by another object"},
		"overwritten, not looked":          {[]change{foreign, told("m-1")}, outcome{verb: look}, ""},
		"overwritten, found":               {[]change{foreign, told("m-1"), saw(there)}, writes(first(0)), ""},
		"overwritten, theirs found":        {[]change{foreign, told("m-1"), saw(named("theirs", image("m-9", "Available")))}, gone, "not deleted"},
		"overwritten, outcome unknown":     {[]change{foreign, told(""), startedAt(time.Minute), saw()}, waits, ""},
		"unreadable":                       {[]change{unreadable}, rests(moodStalled, v1alpha1.ReasonOwnershipUnknown, drift), "can put it right; or set spec.deletionPolicy to Retain"},
		"unreadable, Retain":               {[]change{unreadable, retain}, gone, ""},
		"failed, looked too early":         {[]change{record(newIntent(time.Minute).failed("Pack_failed", testNow)), saw()}, waits, ""},
		"owned, made late":                 {[]change{record(newIntent(40*time.Minute - time.Second).withImage("m-1")), told("m-1"), unanswered, saw()}, waits, ""},
		"owned, the answer was read":       {[]change{record(newIntent(2 * time.Minute).withImage("m-1")), told("m-1"), saw()}, gone, ""},
		"owned, looked too early":          {[]change{record(newIntent(time.Minute).withImage("m-1")), saw()}, waits, ""},
		"owned, gone as asked for":         {[]change{record(newIntent(time.Minute).withImage("m-1")), saw(), asked("m-1")}, gone, ""},
		"owned, gone as reported":          {[]change{record(newIntent(time.Minute).withImage("m-1")), saw(), said(beingDeletedMessage)}, gone, ""},
		"owned, waited for, too early":     {[]change{record(newIntent(time.Minute).withImage("m-1")), saw(), said("something else")}, waits, ""},
		"never started":                    {[]change{refused}, gone, ""},
		"lost, not looked":                 {[]change{}, outcome{verb: look}, ""},
		"lost, found":                      {[]change{saw(there)}, writes(first(0)), ""},
		"lost, not found":                  {[]change{saw()}, gone, ""},
		"lost, status knows an image":      {[]change{told("m-1"), saw()}, gone, "not deleted"},
		"lost, one bears the name":         {[]change{saw(), lookalike(there)}, unclear, "let this object go without it"},
		"open, one bears the name":         {[]change{open(40 * time.Minute), saw(), lookalike(there)}, unclear, "let this object go without it"},
		"one bears the name, Retain":       {[]change{open(40 * time.Minute), retain}, gone, ""},
		"one bears the name, not wanted":   {[]change{saw(), lookalike(there), requested, reported(v1alpha1.ReasonOwnershipUnknown)}, gone, ""},
		"one bears the name, to be taken":  {[]change{saw(), lookalike(there), adoptAnnotated("m-1")}, writes(newState().base().adopting("m-1", testNow, first(0).Hash)), ""},
		"lost, outcome unknown":            {[]change{told(""), startedAt(40*time.Minute - time.Second), saw()}, waits, "outcome is not known yet"},
		"lost, past all doubt":             {[]change{told(""), startedAt(40 * time.Minute), saw()}, gone, ""},
		"open, not looked":                 {[]change{open(time.Minute)}, outcome{verb: look}, ""},
		"open, even when permitted":        {[]change{open(0), permitted}, outcome{verb: look}, ""},
		"open, found":                      {[]change{open(time.Minute), saw(there)}, writes(closing), ""},
		"open, running":                    {[]change{open(time.Minute), saw(image("m-1", "Creating"))}, writes(closing), ""},
		"open, two":                        {[]change{open(time.Minute), saw(there, image("m-2", "Creating"))}, writes(closing), ""},
		"open, outcome unknown":            {[]change{open(40*time.Minute - time.Second), saw()}, waits, "outcome is not known yet"},
		"open, past all doubt":             {[]change{open(40 * time.Minute), saw()}, gone, ""},
		"open, accepted, not listed":       {[]change{open(2*time.Minute - time.Second), told("m-1"), saw()}, waits, ""},
		"open, looked too early":           {[]change{open(40 * time.Minute), saw(), answeredLate(time.Second)}, waits, ""},
		"open, accepted, looked too early": {[]change{open(2 * time.Minute), told("m-1"), saw(), answeredLate(time.Second)}, waits, ""},
		"open, accepted, gone":             {[]change{open(2 * time.Minute), told("m-1"), saw()}, gone, ""},
		"failed, not looked":               {[]change{failed}, outcome{verb: look}, ""},
		"failed, there":                    {[]change{failed, saw(image("m-1", "Pack_failed"))}, outcome{verb: deleteImage, image: "m-1"}, ""},
		"failed, two there":                {[]change{failed, saw(there, image("m-2", "Creating")), asked("m-1")}, outcome{verb: deleteImage, image: "m-2"}, ""},
		"failed, asked for":                {[]change{failed, saw(there), asked("m-1")}, busy, "the cloud is deleting the image"},
		"failed, gone":                     {[]change{failed, saw()}, gone, ""},
		"owned, not looked":                {[]change{owns("m-1")}, outcome{verb: look}, ""},
		"owned, there":                     {[]change{owns("m-1"), saw(named("ubuntu-golden", there))}, outcome{verb: deleteImage, image: "m-1"}, ""},
		"owned, whatever status says":      {[]change{owns("m-1"), told("m-9"), saw(named("ubuntu-golden", there))}, outcome{verb: deleteImage, image: "m-1"}, ""},
		"owned, asked for":                 {[]change{owns("m-1"), saw(named("ubuntu-golden", there)), asked("m-1")}, busy, "the cloud is deleting the image"},
		"owned, gone":                      {[]change{owns("m-1"), saw(), asked("m-1")}, gone, ""},
		"owned, unknown to the cloud":      {[]change{owns("m-1"), saw(named("ubuntu-golden", there)), unknown("m-1")}, busy, "still lists it"},
		"owned, unknown, looked too early": {[]change{record(newIntent(time.Minute).withImage("m-1")), saw(), unknown("m-1")}, waits, ""},
		"observed now, attempt open":       {[]change{open(time.Minute), observeOnly, imageID("m-9"), saw(there)}, writes(newIntent(time.Minute).closed(closedFailed, testNow)), ""},
		"observed now, failed image there": {[]change{failed, observeOnly, imageID("m-9"), saw(image("m-1", "Pack_failed"))}, outcome{verb: deleteImage, image: "m-1"}, ""},
		"owned, fields changed":            {[]change{owns("m-1"), otherSource, saw(there)}, outcome{verb: deleteImage, image: "m-1"}, ""},
	}
	for name, c := range cases {
		c.given = append([]change{deleting}, c.given...)
		cases[name] = c
	}
	runDecisions(t, cases)

	// suspend stops nothing of a deletion.
	suspendedToo := map[string]decision{}
	for name, c := range cases {
		c.given = append(slices.Clip(c.given), isSuspended)
		suspendedToo[name] = c
	}
	t.Run("suspended", func(t *testing.T) { t.Parallel(); runDecisions(t, suspendedToo) })
}
