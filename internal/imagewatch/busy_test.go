// SPDX-License-Identifier: Apache-2.0

package imagewatch

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/ens-image-operator/ens-image-operator/internal/ens"
)

// A search that has changed while it was read says nothing about what it lacks, and is repeated, ever more rarely.
func TestUnsureSearchIsRepeated(t *testing.T) {
	t.Parallel()
	watching(t, func(a *account) {
		a.images = []ens.Image{{ID: id(1), Name: "golden" + suffix(1)}}
		a.restless = 2 // that for the marker, and that for the object
		subject := Subject{Suffixes: []string{suffix(2)}}
		a.Expect(a.looks(2, subject)).To(BeNil())
		a.pass(time.Second)
		sight, err := a.looks(2, subject)
		a.Expect(err).NotTo(HaveOccurred())
		a.Expect(sight).NotTo(BeNil(), "another search in the same round has answered")
		a.Expect(sight.Images).To(BeEmpty())

		a.restless = 1000
		_, err = a.watch.Look(object(2), secret, "1", subject, time.Now())
		a.Expect(err).NotTo(HaveOccurred())
		a.Expect(a.counted(time.Minute)).To(BeNumerically("~", 15, 10))
		a.Expect(a.watch.Look(object(2), secret, "1", subject, time.Now())).To(BeNil())
	})
}

// A second listing that changes proves nothing.
func TestUnsureSecondListing(t *testing.T) {
	t.Parallel()
	watching(t, func(a *account) {
		a.changesAt = 2
		subject := Subject{Suffixes: []string{suffix(1), suffix(2)}}
		a.Expect(a.looks(1, subject)).To(BeNil())
		a.pass(time.Second)
		a.Expect(a.looks(1, subject)).To(BeNil())
		a.pass(5 * time.Second)
		a.Expect(a.looks(1, subject)).NotTo(BeNil())
	})
}

// Who is looked for by several names is told of an absence along with others, also when it is due itself.
func TestAbsenceOfSeveralIsTold(t *testing.T) {
	t.Parallel()
	watching(t, func(a *account) {
		subject := Subject{Suffixes: []string{suffix(1), suffix(2)}}
		a.watch.Follow(object(1), secret, "1", subject, nil, Pace{Every: 10 * time.Second})
		a.pass(11 * time.Second)
		a.Expect(a.woken).To(HaveKeyWithValue(object(1), 1))
	})
}

// One of two images that is gone is noticed by the look for the other.
func TestOneOfTwoIsGone(t *testing.T) {
	t.Parallel()
	watching(t, func(a *account) {
		a.importing(1)
		a.images = append(a.images, ens.Image{ID: id(2), Name: "silver" + suffix(1), Status: "Creating"})
		a.pass(time.Minute)
		clear(a.woken)
		a.images = a.images[:1]
		a.pass(11 * time.Second)
		a.Expect(a.woken).To(HaveKeyWithValue(object(1), 1))
		sight, err := a.looks(1, Subject{Suffixes: []string{suffix(1)}})
		a.Expect(err).NotTo(HaveOccurred())
		a.Expect(sight.Images).To(HaveLen(1))
	})
}

// Who is busy with its news, and has just given its image another name, is not told that there is none.
func TestBusyIsNotToldOfAnAbsence(t *testing.T) {
	t.Parallel()
	watching(t, func(a *account) {
		a.hasUnreadNews(1)
		a.images[0].Name = "golden"
		a.knowsThePages()
		a.Expect(a.woken).To(HaveKeyWithValue(object(1), 1))
	})
}

// A refusal is about what was asked for, and not about what the object asks for by now.
func TestRefusalOfWhatNobodyAsksForAnyMore(t *testing.T) {
	t.Parallel()
	watching(t, func(a *account) {
		a.slow, a.refused = 3*time.Second, id(1)
		a.Expect(a.looks(1, Subject{ID: id(1)})).To(BeNil())
		a.pass(time.Second) // the look is under way
		_, err := a.looks(1, Subject{ID: id(2)})
		a.Expect(err).NotTo(HaveOccurred())
		a.pass(2500 * time.Millisecond)
		_, err = a.looks(1, Subject{ID: id(2)})
		a.Expect(err).NotTo(HaveOccurred())
		a.slow = 0
		a.pass(10 * time.Second)
	})
}
