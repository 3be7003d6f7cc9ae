// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ens-image-operator/ens-image-operator/api/v1alpha1"
)

// shown is the part of the status that speaks of the image.
type shown struct {
	id, name, status string
	ownership        v1alpha1.Ownership
	size             int64
	created          bool
	request          string
}

func shownIn(obj *v1alpha1.ImageImport) shown {
	s := obj.Status
	return shown{s.ImageID, s.ImageName, s.ImageStatus, s.Ownership, s.SizeGiB, s.CreationTime != nil, s.RequestID}
}

func TestImageInStatus(t *testing.T) {
	t.Parallel()
	before := func(s *state) {
		at := metav1.NewTime(testNow)
		s.obj.Status.Attempts, s.obj.Status.RequestID = 1, "R-0"
		s.obj.Status.ImageID, s.obj.Status.ImageName, s.obj.Status.ImageStatus = "m-0", "old", "Available"
		s.obj.Status.Ownership, s.obj.Status.SizeGiB = v1alpha1.OwnershipImported, 7
		s.obj.Status.CreationTime, s.obj.Status.CompletionTime = &at, &at
	}
	second := record(newIntent(time.Minute).again(testNow, newIntent(0).Hash))
	nameless := image("m-1", "Creating")
	nameless.SizeGiB, nameless.CreationTime = 0, time.Time{}
	const imported = v1alpha1.OwnershipImported
	known := shown{"m-0", "old", "Available", imported, 7, true, "R-0"}
	for name, c := range map[string]struct {
		given []change
		want  shown
	}{
		"accepted":                {[]change{before, open(0), answered(nil)}, shown{"m-1", "", "", imported, 0, false, "R-1"}},
		"seen":                    {[]change{before, open(0), saw(image("m-1", "Packing"))}, shown{"m-1", "ubuntu-golden" + testSuffix, "Packing", imported, 20, true, "R-0"}},
		"seen, little told":       {[]change{before, open(0), saw(nameless)}, shown{"m-1", "ubuntu-golden" + testSuffix, "Creating", imported, 0, false, "R-0"}},
		"accepted, unseen":        {[]change{before, open(0), saw()}, known},
		"vanished while open":     {[]change{before, open(time.Hour), saw()}, known},
		"owned and vanished":      {[]change{before, owns("m-0"), saw()}, shown{id: "m-0", name: "old", ownership: "Imported", size: 7, created: true, request: "R-0"}},
		"failed and removed":      {[]change{failedAs("Pack_failed", time.Minute), before, saw()}, shown{request: "R-0"}},
		"takes over what is not":  {[]change{before, open(time.Hour), adoptAnnotated("m-7"), saw()}, known},
		"lost":                    {[]change{before, saw()}, known},
		"next attempt, no answer": {[]change{before, second, answered(errLost)}, shown{}},
		"next attempt, seen":      {[]change{before, second, saw(image("m-1", "Creating"))}, shown{"m-1", "ubuntu-golden" + testSuffix, "Creating", imported, 20, true, ""}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newState(c.given...)
			apply(s)
			NewWithT(t).Expect(shownIn(s.obj)).To(Equal(c.want))
		})
	}
}

// The image of the last attempt says nothing of this one: taken for an answer it would shorten the wait for a request
// that may still be on its way, and the next request would make a second image.
func TestAnOldImageIsNoAnswer(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	s := newState(open(time.Hour), told("m-1"), saw(), requested, reported(v1alpha1.ReasonImageVanished))
	e := decide(s)
	g.Expect(e.starts).To(BeTrue(), "the image vanished, and a new one was asked for")
	s = newStateOf(s, record(e.intent), answered(errLost))
	g.Expect(s.accepted()).To(BeFalse())
	apply(s)
	g.Expect(s.accepted()).To(BeFalse())
	s = newStateOf(s, saw())
	s.now = testNow.Add(2 * s.timing.ListingLag)
	g.Expect(outcomeOf(decide(s)).reason).To(Equal(v1alpha1.ReasonImportUnconfirmed))
}

// startTime freezes the fields that define the import. An error before anything is known must not move it.
func TestStartTime(t *testing.T) {
	t.Parallel()
	signed := newIntent(time.Minute).SignedAt
	frozen, free := &signed, (*metav1.Time)(nil)
	has := func(at *metav1.Time) change {
		return func(s *state) { s.obj.Status.Attempts, s.obj.Status.StartTime = 1, at }
	}
	owned := record(newIntent(time.Minute).withImage("m-1"))
	closed := record(newIntent(time.Minute).failed("Pack_failed", testNow))
	for name, c := range map[string]struct {
		given []change
		fails bool
		want  *metav1.Time
	}{
		"accepted":                      {[]change{open(time.Minute), answered(nil)}, false, frozen},
		"running":                       {[]change{open(time.Minute), saw(image("m-1", "Creating"))}, false, frozen},
		"unconfirmed":                   {[]change{open(time.Minute), answered(errLost)}, false, frozen},
		"no answer, no look":            {[]change{open(time.Minute)}, true, frozen},
		"running, look fails":           {[]change{open(time.Minute), has(frozen)}, true, frozen},
		"refused":                       {[]change{refused, has(frozen), answered(errRefused)}, false, free},
		"refused, then the key is lost": {[]change{refused, has(free)}, true, free},
		"failed, still there":           {[]change{closed, has(frozen), saw(image("m-1", "Pack_failed")), asked("m-1")}, false, frozen},
		"failed, deletion fails":        {[]change{closed, has(frozen), saw(image("m-1", "Pack_failed"))}, true, frozen},
		"failed and removed":            {[]change{closed, has(frozen), saw()}, false, free},
		"failed, then a look fails":     {[]change{closed, has(free)}, true, free},
		"owned":                         {[]change{owned, has(frozen), saw(named("ubuntu-golden", image("m-1", "Available")))}, false, frozen},
		"owned, rename fails":           {[]change{owned, has(frozen), saw(image("m-1", "Available"))}, true, frozen},
		"vanished":                      {[]change{owns("m-1"), has(frozen), saw()}, false, free},
		"vanished, then a look fails":   {[]change{owned, has(free)}, true, free},
		"found again":                   {[]change{owned, has(free), saw(named("ubuntu-golden", image("m-1", "Available")))}, false, frozen},
		"fields changed":                {[]change{open(time.Minute), has(frozen), otherSource, saw(image("m-1", "Creating"))}, false, free},
		"lost":                          {[]change{has(frozen), isSuspended}, false, frozen},
		"lost, look fails":              {[]change{has(frozen)}, true, frozen},
		"lost, never started":           {[]change{isSuspended}, false, free},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			s := newState(c.given...)
			e := decide(s)
			if c.fails {
				e = s.rest(s.failing(throttled("Throttling")))
			}
			g.Expect(e.verb).To(Equal(rest))
			e.report.apply(s.obj, s.now, s.timing)
			g.Expect(s.obj.Status.StartTime).To(Equal(c.want))
		})
	}
}
