// SPDX-License-Identifier: Apache-2.0

package imagewatch

import (
	"slices"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/ens-image-operator/ens-image-operator/internal/ens"
)

// That there is no image is said after two complete looks of different kind, and by nothing less.
func TestAbsenceTakesTwoLooks(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		hidden, lost bool
		absent       bool
	}{
		"listed and found": {false, false, false},
		"only found":       {true, false, false},
		"only listed":      {false, true, false},
		"neither":          {true, true, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			// A few are looked for one by one, and many by a listing first.
			for _, objects := range []int{3, 20} {
				watching(t, func(a *account) {
					for i := range objects {
						a.owning(i)
					}
					if c.hidden {
						a.hidden.Insert(id(1))
					}
					if c.lost {
						a.lost.Insert(id(1))
					}
					a.pass(21 * time.Minute)
					a.Expect(a.woken).To(HaveLen(map[bool]int{true: 1, false: 0}[c.absent]))
					sight, err := a.looks(1, Subject{ID: id(1)})
					a.Expect(err).NotTo(HaveOccurred())
					a.Expect(sight.Images).To(HaveLen(map[bool]int{true: 0, false: 1}[c.absent]))
				})
			}
		})
	}
}

// An import whose image was never seen is no absence to anybody who has not asked.
func TestNotSeenYet(t *testing.T) {
	t.Parallel()
	watching(t, func(a *account) {
		a.follows(1, time.Now())
		a.pass(10 * time.Minute)
		a.Expect(a.woken).To(BeEmpty())
		a.Expect(a.looks(1, Subject{Suffixes: []string{suffix(1)}})).To(BeNil())
		a.pass(time.Second)
		sight, err := a.looks(1, Subject{Suffixes: []string{suffix(1)}})
		a.Expect(err).NotTo(HaveOccurred())
		a.Expect(sight.Images).To(BeEmpty())
	})
}

// The image of an import is found although no search finds it: by the listing. Searches for the marker are then given up.
func TestBlindSearch(t *testing.T) {
	t.Parallel()
	watching(t, func(a *account) {
		a.blind = true
		for i := range 500 {
			a.owning(1000 + i)
		}
		a.pass(11 * time.Minute) // the account's size is known
		a.importing(1)
		a.Expect(a.looks(1, Subject{Suffixes: []string{suffix(1)}})).To(BeNil())
		a.pass(2 * time.Second)
		sight, err := a.looks(1, Subject{Suffixes: []string{suffix(1)}})
		a.Expect(err).NotTo(HaveOccurred())
		a.Expect(sight.Images).To(HaveLen(1))
		a.watch.mu.Lock()
		defer a.watch.mu.Unlock()
		a.Expect(a.watch.blind).To(BeTemporally(">", time.Now()))
	})
}

// An account that is wiped costs two listings, however many images it had.
func TestWipedAccount(t *testing.T) {
	t.Parallel()
	watching(t, func(a *account) {
		for i := range 1000 {
			a.owning(i)
		}
		a.pass(time.Minute)
		a.images = nil
		a.Expect(a.counted(10 * time.Minute)).To(Equal(2))
		a.Expect(a.woken).To(HaveLen(1000))
	})
}

// A look that fails half way says nothing.
func TestFailedLookSaysNothing(t *testing.T) {
	t.Parallel()
	watching(t, func(a *account) {
		for i := range 60 {
			a.owning(i)
		}
		a.images = a.images[:1]
		a.err = refusal(ens.ClassUnavailable, "ServiceUnavailable")
		a.pass(30 * time.Minute)
		a.Expect(a.woken).To(BeEmpty())
		sight, err := a.looks(59, Subject{ID: id(59)})
		a.Expect(err).NotTo(HaveOccurred())
		a.Expect(sight).To(BeNil())
	})
}

// A listing that changes while it is read shows what is there, and proves nothing of what it does not show.
func TestChangingListing(t *testing.T) {
	t.Parallel()
	watching(t, func(a *account) {
		for i := range 300 {
			a.importing(i)
		}
		a.follows(300, time.Now())
		a.pass(time.Minute)
		a.changing = true
		a.set(7, ens.StatusAvailable)
		clear(a.woken)
		a.pass(11 * time.Second)
		a.Expect(a.woken).To(HaveLen(1))
		a.Expect(a.looks(300, Subject{Suffixes: []string{suffix(300)}})).To(BeNil())
		a.Expect(a.counted(time.Hour)).To(BeNumerically("<", 60*6*6+20*6*6), "looks at imports, and ever fewer listings")
		_, err := a.looks(300, Subject{Suffixes: []string{suffix(300)}})
		a.Expect(err).To(MatchError(refusal(ens.ClassUnavailable, ens.CodeListingChanged)), "nothing is certain")
		a.Expect(a.woken).To(HaveKeyWithValue(object(300), 1), "who waits is told once")
		a.watch.Follow(object(300), secret, "2", Subject{Suffixes: []string{suffix(300)}}, nil, Pace{Every: 10 * time.Second})
		a.changing = false
		a.pass(6 * time.Minute)
		a.Expect(a.woken).To(HaveKeyWithValue(object(300), 2), "and when it is over")
		sight, err := a.watch.Look(object(300), secret, "2", Subject{Suffixes: []string{suffix(300)}}, time.Time{})
		a.Expect(err).NotTo(HaveOccurred())
		a.Expect(sight.Images).To(BeEmpty())
	})
}

// Who is looked for by more than one name is absent when two listings have missed it.
func TestAbsenceOfSeveral(t *testing.T) {
	t.Parallel()
	for missed, want := range map[int]int{1: 1, 2: 0} {
		watching(t, func(a *account) {
			a.images = []ens.Image{{ID: id(1), Name: "golden" + suffix(1)}}
			a.missing = missed
			subject := Subject{Suffixes: []string{suffix(1), suffix(2)}}
			a.Expect(a.looks(1, subject)).To(BeNil())
			a.pass(time.Second)
			sight, err := a.looks(1, subject)
			a.Expect(err).NotTo(HaveOccurred())
			a.Expect(sight.Images).To(HaveLen(want))
		})
	}
}

// Of two images of one object one goes: the search that does not show it any more is believed.
func TestGhosts(t *testing.T) {
	t.Parallel()
	watching(t, func(a *account) {
		for i := range 500 {
			a.owning(1000 + i)
		}
		a.pass(11 * time.Minute)
		a.importing(1)
		a.images = append(a.images, ens.Image{ID: id(2), Name: "golden" + suffix(1), Status: "Creating"})
		a.pass(20 * time.Second)
		subject := Subject{Suffixes: []string{suffix(1)}}
		sight, err := a.looks(1, subject)
		a.Expect(err).NotTo(HaveOccurred())
		a.Expect(sight.Images).To(HaveLen(2))
		a.watch.Follow(object(1), secret, "1", subject, sight, Pace{Every: 10 * time.Second})
		a.images = slices.DeleteFunc(a.images, func(image ens.Image) bool { return image.ID == id(1) })
		clear(a.woken)
		a.pass(11 * time.Second)
		a.Expect(a.woken).To(HaveLen(1))
		sight, err = a.looks(1, subject)
		a.Expect(err).NotTo(HaveOccurred())
		a.Expect(sight.Images).To(ConsistOf(HaveField("ID", id(2))))
	})
}

// Images that are named otherwise are told of where there is no other.
func TestOthers(t *testing.T) {
	t.Parallel()
	watching(t, func(a *account) {
		a.images = []ens.Image{{ID: "m-1", Name: "wanted"}, {ID: "m-2", Name: "another"}, {ID: "m-3", Name: "third"}}
		subject := Subject{Suffixes: []string{suffix(1), suffix(2)}, Name: "wanted", Others: []string{"m-3", "m-4"}}
		a.Expect(a.looks(1, subject)).To(BeNil())
		a.pass(time.Second)
		sight, err := a.looks(1, subject)
		a.Expect(err).NotTo(HaveOccurred())
		a.Expect(sight.Images).To(BeEmpty())
		a.Expect(sight.Others).To(ConsistOf(HaveField("ID", "m-1"), HaveField("ID", "m-3")))

		a.watch.Follow(object(1), secret, "1", subject, sight, Pace{Every: 10 * time.Minute, AtRest: true})
		a.images = a.images[1:]
		clear(a.woken)
		a.pass(11 * time.Minute)
		a.Expect(a.woken).To(HaveLen(1), "one of them is gone")
	})
}

// Ends of names without the marker, as those of another cluster, are found as well.
func TestForeignEnds(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	l := NewListing(marker, []ens.Image{{ID: "m-1", Name: "a-foreign-1"}, {ID: "m-2", Name: "b-foreign-1x"}, {ID: "m-3", Name: "c" + suffix(3)}}, time.Time{})
	images, _ := l.Find(Subject{Suffixes: []string{"-foreign-1", suffix(3)}})
	g.Expect(images).To(ConsistOf(HaveField("ID", "m-1"), HaveField("ID", "m-3")))
	l.put(ens.Image{ID: "m-3", Name: "renamed"}, time.Time{})
	images, others := l.Find(Subject{Suffixes: []string{suffix(3)}, Name: "renamed"})
	g.Expect(images).To(BeEmpty())
	g.Expect(others).To(HaveLen(1))
}
