// SPDX-License-Identifier: Apache-2.0

package enssim

import (
	"net/http"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Options of a Simulator.
type Options struct {
	// Now is the clock for statuses, lags, timestamps and nonces. Default time.Now.
	// Delays of faults always take real time.
	Now func() time.Time
	// Behaviour to start with and to return to on a reset. Default DefaultBehaviour().
	Behaviour *Behaviour
	// OnCall is told of every call after it went into the history. It runs
	// under the simulator's lock and must not call back. Optional.
	OnCall func(Call)
}

// Simulator is the simulated cloud. Its methods may be called concurrently.
type Simulator struct {
	now    func() time.Time
	onCall func(Call)
	admin  http.Handler

	mu        sync.Mutex
	initial   Seed
	behaviour Behaviour
	keys      map[string]AccessKey
	objects   map[objectID]Object
	images    map[string]*image
	// sorted are the images in the order of their creation; nil: to be sorted anew.
	sorted   []*image
	created  int
	listings int
	nonces   map[nonceID]time.Time
	limiters map[limiterID]*rate.Limiter
	faults   []*plannedFault
	history  []Call
	seq      int
	// epoch counts resets, so that a delivery delayed across one is dropped.
	epoch     int
	stateFile string
	stateErr  error
}

// New returns a simulator without access keys, objects and images.
func New(options Options) *Simulator {
	behaviour := DefaultBehaviour()
	if options.Behaviour != nil {
		behaviour = options.Behaviour.clone()
	}
	s := &Simulator{now: options.Now, onCall: options.OnCall, initial: Seed{Behaviour: &behaviour}}
	if s.now == nil {
		s.now = time.Now
	}
	s.admin = s.adminRoutes()
	s.restart()
	return s
}

// ServeHTTP answers the admin API under /-/ and the cloud's API elsewhere. A
// fault that drops the connection panics with http.ErrAbortHandler.
func (s *Simulator) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.HasPrefix(r.URL.Path, "/-/") {
		s.admin.ServeHTTP(w, r)
		return
	}
	s.serveCloud(w, r)
}

// Reset forgets images, history, faults, nonces and throttling, and returns
// to the seed: its behaviour, access keys, objects and images.
func (s *Simulator) Reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.restart()
	s.persist()
}

// SetBehaviour changes the behaviour for the calls that follow. It runs under
// the lock: change must not call the simulator.
func (s *Simulator) SetBehaviour(change func(*Behaviour)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(&s.behaviour)
	s.persist()
}

func (s *Simulator) restart() {
	s.epoch++
	s.seq = 0
	s.created = 0
	s.behaviour = s.initial.Behaviour.clone()
	s.keys = map[string]AccessKey{}
	s.objects = map[objectID]Object{}
	s.images, s.sorted = map[string]*image{}, nil
	s.nonces = map[nonceID]time.Time{}
	s.limiters = map[limiterID]*rate.Limiter{}
	s.faults, s.history = nil, nil
	s.plant(s.initial)
}
