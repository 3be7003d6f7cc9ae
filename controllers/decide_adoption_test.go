// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/ens-image-operator/ens-image-operator/api/v1alpha1"
)

func hand(status string) change { return saw(named("made-by-hand", image("m-1", status))) }

func TestDecideObservation(t *testing.T) {
	t.Parallel()
	given := func(changes ...change) []change { return append([]change{imageID("m-1"), observeOnly}, changes...) }
	runDecisions(t, map[string]decision{
		"not looked":          {given(), outcome{verb: look}, ""},
		"not there":           {given(saw()), rests(moodStalled, v1alpha1.ReasonImageNotFound, drift).editable(), "no image m-1"},
		"available":           {given(hand("Available")), rests(moodReady, v1alpha1.ReasonAvailable, drift), "available as made-by-hand"},
		"being made":          {given(hand("Packing")), rests(moodReconciling, v1alpha1.ReasonImporting, poll), ""},
		"failed":              {given(hand("Upload_failed")), rests(moodStalled, v1alpha1.ReasonImageUnavailable, drift), "Upload_failed"},
		"unavailable":         {given(hand("Unavailable")), rests(moodStalled, v1alpha1.ReasonImageUnavailable, drift), ""},
		"claimed by another":  {given(hand("Available"), claimedBy("m-1")), rests(moodReady, v1alpha1.ReasonAvailable, drift), ""},
		"recorded before":     {given(adopted("m-1"), hand("Available")), rests(moodReady, v1alpha1.ReasonAvailable, drift), ""},
		"deleted":             {given(deleting), outcome{verb: removeFinalizer}, "only observed"},
		"deleted, recorded":   {given(adopted("m-1"), deleting), outcome{verb: removeFinalizer}, ""},
		"with a foreign note": {given(foreign, hand("Available")), rests(moodReady, v1alpha1.ReasonAvailable, drift), ""},
	})
}

func TestDecideAdoption(t *testing.T) {
	t.Parallel()
	s := newState(imageID("m-1"))
	taken := s.base().adopting("m-1", testNow, importHash(&s.obj.Spec))
	outranked := rests(moodStalled, v1alpha1.ReasonImageClaimed, drift).editable()
	ready := rests(moodReady, v1alpha1.ReasonAvailable, drift)
	gone := outcome{verb: removeFinalizer}
	second := imageID("m-2")
	s = newState(adopted("m-1"), second)
	next := s.intent.adopting("m-2", testNow, importHash(&s.obj.Spec))
	renamed := func(s *state) { s.obj.Spec.ImageName = "ubuntu-golden" }
	drop := func(s *state) { s.obj.Spec.DeletionPolicy = v1alpha1.DeletionDelete }
	runDecisions(t, map[string]decision{
		"not looked":                  {[]change{fresh, imageID("m-1")}, outcome{verb: look}, ""},
		"not there":                   {[]change{imageID("m-1"), saw()}, rests(moodStalled, v1alpha1.ReasonImageNotFound, drift).editable(), ""},
		"there":                       {[]change{imageID("m-1"), hand("Available")}, writes(taken), ""},
		"there, suspended":            {[]change{imageID("m-1"), isSuspended, hand("Available")}, writes(taken), ""},
		"an older object claims it":   {[]change{imageID("m-1"), hand("Available"), claimedBy("m-1")}, outranked, "ImageImport other, which is older"},
		"a younger object claims it":  {[]change{imageID("m-1"), hand("Available"), claimedBy("m-1", younger)}, writes(taken), ""},
		"refused, a younger imported": {[]change{refused, imageID("m-1"), hand("Available"), claimedBy("m-1", younger, importer)}, outranked, "which imported it"},
		"a younger imported it":       {[]change{imageID("m-1"), hand("Available"), claimedBy("m-1", younger, importer)}, outranked, "which imported it"},
		"another is claimed":          {[]change{imageID("m-1"), hand("Available"), claimedBy("m-2")}, writes(taken), ""},
		"adopted":                     {[]change{adopted("m-1"), hand("Available")}, ready, "available as made-by-hand"},
		"adopted, being made":         {[]change{adopted("m-1"), hand("Creating")}, rests(moodReconciling, v1alpha1.ReasonImporting, poll), ""},
		"adopted, to be renamed":      {[]change{adopted("m-1"), renamed, hand("Available")}, outcome{verb: renameImage, image: "m-1", name: "ubuntu-golden"}, ""},
		"adopted, older one comes up": {[]change{adopted("m-1"), renamed, hand("Available"), claimedBy("m-1")}, outranked, ""},
		"adopted, another is named":   {[]change{adopted("m-1"), second, hand("Available")}, writes(next), ""},
		"adopted, vanished, edited":   {[]change{adopted("m-1"), saw(), func(s *state) { s.obj.Spec.Platform = "debian" }}, rests(moodStalled, v1alpha1.ReasonImageVanished, drift).editable(), ""},
		"lost to another, imports":    {[]change{adopted("m-1"), hand("Available"), claimedBy("m-1"), importsInstead}, starts(newState(adopted("m-1")).intent.anew(testNow, importHash(&newObject().Spec))), ""},
		"wished for by an older one":  {[]change{adopted("m-1"), hand("Available"), claimedBy("m-1", wish)}, ready, ""},
		"wished for, not recorded":    {[]change{imageID("m-1"), hand("Available"), claimedBy("m-1", wish)}, outranked, ""},
		"wished for, to be deleted":   {[]change{adopted("m-1"), deleting, drop, hand("Available"), claimedBy("m-1", wish)}, gone, "belongs to ImageImport other"},
		"adopted, vanished":           {[]change{adopted("m-1"), saw()}, rests(moodStalled, v1alpha1.ReasonImageVanished, drift).editable(), "name another image in spec.imageID"},
		"adopted, deleted":            {[]change{adopted("m-1"), deleting}, gone, "kept"},
		"adopted, Delete":             {[]change{adopted("m-1"), deleting, drop, hand("Available")}, outcome{verb: deleteImage, image: "m-1"}, ""},
		"adopted, Delete, outranked":  {[]change{adopted("m-1"), deleting, drop, hand("Available"), claimedBy("m-1")}, gone, "belongs to ImageImport other"},
		"adopted, Delete, gone":       {[]change{adopted("m-1"), deleting, drop, saw()}, gone, ""},
		"never adopted, deleted":      {[]change{imageID("m-1"), deleting}, gone, ""},
		"record lost, Delete":         {[]change{imageID("m-1"), deleting, drop}, gone, "not deleted"},
	})
}

func TestDecideForeign(t *testing.T) {
	t.Parallel()
	theirs := named("ubuntu-golden-foreign", image("m-9", "Available"))
	young := func(s *state) { foreign(s); s.foreign.SignedAt = seconds(testNow.Add(-time.Minute)) }
	observed := func(s *state) {
		s.obj.Status.Ownership, s.obj.Status.ImageID = v1alpha1.OwnershipObserved, "m-9"
	}
	taken := newState().base().adopting("m-9", testNow, importHash(&newObject().Spec))
	runDecisions(t, map[string]decision{
		"not looked":                 {[]change{foreign}, outcome{verb: look}, ""},
		"left without an object":     {[]change{foreign, saw(theirs)}, rests(moodReady, v1alpha1.ReasonAvailable, drift), v1alpha1.AdoptAnnotation},
		"its object lives":           {[]change{foreign, saw(theirs), claimedBy("m-9", importer), ownerLives}, starts(first(0)), ""},
		"its object imports":         {[]change{young, saw(), ownerLives}, starts(first(0)), ""},
		"another adopted it":         {[]change{foreign, saw(theirs), claimedBy("m-9")}, rests(moodStalled, v1alpha1.ReasonImageClaimed, drift).editable(), "ImageImport other"},
		"a younger one adopts it":    {[]change{foreign, saw(theirs), claimedBy("m-9", younger)}, rests(moodReady, v1alpha1.ReasonAvailable, drift), v1alpha1.AdoptAnnotation},
		"own image, no record":       {[]change{foreign, told("m-1"), saw(theirs)}, rests(moodStalled, v1alpha1.ReasonOwnershipUnknown, drift), "was imported for this object"},
		"restored with its status":   {[]change{foreign, told("m-9"), saw(theirs)}, rests(moodReady, v1alpha1.ReasonAvailable, drift), ""},
		"another account":            {[]change{foreign, foreignKey("one"), presentKey("two"), saw()}, rests(moodStalled, v1alpha1.ReasonCredentialsChanged, drift), ""},
		"to be adopted":              {[]change{foreign, adoptAnnotated("m-9"), saw(theirs)}, writes(taken), ""},
		"another is to be adopted":   {[]change{foreign, adoptAnnotated("m-8"), saw(theirs)}, rests(moodStalled, v1alpha1.ReasonImageNotFound, drift), "no image m-8"},
		"nothing there":              {[]change{foreign, saw()}, starts(first(0)), ""},
		"nothing there yet":          {[]change{young, saw()}, outcome{mood: moodReconciling, reason: v1alpha1.ReasonImportUnconfirmed, wait: 15 * time.Second, retry: retryPolling, keepsError: true}, ""},
		"recorded and not listed":    {[]change{young, func(s *state) { s.foreign.ImageID = "m-9" }, saw()}, outcome{mood: moodReconciling, reason: v1alpha1.ReasonImportUnconfirmed, wait: 15 * time.Second, retry: retryPolling, keepsError: true}, ""},
		"nothing there any more":     {[]change{foreign, observed, saw()}, rests(moodStalled, v1alpha1.ReasonImageVanished, drift).editable(), ""},
		"given up":                   {[]change{foreign, observed, saw(), requested, reported(v1alpha1.ReasonImageVanished)}, starts(first(0)), ""},
		"an own image as well":       {[]change{foreign, saw(theirs, image("m-1", "Available"))}, writes(first(0)), ""},
		"an own attempt is open":     {[]change{foreign, told(""), startedAt(time.Minute), saw()}, outcome{mood: moodReconciling, reason: v1alpha1.ReasonImportUnconfirmed, wait: 15 * time.Second, retry: retryPolling, keepsError: true}, ""},
		"an own image has no record": {[]change{foreign, told("m-1"), saw()}, rests(moodStalled, v1alpha1.ReasonOwnershipUnknown, drift), ""},
		"the spec names an image":    {[]change{foreign, imageID("m-1"), hand("Available")}, writes(newState(imageID("m-1")).base().adopting("m-1", testNow, newState(adopted("m-1")).intent.Hash)), ""},
	})
}

func ownerLives(s *state) { s.seen.ownerLives = true }

func foreignKey(key string) change { return func(s *state) { s.foreign.Key = key } }

func TestDecideLookalike(t *testing.T) {
	t.Parallel()
	same := named("ubuntu-golden", image("m-5", "Available"))
	old := open(40 * time.Minute)
	unclear := rests(moodStalled, v1alpha1.ReasonOwnershipUnknown, drift)
	in := newIntent(40 * time.Minute)
	hash := importHash(&newObject().Spec)
	runDecisions(t, map[string]decision{
		"in the way":                {[]change{old, saw(), lookalike(same)}, unclear, "image m-5 is named ubuntu-golden"},
		"in the way, once told":     {[]change{old, told("m-5"), saw(), lookalike(same)}, unclear, "image m-5 is named ubuntu-golden"},
		"once told, to be adopted":  {[]change{old, told("m-5"), saw(), lookalike(same), adoptAnnotated("m-5")}, writes(in.adopting("m-5", testNow, hash)), ""},
		"once told, not wanted":     {[]change{old, told("m-5"), saw(), lookalike(same), requested, reported(v1alpha1.ReasonOwnershipUnknown)}, starts(in.anew(testNow, hash)), ""},
		"in the way of a first":     {[]change{saw(), lookalike(same)}, unclear, ""},
		"claimed":                   {[]change{old, saw(), lookalike(same), claimedBy("m-5")}, starts(in.again(testNow, hash)), ""},
		"not wanted":                {[]change{old, told(""), saw(), lookalike(same), requested, reported(v1alpha1.ReasonOwnershipUnknown)}, starts(in.again(testNow, hash)), ""},
		"requested before":          {[]change{old, saw(), lookalike(same), requested, reported(v1alpha1.ReasonImportUnconfirmed)}, unclear, ""},
		"to be adopted":             {[]change{old, saw(), lookalike(same), adoptAnnotated("m-5")}, writes(in.adopting("m-5", testNow, hash)), ""},
		"new, to be adopted":        {[]change{fresh, adoptAnnotated("m-5")}, outcome{verb: look}, ""},
		"new, adopts":               {[]change{fresh, saw(), lookalike(same), adoptAnnotated("m-5")}, writes(newState().base().adopting("m-5", testNow, hash)), ""},
		"new, adopts what is not":   {[]change{fresh, saw(), adoptAnnotated("m-5")}, rests(moodStalled, v1alpha1.ReasonImageNotFound, drift), "correct the annotation " + v1alpha1.AdoptAnnotation},
		"adopts what is another's":  {[]change{saw(), lookalike(same), adoptAnnotated("m-5"), claimedBy("m-5")}, rests(moodStalled, v1alpha1.ReasonImageClaimed, drift).editable(), ""},
		"accepted, then set back":   {[]change{old, told("m-5"), saw(), lookalike(same)}, unclear, ""},
		"set back, to be adopted":   {[]change{old, told("m-5"), saw(), lookalike(same), adoptAnnotated("m-5")}, writes(in.adopting("m-5", testNow, hash)), ""},
		"accepted, adopts nothing":  {[]change{old, told("m-5"), saw(), adoptAnnotated("m-7")}, rests(moodStalled, v1alpha1.ReasonImageNotFound, drift), "no image m-7"},
		"accepted, not wanted":      {[]change{old, told("m-5"), saw(), lookalike(same), requested, reported(v1alpha1.ReasonOwnershipUnknown)}, starts(in.anew(testNow, hash)), ""},
		"the attempt may still run": {[]change{open(time.Minute), saw(), lookalike(same)}, outcome{mood: moodReconciling, reason: v1alpha1.ReasonImportUnconfirmed, wait: 15 * time.Second, retry: retryPolling, keepsError: true}, ""},
	})
}

func TestDecideWithAnotherKey(t *testing.T) {
	t.Parallel()
	other := func(changes ...change) []change {
		return append(changes, usedKey("one"), presentKey("two"))
	}
	changed := rests(moodStalled, v1alpha1.ReasonCredentialsChanged, drift)
	final := named("ubuntu-golden", image("m-1", "Available"))
	gaveUp := []change{told("m-1"), requested, reported(v1alpha1.ReasonCredentialsChanged)}
	hash := importHash(&newObject().Spec)
	owned := newIntent(3 * time.Hour).withImage("m-1")
	failing := newState(failedAs("Pack_failed", time.Minute)).intent
	runDecisions(t, map[string]decision{
		"seen while importing":    {other(open(time.Minute), saw(image("m-1", "Creating"))), writes(newIntent(time.Minute).withKey("two")), ""},
		"seen":                    {other(owns("m-1"), saw(final)), writes(owned.withKey("two")), ""},
		"vanished":                {other(owns("m-1"), saw()), changed, "another key was used before"},
		"vanished, given up":      {other(append(gaveUp, owns("m-1"), saw())...), starts(owned.anew(testNow, hash).withKey("two")), ""},
		"unseen":                  {other(open(40*time.Minute), saw()), changed, ""},
		"unseen, given up":        {other(append(gaveUp, told(""), open(40*time.Minute), saw())...), starts(newIntent(40*time.Minute).again(testNow, hash).withKey("two")), ""},
		"failed, unseen":          {other(failedAs("Pack_failed", time.Minute), saw()), changed, ""},
		"failed, given up":        {other(append(gaveUp, failedAs("Pack_failed", time.Minute), saw())...), starts(failing.anew(testNow, hash).withKey("two")), ""},
		"deleting, unseen":        {other(deleting, owns("m-1"), saw()), changed, "Retain"},
		"deleting, open, unseen":  {other(deleting, open(40*time.Minute), saw()), changed, "Retain"},
		"deleting, seen":          {other(deleting, owns("m-1"), saw(final)), outcome{verb: deleteImage, image: "m-1"}, ""},
		"no key recorded":         {[]change{owns("m-1"), presentKey("two"), saw()}, rests(moodStalled, v1alpha1.ReasonImageVanished, drift).editable(), ""},
		"temporary key in use":    {[]change{owns("m-1"), usedKey("one"), saw()}, rests(moodStalled, v1alpha1.ReasonImageVanished, drift).editable(), ""},
		"recorded with the image": {[]change{open(time.Minute), presentKey("two"), saw(image("m-1", "Available"))}, writes(newIntent(time.Minute).withImage("m-1").withKey("two")), ""},
		"recorded at the start":   {[]change{fresh, presentKey("two")}, starts(first(0).withKey("two")), ""},
	})
}

// Before anything is done in the cloud, or recorded for it, there must be credentials.
func TestDecideConnect(t *testing.T) {
	t.Parallel()
	without := func(s *state) { s.account = nil }
	denied := func(s *state) {
		without(s)
		s.denied = &credentialsError{reason: v1alpha1.ReasonSecretNotFound, message: "no Secret", hint: "create it"}
	}
	abandoned := func(s *state) { denied(s); s.abandoned = true }
	missing := rests(moodStalled, v1alpha1.ReasonSecretNotFound, 30*time.Second).failing(v1alpha1.ReasonSecretNotFound)
	runDecisions(t, map[string]decision{
		"new":                   {[]change{fresh, without}, outcome{verb: connect}, ""},
		"open":                  {[]change{open(time.Hour), without}, outcome{verb: connect}, ""},
		"owned":                 {[]change{owns("m-1"), without}, outcome{verb: connect}, ""},
		"deleting":              {[]change{owns("m-1"), deleting, without}, outcome{verb: connect}, ""},
		"Retain":                {[]change{owns("m-1"), deleting, retain, without}, outcome{verb: removeFinalizer}, ""},
		"suspended":             {[]change{fresh, isSuspended, without}, rests(moodIdle, v1alpha1.ReasonSuspended, 0).editable(), ""},
		"denied":                {[]change{fresh, denied}, missing, "no Secret"},
		"denied while deleting": {[]change{owns("m-1"), deleting, denied}, missing, "set spec.deletionPolicy to Retain"},
		"abandoned":             {[]change{owns("m-1"), deleting, abandoned}, outcome{verb: removeFinalizer}, "left behind"},
	})
}

func TestClaimOrder(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	base := claim{created: testNow, uid: "b"}
	for _, better := range []claim{
		{created: testNow.Add(time.Hour), uid: "c", imported: true},
		{created: testNow.Add(-time.Second), uid: "c"},
		{created: testNow, uid: "a"},
	} {
		g.Expect(compareClaims(better, base)).To(BeNumerically("<", 0))
		g.Expect(compareClaims(base, better)).To(BeNumerically(">", 0))
	}
	g.Expect(compareClaims(base, base)).To(BeZero())
}
