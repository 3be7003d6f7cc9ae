// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	clocktesting "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ens-image-operator/ens-image-operator/api/v1alpha1"
	"github.com/ens-image-operator/ens-image-operator/internal/ens"
	"github.com/ens-image-operator/ens-image-operator/internal/imagewatch"
)

// No object comes back by itself to look at the cloud: only for a deadline, for a write of its own that failed, and for what
// Kubernetes alone knows.
func TestWhoComesBack(t *testing.T) {
	t.Parallel()
	share := func(d time.Duration) time.Duration { return jittered(d, string(testUID)) }
	available := named("ubuntu-golden", image("m-1", "Available"))
	busy := &ens.Error{Action: "ModifyImageAttribute", Class: ens.ClassConflict, Code: "IncorrectStatus.Image"}
	down := &ens.Error{Action: ens.ActionList, Class: ens.ClassUnavailable, Code: "ServiceUnavailable"}
	for name, c := range map[string]struct {
		given []change
		fails *ens.Error
		back  time.Duration
		every time.Duration
	}{
		"Ready":                       {given: []change{owns("m-1"), saw(available)}, every: 10 * time.Minute},
		"importing, young":            {given: []change{open(5 * time.Minute), told("m-1"), saw(image("m-1", "Creating"))}, back: 5 * time.Minute, every: 10 * time.Second},
		"importing, old":              {given: []change{open(15 * time.Minute), told("m-1"), saw(image("m-1", "Creating"))}, back: 105 * time.Minute, every: 10 * time.Second},
		"importing, too old":          {given: []change{open(3 * time.Hour), told("m-1"), saw(image("m-1", "Creating"))}, every: time.Minute},
		"accepted just now":           {given: []change{open(0), answered(nil)}, back: 2 * time.Minute, every: time.Second},
		"unconfirmed":                 {given: []change{open(20 * time.Minute), saw()}, back: 20 * time.Minute},
		"the image vanished":          {given: []change{owns("m-1"), saw()}, every: 10 * time.Minute},
		"suspended":                   {given: []change{owns("m-1"), isSuspended, saw(image("m-1", "Available"))}, every: 10 * time.Minute},
		"rename refused":              {given: []change{owns("m-1"), saw(image("m-1", "Available"))}, fails: busy, back: share(2 * time.Second)},
		"look failed":                 {given: []change{open(5 * time.Minute)}, fails: down, back: 5 * time.Minute},
		"deletion asked for":          {given: []change{owns("m-1"), deleting, saw(available), asked("m-1")}, back: share(time.Minute), every: time.Second},
		"another object's":            {given: []change{adopted("m-1"), saw(available), claimedBy("m-1")}, back: share(10 * time.Minute), every: 10 * time.Minute},
		"refused, until the next try": {given: []change{refused, answered(errRefused)}, back: share(time.Hour)},
		"failed, until the next try":  {given: []change{failedAs("Pack_failed", time.Minute), saw()}, back: share(time.Hour) - time.Minute},
		"observed, look failed":       {given: []change{imageID("m-1"), observeOnly, isReady}, fails: down, every: 10 * time.Minute},
		"record that cannot be read":  {given: []change{unreadable, func(s *state) { s.account = nil }}, back: share(10 * time.Minute)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			r := &Reconciler{ClusterUID: testCluster, Timing: DefaultTiming(), Clock: clocktesting.NewFakePassiveClock(testNow)}
			s := newState(c.given...)
			if s.account != nil {
				s.account.cloud = r.clouds().newCloud("identity")
			}
			outcome := decide(s).report
			if c.fails != nil {
				outcome = s.rest(s.failing(c.fails)).report
			}
			wait := outcome.apply(s.obj, s.now, s.timing)
			g.Expect(r.follow(s, outcome, wait)).To(BeNumerically("~", c.back, time.Second))
			if c.every > 0 {
				g.Expect(s.account.cloud.watch.Due()).To(Equal(testNow.Add(c.every)))
			}
		})
	}
}

func isReady(s *state) {
	s.obj.Status.Conditions = []metav1.Condition{{Type: v1alpha1.ConditionReady, Status: metav1.ConditionTrue, Reason: v1alpha1.ReasonAvailable}}
}

// A slot of --max-concurrent-imports is taken while the cloud may be busy with the import, and no longer.
func TestImportRuns(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		given []change
		want  bool
	}{
		"nothing":                   {nil, false},
		"running":                   {[]change{open(time.Minute), told("m-1"), saw(image("m-1", "Creating"))}, true},
		"for too long":              {[]change{open(3 * time.Hour), told("m-1"), saw(image("m-1", "Creating"))}, true},
		"unconfirmed":               {[]change{open(time.Minute), answered(errLost)}, true},
		"unconfirmed and not seen":  {[]change{open(time.Minute), saw()}, false},
		"vanished":                  {[]change{open(3 * time.Hour), told("m-1"), wasSeen, saw()}, false},
		"of other fields":           {[]change{open(time.Hour), told("m-1"), otherSource, saw(image("m-1", "Available"))}, false},
		"waits for the next turn":   {[]change{open(3 * time.Hour), saw(), func(s *state) { s.waitsFor = actionImport }}, false},
		"owned":                     {[]change{owns("m-1"), saw(image("m-1", "Available"))}, false},
		"failed":                    {[]change{failedAs("Pack_failed", time.Minute), saw()}, false},
		"being deleted, while open": {[]change{open(time.Minute), deleting, saw()}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newState(c.given...)
			NewWithT(t).Expect(s.importRuns(decide(s).report)).To(Equal(c.want))
		})
	}
}

// What an object waits for decides what the watch looks for.
func TestSubject(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		given []change
		want  imagewatch.Subject
	}{
		"open":        {[]change{open(0)}, imagewatch.Subject{Suffixes: []string{testSuffix}, Name: "ubuntu-golden"}},
		"open, told":  {[]change{open(0), told("m-1")}, imagewatch.Subject{Suffixes: []string{testSuffix}, Name: "ubuntu-golden", Others: []string{"m-1"}}},
		"owned":       {[]change{owns("m-1")}, imagewatch.Subject{ID: "m-1"}},
		"failed":      {[]change{failedAs("Pack_failed", 0)}, imagewatch.Subject{Suffixes: []string{testSuffix}}},
		"to be found": {[]change{imageID("m-7")}, imagewatch.Subject{ID: "m-7"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			NewWithT(t).Expect(newState(c.given...).subject()).To(Equal(c.want))
		})
	}
}

// An absence is asked for anew when it is from before a moment that changes what it proves.
func TestMilestones(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	s := newState(open(time.Hour), saw())
	g.Expect(s.milestone()).To(Equal(testNow.Add(-20*time.Minute)), "40 minutes after the signature")
	g.Expect(s.ahead(testNow)).To(Equal(time.Hour), "the timeout")
	g.Expect(newState(owns("m-1"), saw(image("m-1", "Available"))).ahead(testNow)).To(BeZero())
	g.Expect(newState(foreign).ahead(testNow.Add(-30 * time.Minute))).To(Equal(10 * time.Minute))
}

// Who has to look once more before it may go on keeps its place among those that wait.
func TestLooksKeepThePlace(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	r := &Reconciler{
		ClusterUID: testCluster, Timing: DefaultTiming(), Clock: clocktesting.NewFakePassiveClock(testNow), MaxConcurrentImports: 1,
	}
	s := newState(fresh)
	s.account.cloud = r.clouds().newCloud("identity")
	queue, object := s.account.cloud.queue, client.ObjectKeyFromObject(s.obj)
	first, last := types.NamespacedName{Namespace: object.Namespace, Name: "first"}, types.NamespacedName{Namespace: object.Namespace, Name: "last"}
	_, now := queue.Turn(first, actionImport)
	g.Expect(now).To(BeTrue())
	queue.Turn(object, actionImport)
	queue.Turn(last, actionImport)
	r.follow(s, report{silent: true, pending: true}, 0)
	queue.Settle(first, "", false)
	_, now = queue.Turn(last, actionImport)
	g.Expect(now).To(BeFalse())
	_, now = queue.Turn(object, actionImport)
	g.Expect(now).To(BeTrue())
}
