// SPDX-License-Identifier: Apache-2.0

package imagewatch

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/types"

	"github.com/ens-image-operator/ens-image-operator/internal/ens"
)

// A long outage costs a bounded number of calls, however many objects wait, and each object that waits is told once.
func TestOutage(t *testing.T) {
	t.Parallel()
	watching(t, func(a *account) {
		for i := range 1000 {
			a.importing(i)
		}
		for i := range 1000 {
			a.owning(1000 + i)
		}
		a.pass(time.Minute)
		clear(a.woken)
		a.err = refusal(ens.ClassUnavailable, "ServiceUnavailable")
		before := a.calls
		a.pass(2 * time.Hour)
		a.Expect(a.calls - before).To(BeNumerically("<", 40*30))
		a.Expect(a.woken).To(HaveLen(1000), "who is at rest is left alone")
		a.Expect(a.woken).To(HaveKeyWithValue(object(1), 1))
		_, err := a.looks(1, Subject{Suffixes: []string{suffix(1)}})
		a.Expect(err).To(MatchError(a.err))

		a.err = nil
		a.pass(6 * time.Minute)
		a.Expect(a.woken).To(HaveKeyWithValue(object(1), 2), "and once when it is over")
	})
}

// A single failure is nobody's business.
func TestHiccup(t *testing.T) {
	t.Parallel()
	watching(t, func(a *account) {
		a.importing(1)
		a.pass(time.Minute)
		clear(a.woken)
		a.err = refusal(ens.ClassThrottled, "Throttling")
		for a.calls = 0; a.calls == 0; {
			a.pass(100 * time.Millisecond)
		}
		a.err = nil
		a.pass(time.Minute)
		a.Expect(a.woken).To(BeEmpty())
	})
}

// Refused credentials are not tried again for a while, and others at once. Everybody is told, also who is at rest.
func TestDenied(t *testing.T) {
	t.Parallel()
	watching(t, func(a *account) {
		a.importing(1)
		a.owning(2)
		a.pass(time.Minute)
		clear(a.woken)
		a.err = refusal(ens.ClassDenied, "InvalidAccessKeyId.NotFound")
		a.pass(time.Minute)
		a.Expect(a.woken).To(Equal(map[types.NamespacedName]int{object(1): 1, object(2): 1}))
		a.Expect(a.counted(time.Hour)).To(BeNumerically("<=", 7))
		_, err := a.looks(3, Subject{ID: id(3)})
		a.Expect(err).To(MatchError(a.err), "who comes later is told at once")
		a.err = nil
		a.versions[secret] = "2"
		a.pass(31 * time.Second)
		a.Expect(a.woken).To(Equal(map[types.NamespacedName]int{object(1): 2, object(2): 2, object(3): 1}))
	})
}

// What the cloud refuses to look for is told to the one that asks for it, and disturbs nobody else.
func TestRefusedSearch(t *testing.T) {
	t.Parallel()
	watching(t, func(a *account) {
		for i := range 3 {
			a.owning(i)
		}
		a.pass(time.Minute)
		a.refused = "nonsense"
		a.Expect(a.looks(7, Subject{ID: "nonsense"})).To(BeNil())
		a.pass(time.Second)
		_, err := a.looks(7, Subject{ID: "nonsense"})
		a.Expect(err).To(MatchError(ContainSubstring("InvalidParameter.ImageId")))
		a.watch.Follow(object(7), secret, "2", Subject{ID: "nonsense"}, nil, Pace{Every: 10 * time.Minute, AtRest: true})
		a.Expect(a.counted(time.Hour)).To(BeNumerically("<=", 24), "it is not asked for all the time")
		a.Expect(a.woken).To(Equal(map[types.NamespacedName]int{object(7): 1}))
		sight, err := a.looks(1, Subject{ID: id(1)})
		a.Expect(err).NotTo(HaveOccurred())
		a.Expect(sight.Images).To(HaveLen(1))
		a.Expect(a.looks(7, Subject{ID: id(2)})).To(BeNil(), "another ID is another question")
		a.pass(time.Second)
		sight, err = a.looks(7, Subject{ID: id(2)})
		a.Expect(err).NotTo(HaveOccurred())
		a.Expect(sight.Images).To(HaveLen(1))
	})
}

// The objects of a Secret that leads to another account now are woken; those of another Secret are looked after further.
func TestMovedSecret(t *testing.T) {
	t.Parallel()
	watching(t, func(a *account) {
		other := types.NamespacedName{Namespace: "other", Name: "credentials"}
		a.versions[other] = "1"
		a.importing(1)
		a.owning(2)
		known := &Sight{Images: a.images[1:], Begun: time.Now()}
		a.watch.Follow(object(2), other, "1", Subject{ID: id(2)}, known, Pace{Every: 10 * time.Minute, AtRest: true})
		a.pass(time.Minute)
		clear(a.woken)
		delete(a.versions, secret)
		a.pass(20 * time.Second)
		a.Expect(a.woken).To(HaveKey(object(1)))
		a.Expect(a.woken).NotTo(HaveKey(object(2)))
		a.watch.Forget(object(1))
		a.Expect(a.counted(time.Hour)).To(BeNumerically(">=", 5))

		delete(a.versions, other)
		clear(a.woken)
		a.Expect(a.counted(time.Hour)).To(BeNumerically("<=", 1))
		a.Expect(a.woken).To(HaveKey(object(2)))
	})
}
