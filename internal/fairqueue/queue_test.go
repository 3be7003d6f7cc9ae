// SPDX-License-Identifier: Apache-2.0

package fairqueue

import (
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	. "github.com/onsi/gomega"
	"golang.org/x/time/rate"
	"k8s.io/apimachinery/pkg/types"
)

const bounded = "Import"

// place is a queue in virtual time, and whom it wakes.
type place struct {
	*WithT
	queue *Queue

	mu    sync.Mutex
	woken []types.NamespacedName
}

// queueing runs a story with a queue that gives so many turns per second, and has so many under way.
func queueing(t *testing.T, perSecond float64, most int, story func(*place)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		limiter := rate.NewLimiter(rate.Limit(perSecond), 1)
		p := &place{WithT: NewWithT(t)}
		p.queue = New(Options{
			Take: func(string) time.Duration {
				now := time.Now()
				reservation := limiter.ReserveN(now, 1)
				wait := reservation.DelayFrom(now)
				if wait > 0 {
					reservation.CancelAt(now)
				}
				return wait
			},
			Wake: p.wake, Bounded: bounded, Most: most,
		})
		story(p)
	})
}

func (p *place) wake(object types.NamespacedName, _ bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.woken = append(p.woken, object)
}

// news are the objects that were woken since the last time.
func (p *place) news() []types.NamespacedName {
	p.mu.Lock()
	defer p.mu.Unlock()
	woken := p.woken
	p.woken = nil
	return woken
}

func of(namespace string, i int) types.NamespacedName {
	return types.NamespacedName{Namespace: namespace, Name: fmt.Sprint(i)}
}

func (p *place) pass(d time.Duration) {
	time.Sleep(d) //nolint:forbidigo // virtual time
	synctest.Wait()
}

// turns lets all that were woken take their turn, and returns whose it was.
func (p *place) turns() (taken []types.NamespacedName) {
	for _, object := range p.news() {
		if _, now := p.queue.Turn(object, bounded); now {
			taken = append(taken, object)
		}
	}
	return taken
}

// The single object of one namespace does not wait for the thousand of another.
func TestNamespacesTakeTurns(t *testing.T) {
	t.Parallel()
	queueing(t, 10, 0, func(p *place) {
		for i := range 1000 {
			p.queue.Turn(of("many", i), bounded)
		}
		ahead, now := p.queue.Turn(of("few", 0), bounded)
		p.Expect(now).To(BeFalse())
		p.Expect(ahead).To(BeNumerically("<=", 1))
		ahead, _ = p.queue.Turn(of("few", 1), bounded)
		p.Expect(ahead).To(BeNumerically("~", 2, 1))
		p.pass(450 * time.Millisecond)
		taken := p.turns()
		p.Expect(taken).To(HaveLen(4))
		p.Expect(taken).To(ContainElements(of("few", 0), of("few", 1)))
	})
}

// As many as are allowed are under way; who is done makes room for the next.
func TestMostUnderWay(t *testing.T) {
	t.Parallel()
	queueing(t, 1e6, 3, func(p *place) {
		p.queue.Count(of("a", 100))
		begun := 0
		for i := range 10 {
			p.pass(time.Millisecond)
			if _, now := p.queue.Turn(of("a", i), bounded); now {
				begun++
			}
		}
		p.Expect(begun).To(Equal(2), "one is under way from before")
		p.Expect(p.news()).To(BeEmpty())
		p.queue.Settle(of("a", 100), "", false)
		p.pass(time.Millisecond)
		p.Expect(p.turns()).To(Equal([]types.NamespacedName{of("a", 2)}))
		p.queue.Settle(of("a", 2), "", true)
		p.queue.Settle(of("a", 2), "", true)
		p.pass(time.Second)
		p.Expect(p.turns()).To(BeEmpty())
		if _, now := p.queue.Turn(of("a", 11), "Another"); !now {
			t.Error("another action is not bounded")
		}
	})
}

// A turn that is not taken goes to the next.
func TestTurnsAreGivenUp(t *testing.T) {
	t.Parallel()
	queueing(t, 1e6, 1, func(p *place) {
		p.queue.Turn(of("a", 0), bounded)
		p.queue.Turn(of("a", 1), bounded)
		p.queue.Turn(of("a", 2), bounded)
		p.queue.Settle(of("a", 0), "", false)
		p.pass(time.Millisecond)
		p.Expect(p.news()).To(ConsistOf(of("a", 1)))
		p.queue.Settle(of("a", 1), "", false)
		p.pass(time.Millisecond)
		p.Expect(p.news()).To(ContainElement(of("a", 2)))
		p.queue.Settle(of("a", 2), "", false)
		p.Expect(p.queue.Idle()).To(BeTrue())
	})
}

// Who waits is told when half of those ahead are gone, and only a few are told at a time.
func TestNewsOfTheQueue(t *testing.T) {
	t.Parallel()
	queueing(t, 10, 0, func(p *place) {
		for i := range 200 {
			p.queue.Turn(of("a", i), bounded)
		}
		told := func() int { ahead, _ := p.queue.Turn(of("a", 199), bounded); return ahead }
		p.Expect(told()).To(Equal(198))
		p.pass(5 * time.Second)
		p.Expect(told()).To(Equal(198), "not worth a word")
		p.pass(6 * time.Second)
		p.Expect(told()).To(BeNumerically("<=", 99))
		p.news()
		p.pass(time.Second)
		p.Expect(len(p.news())).To(And(BeNumerically(">=", newsAtOnce), BeNumerically("<=", newsAtOnce+11)), "news for some, and turns for others")
	})
}

// Who is under way and asks again, because what was under way is over, does not wait for himself.
func TestAgain(t *testing.T) {
	t.Parallel()
	queueing(t, 1e6, 1, func(p *place) {
		p.queue.Count(of("a", 0))
		_, now := p.queue.Turn(of("a", 0), bounded)
		p.Expect(now).To(BeFalse())
		p.queue.Settle(of("a", 0), bounded, false)
		p.Expect(p.turns()).To(ConsistOf(of("a", 0)))
	})
}

// A turn that could not be used is kept; a place in another line is not.
func TestReturnedTurn(t *testing.T) {
	t.Parallel()
	queueing(t, 1e6, 1, func(p *place) {
		_, now := p.queue.Turn(of("a", 0), bounded)
		p.Expect(now).To(BeTrue())
		p.queue.Return(of("a", 0), bounded)
		p.queue.Turn(of("a", 1), bounded)
		_, now = p.queue.Turn(of("a", 0), bounded)
		p.Expect(now).To(BeTrue())
		p.queue.Return(of("a", 0), bounded)
		p.queue.Settle(of("a", 0), "Another", false)
		p.pass(time.Millisecond)
		p.Expect(p.news()).To(ConsistOf(of("a", 1)), "who waits for something else has given the turn up")
	})
}

// Who needs turns for two actions gets both, one after the other.
func TestTurnsForTwoActions(t *testing.T) {
	t.Parallel()
	queueing(t, 10, 0, func(p *place) {
		objects := []types.NamespacedName{of("a", 0), of("a", 1), of("a", 2)}
		done := 0
		for range 100 {
			for _, object := range objects {
				// Each time it begins with the first action, as a reconcile does.
				waitsFor := ""
				for _, action := range []string{"Read", "Write"} {
					if _, now := p.queue.Turn(object, action); !now {
						waitsFor = action
						break
					}
					if action == "Write" {
						done++
					}
				}
				p.queue.Settle(object, waitsFor, false)
			}
			p.pass(50 * time.Millisecond)
		}
		p.Expect(done).To(BeNumerically(">=", 12), "in 5 s there are 50 turns")
	})
}
