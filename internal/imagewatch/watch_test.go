// SPDX-License-Identifier: Apache-2.0

package imagewatch

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/types"

	"github.com/ens-image-operator/ens-image-operator/internal/ens"
)

// The cost of watching grows with the pages, not with the objects.
func TestCostOfWatching(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ objects, others, perMinute int }{
		{1, 0, 6}, {50, 0, 6}, {100, 0, 12}, {1000, 0, 120}, {100, 10_000, 12}, {1, 10_000, 6},
	} {
		watching(t, func(a *account) {
			a.others(c.others)
			for i := range c.objects {
				a.importing(i)
			}
			a.pass(5 * time.Minute)
			a.Expect(a.counted(10*time.Minute)).To(BeNumerically("~", 10*c.perMinute, c.perMinute), "%+v", c)
		})
	}
}

// At rest nothing is asked but for drift, and nothing at all when nobody follows.
func TestCostAtRest(t *testing.T) {
	t.Parallel()
	watching(t, func(a *account) {
		for i := range 1000 {
			a.owning(i)
		}
		a.pass(time.Minute)
		a.Expect(a.counted(time.Hour)).To(Equal(6 * 20))
		a.Expect(a.woken).To(BeEmpty())
		for i := range 1000 {
			a.watch.Forget(object(i))
		}
		a.Expect(a.counted(24 * time.Hour)).To(BeZero())
		a.Expect(a.watch.Idle()).To(BeTrue())
	})
}

// Only the objects whose image has changed are woken, once for each change.
func TestChangesWake(t *testing.T) {
	t.Parallel()
	watching(t, func(a *account) {
		for i := range 100 {
			a.importing(i)
		}
		a.pass(time.Minute)
		clear(a.woken)
		a.set(7, ens.StatusAvailable)
		a.pass(11 * time.Second)
		a.Expect(a.woken).To(Equal(map[types.NamespacedName]int{object(7): 1}))
		sight, err := a.looks(7, Subject{Suffixes: []string{suffix(7)}})
		a.Expect(err).NotTo(HaveOccurred())
		a.Expect(sight.Images).To(ConsistOf(HaveField("Status", ens.StatusAvailable)))
		a.pass(time.Minute)
		a.Expect(a.woken).To(HaveLen(1))
	})
}

// What an object did itself comes back as an echo, and is no news for a while.
func TestEcho(t *testing.T) {
	t.Parallel()
	watching(t, func(a *account) {
		a.owning(1, func(p *Pace) { p.Every, p.Quiet = 10*time.Second, time.Now().Add(2*time.Minute) })
		a.set(1, "Echo")
		a.pass(110 * time.Second)
		a.Expect(a.woken).To(BeEmpty())
		a.pass(30 * time.Second)
		a.Expect(a.woken).To(HaveLen(1))
	})
}

// Who has not come yet for its news is not looked for for a while, and then is told what has changed since.
func TestUnreadNews(t *testing.T) {
	t.Parallel()
	watching(t, func(a *account) {
		a.hasUnreadNews(1)
		a.Expect(a.woken).To(HaveLen(1))
		a.set(1, "Failed")
		a.Expect(a.counted(40 * time.Second)).To(BeZero())
		a.Expect(a.counted(22*time.Second)).To(BeNumerically(">=", 1), "news cannot be lost")
		a.Expect(a.woken).To(HaveKeyWithValue(object(1), 2))
	})
}

// What a search for all imports misses is looked for by itself where that is cheaper than a full listing.
func TestSearchMissesAFew(t *testing.T) {
	t.Parallel()
	watching(t, func(a *account) {
		a.importingAmongOthers(100)
		a.pass(time.Minute)
		clear(a.woken)
		for shy, calls := range map[int]int{3: 2 + 3, 90: 1 + 62} {
			a.shy = shy
			a.Expect(a.counted(10 * time.Second)).To(Equal(calls))
			a.Expect(a.shy).To(BeZero())
		}
		a.Expect(a.woken).To(BeEmpty())
	})
}

// A search for all imports that finds nothing where the objects' own searches find something is not trusted for a while.
func TestBlindToTheMarker(t *testing.T) {
	t.Parallel()
	watching(t, func(a *account) {
		a.importingAmongOthers(10)
		a.pass(5 * time.Minute)
		a.Expect(a.watch.blind).To(BeZero())
		a.shy = 10
		a.pass(10 * time.Second)
		a.Expect(a.watch.blind).NotTo(BeZero())
		a.Expect(a.counted(time.Minute)).To(BeNumerically(">", 2*62), "the full listing instead")
		a.pass(blindness)
		a.Expect(a.counted(time.Minute)).To(BeNumerically("<", 10), "the search again")
	})
}

// An answer is from a look that began after the object asked, in this version of the object.
func TestLooksBeginAfterTheyWereAskedFor(t *testing.T) {
	t.Parallel()
	watching(t, func(a *account) {
		a.slow = 3 * time.Second
		a.owning(1)
		a.owning(2)
		subject := Subject{ID: id(1)}
		a.Expect(a.watch.Look(object(2), secret, "2", Subject{ID: id(2)}, time.Time{})).To(BeNil())
		a.pass(time.Second) // a look is under way
		a.Expect(a.watch.Look(object(1), secret, "2", subject, time.Time{})).To(BeNil())
		asked := time.Now()
		a.pass(2500 * time.Millisecond)
		a.Expect(a.woken).To(Equal(map[types.NamespacedName]int{object(2): 1}), "the look began too early for the other")
		a.pass(10 * time.Second)
		sight, err := a.watch.Look(object(1), secret, "2", subject, time.Time{})
		a.Expect(err).NotTo(HaveOccurred())
		a.Expect(sight.Begun).To(BeTemporally(">=", asked))

		// Each of these asks anew, from an answer that would do otherwise.
		answered := func(version string, subject Subject) {
			a.pass(10 * time.Second)
			a.Expect(a.watch.Look(object(1), secret, version, subject, time.Time{})).NotTo(BeNil())
		}
		a.Expect(a.watch.Look(object(1), secret, "2", subject, time.Now())).To(BeNil(), "an older look does not do")
		answered("2", subject)
		a.Expect(a.watch.Look(object(1), secret, "3", subject, time.Time{})).To(BeNil(), "nor one for another version")
		answered("3", subject)
		a.Expect(a.watch.Look(object(1), secret, "3", Subject{ID: id(2)}, time.Time{})).To(BeNil(), "nor one for another image")
		answered("3", Subject{ID: id(2)})
	})
}

// After a start, all objects ask at about the same time: one listing answers them all.
func TestStartCostsOneListing(t *testing.T) {
	t.Parallel()
	watching(t, func(a *account) {
		for i := range 10_000 {
			a.owning(i)
			a.watch.Forget(object(i))
		}
		for i := range 10_000 {
			a.Expect(a.looks(i, Subject{ID: id(i)})).To(BeNil())
			if i%100 == 0 {
				a.pass(5 * time.Millisecond)
			}
		}
		a.pass(time.Second)
		a.Expect(a.calls).To(Equal(200))
		a.Expect(a.woken).To(HaveLen(10_000))
	})
}

// Objects that keep asking do not hold up those that have asked.
func TestGatheringEnds(t *testing.T) {
	t.Parallel()
	watching(t, func(a *account) {
		for i := range 100 {
			_, _ = a.looks(i, Subject{ID: id(i)})
			a.pass(100 * time.Millisecond)
		}
		a.Expect(a.calls).To(BeNumerically(">=", 4))
		a.Expect(a.woken).To(HaveKey(object(0)))
	})
}

func TestInterval(t *testing.T) {
	t.Parallel()
	now := time.Now()
	for age, want := range map[time.Duration]time.Duration{
		0: time.Second, 8 * time.Second: 2 * time.Second, time.Minute: 10 * time.Second, 30 * time.Minute: 10 * time.Second,
		time.Hour: 20 * time.Second, 24 * time.Hour: time.Minute,
	} {
		NewWithT(t).Expect(Pace{Every: 10 * time.Second, Since: now.Add(-age)}.interval(now)).To(Equal(want), "%s", age)
	}
	NewWithT(t).Expect(Pace{Every: time.Hour}.interval(now)).To(Equal(time.Hour))
}

// What no listing shows is checked by a few objects after each look for drift, in turn.
func TestChecks(t *testing.T) {
	t.Parallel()
	watching(t, func(a *account) {
		for i := range 7 {
			a.owning(i, func(p *Pace) { p.Checks = i < 5 })
		}
		rounds := [][]int{{0, 1, 2}, {3, 4, 0}, {1, 2, 3}}
		for _, round := range rounds {
			clear(a.woken)
			a.pass(10*time.Minute + time.Second)
			a.Expect(a.woken).To(HaveLen(3))
			for _, i := range round {
				a.Expect(a.woken).To(HaveKey(object(i)))
				sight, err := a.looks(i, Subject{ID: id(i)})
				a.Expect(err).NotTo(HaveOccurred())
				a.Expect(sight.Check).To(BeTrue())
				a.watch.Follow(object(i), secret, "1", Subject{ID: id(i)}, sight, Pace{Every: 10 * time.Minute, AtRest: true, Checks: true})
			}
		}
	})
}
