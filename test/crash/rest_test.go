// SPDX-License-Identifier: Apache-2.0

package crash

import (
	"fmt"
	"time"
)

// atRest is true when nothing is under way and the operator has not stirred for a while. A manager that was started last
// must have looked at the object first, when there is one.
func (r *run) atRest() bool {
	select {
	case <-r.managers[len(r.managers)-1].gate.killed:
		if r.restarts {
			return false
		}
	default:
		if !r.managers[len(r.managers)-1].reconciled() && r.read().Exists {
			return false
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.requests == 0 && time.Since(r.acted) > quiet
}

// touch says that the operator does something.
func (r *run) touch() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.acted = time.Now()
}

// busy says that something is under way until the function that it returns is called.
func (r *run) busy() func() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.requests++
	return func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.requests--
		r.acted = time.Now()
	}
}

// deliverLate lets a request arrive when it is released, or when it would expire otherwise.
func (r *run) deliverLate(deliver func()) {
	done := r.busy()
	r.underway.Go(func() {
		defer done()
		expires := time.NewTimer(lateBound)
		defer expires.Stop()
		select {
		case <-r.released:
		case <-expires.C:
		}
		deliver()
	})
}

func (r *run) release() { r.releasing.Do(func() { close(r.released) }) }

// note writes down what happened and when, for the report of a failure.
func (r *run) note(format string, values ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.trace = append(r.trace, fmt.Sprintf("%6d ms  ", time.Since(r.began).Milliseconds())+fmt.Sprintf(format, values...))
}
