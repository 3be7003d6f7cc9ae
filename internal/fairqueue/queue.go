// SPDX-License-Identifier: Apache-2.0

// Package fairqueue lets the objects of an account wait for their turn to call the cloud, without a worker that waits with
// them: who cannot call now is woken when it can. Objects of different namespaces take turns, so that the thousand objects
// of one do not hold up the single one of another.
package fairqueue

import (
	"slices"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"
)

const (
	// newsInterval is how often waiting objects are told that they have moved up, newsAtOnce how many of them each time.
	newsInterval = time.Second
	newsAtOnce   = 20
)

// Options say how a Queue works. Take and Wake are required.
type Options struct {
	// Take takes the right to one call of an action and returns 0, or returns when to ask again.
	Take func(action string) time.Duration
	// Wake is called for an object whose turn has come (first is true: others wait until it has used it), or that has moved up a
	// good deal. It must not block.
	Wake func(object types.NamespacedName, first bool)
	// Bounded is the action of which at most Most may be under way at the same time. 0: any number.
	Bounded string
	Most    int
}

// Queue is where the objects of one account wait. It is safe for concurrent use.
type Queue struct {
	options Options

	mu       sync.Mutex
	lines    map[string]*line
	underWay sets.Set[types.NamespacedName]
}

// line is the waiting for one action.
type line struct {
	action string
	// waiting holds the objects of each namespace, in the order in which they came, and order the namespaces, that whose
	// turn is next first.
	waiting map[string][]types.NamespacedName
	order   []string
	// told is how many were ahead of a waiting object when it was last told.
	told map[types.NamespacedName]int
	// granted are the objects whose turn it is.
	granted     sets.Set[types.NamespacedName]
	timer, news *time.Timer
}

// New returns an empty queue.
func New(options Options) *Queue {
	return &Queue{options: options, lines: map[string]*line{}, underWay: sets.New[types.NamespacedName]()}
}

// Turn returns true when the object may make one call of the action now. Otherwise it is woken when it may, and ahead is
// about how many others are to come first.
func (q *Queue) Turn(object types.NamespacedName, action string) (ahead int, now bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	l := q.line(action)
	switch told, waits := l.told[object]; {
	case l.granted.Has(object):
		l.granted.Delete(object)
		return 0, true
	case waits:
		if ahead = l.ahead(object); ahead > told/2 {
			ahead = told
		}
		l.told[object] = ahead
		return ahead, false
	case len(l.order) == 0 && q.free(action) && q.options.Take(action) == 0:
		q.occupy(object, action)
		return 0, true
	}
	l.push(object)
	l.told[object] = l.ahead(object)
	q.advance(l)
	q.announce(l)
	return l.told[object], false
}

// Return gives a turn back that the object could not use. It is still the object's.
func (q *Queue) Return(object types.NamespacedName, action string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.line(action).granted.Insert(object)
	q.occupy(object, action)
}

// Settle says how the object stands after all its calls for now: for which action it waits, if any, and whether its bounded
// action is under way. While it waits for one action it keeps its turns and places for others, for it may need both; but not
// those for the bounded action, of which there are few.
func (q *Queue) Settle(object types.NamespacedName, waitsFor string, underWay bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for action, l := range q.lines {
		if waitsFor == "" || action == q.options.Bounded && action != waitsFor {
			l.remove(object)
		}
	}
	bounded := q.line(q.options.Bounded)
	switch {
	case underWay:
		q.underWay.Insert(object)
	case !bounded.granted.Has(object):
		q.underWay.Delete(object)
		q.advance(bounded)
	}
}

// Count counts the bounded action of an object that was begun before there was this queue.
func (q *Queue) Count(object types.NamespacedName) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.underWay.Insert(object)
}

// Idle is true when nobody waits and nothing is under way.
func (q *Queue) Idle() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, l := range q.lines {
		if len(l.order) > 0 || len(l.granted) > 0 {
			return false
		}
	}
	return len(q.underWay) == 0
}

func (q *Queue) line(action string) *line {
	l := q.lines[action]
	if l == nil {
		l = &line{
			action: action, waiting: map[string][]types.NamespacedName{}, told: map[types.NamespacedName]int{},
			granted: sets.New[types.NamespacedName](),
		}
		q.lines[action] = l
	}
	return l
}

func (q *Queue) free(action string) bool {
	return action != q.options.Bounded || q.options.Most == 0 || len(q.underWay) < q.options.Most
}

func (q *Queue) occupy(object types.NamespacedName, action string) {
	if action == q.options.Bounded {
		q.underWay.Insert(object)
	}
}

// advance gives turns as long as there are any to give.
func (q *Queue) advance(l *line) {
	for len(l.order) > 0 && q.free(l.action) {
		if wait := q.options.Take(l.action); wait > 0 {
			q.advanceAfter(l, wait)
			return
		}
		object := l.pop()
		l.granted.Insert(object)
		q.occupy(object, l.action)
		q.options.Wake(object, true)
	}
}

func (q *Queue) advanceAfter(l *line, wait time.Duration) {
	if l.timer != nil {
		return
	}
	l.timer = time.AfterFunc(wait, func() {
		q.mu.Lock()
		defer q.mu.Unlock()
		l.timer = nil
		q.advance(l)
	})
}

// announce wakes, now and then, a few of those that have moved up a good deal, as long as anybody waits.
func (q *Queue) announce(l *line) {
	if l.news != nil {
		return
	}
	l.news = time.AfterFunc(newsInterval, func() {
		q.mu.Lock()
		defer q.mu.Unlock()
		l.news = nil
		if len(l.order) == 0 {
			return
		}
		for _, object := range l.movedUp(newsAtOnce) {
			q.options.Wake(object, false)
		}
		q.announce(l)
	})
}

func (l *line) push(object types.NamespacedName) {
	if len(l.waiting[object.Namespace]) == 0 {
		l.order = append(l.order, object.Namespace)
	}
	l.waiting[object.Namespace] = append(l.waiting[object.Namespace], object)
}

// pop takes the next object of the namespace whose turn it is.
func (l *line) pop() types.NamespacedName {
	namespace := l.order[0]
	object := l.waiting[namespace][0]
	l.waiting[namespace] = l.waiting[namespace][1:]
	l.order = l.order[1:]
	if len(l.waiting[namespace]) > 0 {
		l.order = append(l.order, namespace)
	} else {
		delete(l.waiting, namespace)
	}
	delete(l.told, object)
	return object
}

func (l *line) remove(object types.NamespacedName) {
	l.granted.Delete(object)
	if _, waits := l.told[object]; !waits {
		return
	}
	delete(l.told, object)
	left := slices.DeleteFunc(l.waiting[object.Namespace], func(other types.NamespacedName) bool { return other == object })
	l.waiting[object.Namespace] = left
	if len(left) == 0 {
		delete(l.waiting, object.Namespace)
		l.order = slices.DeleteFunc(l.order, func(namespace string) bool { return namespace == object.Namespace })
	}
}

// ahead is how many come before the object: of each other namespace as many as of its own, as far as there are so many, and
// one more where it is that namespace's turn before.
func (l *line) ahead(object types.NamespacedName) int {
	own, turn := slices.Index(l.waiting[object.Namespace], object), slices.Index(l.order, object.Namespace)
	ahead := own
	for i, namespace := range l.order {
		switch {
		case i < turn:
			ahead += min(len(l.waiting[namespace]), own+1)
		case i > turn:
			ahead += min(len(l.waiting[namespace]), own)
		}
	}
	return ahead
}

// movedUp finds some objects with half as many ahead as they know of, about.
func (l *line) movedUp(most int) (moved []types.NamespacedName) {
	longest := 0
	for _, objects := range l.waiting {
		longest = max(longest, len(objects))
	}
	// before[i] is how many objects of all namespaces come before the i-th of one.
	before := make([]int, longest+1)
	for _, objects := range l.waiting {
		for i := range objects {
			before[i+1]++
		}
	}
	for i := range longest {
		before[i+1] += before[i]
	}
	for _, objects := range l.waiting {
		for i, object := range objects {
			if told := l.told[object]; len(moved) < most && told > 0 && before[i] <= told/2 {
				moved = append(moved, object)
			}
		}
	}
	return moved
}
