// SPDX-License-Identifier: Apache-2.0

package crash

import (
	"errors"
	"fmt"
	"maps"
	"sync"
)

// moment is when a manager is killed, seen from a boundary.
type moment string

const (
	none moment = ""
	// before : the write never leaves.
	before moment = "before"
	// after : the write is committed, its answer is not delivered.
	after moment = "after"
	// late : the write is under way when the manager is killed, and arrives when the next one has looked around.
	late moment = "late"
)

// boundary is the ordinal-th write of a kind, and the moment around it.
type boundary struct {
	moment  moment
	kind    string
	ordinal int
}

func (b boundary) String() string { return fmt.Sprintf("%s-%s-%d", b.moment, b.kind, b.ordinal) }

var errKilled = errors.New("this manager was killed")

// gate is what everything that one manager sends goes through. From the kill on it lets nothing pass, neither requests
// nor answers: that is what a dead process looks like from outside.
type gate struct {
	kill boundary
	// killed is closed when the manager is dead and what it had under way has been decided.
	killed chan struct{}

	mu     sync.Mutex
	closed bool
	counts map[string]int
}

func newGate(kill boundary) *gate {
	return &gate{kill: kill, killed: make(chan struct{}), counts: map[string]int{}}
}

// enter counts a boundary. It returns the moment of the kill when it is to happen here, and an error when it has happened.
func (g *gate) enter(kind string) (moment, int, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return none, 0, errKilled
	}
	g.counts[kind]++
	if g.kill.kind != kind || g.kill.ordinal != g.counts[kind] {
		return none, g.counts[kind], nil
	}
	g.closed = true
	return g.kill.moment, g.counts[kind], nil
}

// shut closes the gate from outside.
func (g *gate) shut() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closed = true
}

func (g *gate) isClosed() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.closed
}

// reached returns how often each kind of boundary was reached.
func (g *gate) reached() map[string]int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return maps.Clone(g.counts)
}
