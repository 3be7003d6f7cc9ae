// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ens-image-operator/ens-image-operator/api/v1alpha1"
	"github.com/ens-image-operator/ens-image-operator/internal/ens"
)

// apply applies the decision of a state to its object and returns when to come back.
func apply(s *state) time.Duration {
	return decide(s).report.apply(s.obj, s.now, s.timing)
}

// restingStates lead to a report at once, one for each kind of report.
func restingStates() map[string][]change {
	final := named("ubuntu-golden", image("m-1", "Available"))
	return map[string][]change{
		"suspended":      {isSuspended},
		"lost":           {told("m-1"), saw()},
		"accepted":       {open(0), answered(nil)},
		"unconfirmed":    {open(time.Minute), saw()},
		"importing":      {open(time.Minute), saw(image("m-1", "Creating"))},
		"timed out":      {open(3 * time.Hour), saw(image("m-1", "Creating"))},
		"fields changed": {open(time.Minute), otherSource, saw(image("m-1", "Creating"))},
		"failed":         {failedAs("Pack_failed", time.Minute), saw()},
		"failed, there":  {failedAs("Pack_failed", time.Minute), saw(image("m-1", "Pack_failed")), asked("m-1")},
		"ready":          {owns("m-1"), saw(final)},
		"not renamed":    {owns("m-1"), isSuspended, saw(image("m-1", "Available"))},
		"unavailable":    {owns("m-1"), saw(image("m-1", "Unavailable"))},
		"vanished":       {owns("m-1"), told("m-1"), saw()},
		"deleting":       {deleting, owns("m-1"), saw(final), asked("m-1")},
		"deletion waits": {deleting, open(time.Minute), saw()},
	}
}

// A report that tells nothing new must not write: a no-op patch costs as much as a real one.
func TestApplyTwice(t *testing.T) {
	t.Parallel()
	for name, given := range restingStates() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			s := newState(given...)
			g.Expect(decide(s).verb).To(Equal(rest))
			wait := apply(s)
			before := s.obj.DeepCopy()
			s.requested = false
			g.Expect(apply(s)).To(Equal(wait))
			g.Expect(equality.Semantic.DeepEqual(before.Status, s.obj.Status)).To(BeTrue())
			g.Expect(s.obj).To(Equal(before), "apply writes to the status only")

			s.now = s.now.Add(time.Second)
			apply(s)
			before.Status.NextRetryTime, s.obj.Status.NextRetryTime = nil, nil
			g.Expect(s.obj.Status).To(Equal(before.Status), "a later look at the same is no news")
		})
	}
}

// kstatus: Ready always, Reconciling and Stalled only while they are true, all for this generation.
func TestConditions(t *testing.T) {
	t.Parallel()
	stale := []metav1.Condition{
		{Type: v1alpha1.ConditionReady, Status: metav1.ConditionTrue, Reason: "Old", ObservedGeneration: 1},
		{Type: v1alpha1.ConditionReconciling, Status: metav1.ConditionTrue, Reason: "Old", ObservedGeneration: 1},
		{Type: v1alpha1.ConditionStalled, Status: metav1.ConditionTrue, Reason: "Old", ObservedGeneration: 1},
	}
	for name, c := range map[string]struct {
		report report
		ready  metav1.ConditionStatus
		also   string
	}{
		"idle":        {suspended("why"), metav1.ConditionFalse, ""},
		"ready":       {available("why"), metav1.ConditionTrue, ""},
		"reconciling": {progressing("Some", "why"), metav1.ConditionFalse, v1alpha1.ConditionReconciling},
		"stalled":     {stalled("Some", "why"), metav1.ConditionFalse, v1alpha1.ConditionStalled},
	} {
		for from, before := range map[string][]metav1.Condition{"new": nil, "with all": stale} {
			t.Run(name+" "+from, func(t *testing.T) {
				t.Parallel()
				g := NewWithT(t)
				obj := newObject()
				obj.Status.Conditions = append(obj.Status.Conditions, before...)
				c.report.apply(obj, testNow, DefaultTiming())
				want := map[string]metav1.ConditionStatus{v1alpha1.ConditionReady: c.ready}
				if c.also != "" {
					want[c.also] = metav1.ConditionTrue
				}
				got := map[string]metav1.ConditionStatus{}
				for _, condition := range obj.Status.Conditions {
					got[condition.Type] = condition.Status
					g.Expect(condition.ObservedGeneration).To(Equal(obj.Generation))
					g.Expect(condition.Message).To(Equal("why"))
					g.Expect(condition.Reason).To(Equal(c.report.reason))
				}
				g.Expect(got).To(Equal(want))
			})
		}
	}
}

func TestObserved(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	s := newState(edited, isSuspended)
	apply(s)
	g.Expect(s.obj.Status.ObservedGeneration).To(BeEquivalentTo(4))
	g.Expect(s.obj.Status.Attempts).To(BeZero())
	g.Expect(s.obj.Status.StartTime).To(BeNil())
}

// A request is answered once something came of it, and stands as long as something else is in the way.
func TestRequestHandled(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		report  report
		handled bool
	}{
		"ready":               {available(""), true},
		"importing":           {progressing(v1alpha1.ReasonImporting, ""), true},
		"vanished":            {stalled(v1alpha1.ReasonImageVanished, ""), true},
		"refused":             {newState().failing(cloudError("ImportImage", ens.ClassInvalid, true)), true},
		"denied":              {newState().failing(cloudError("ImportImage", ens.ClassDenied, true)), true},
		"failed, retry set":   {newState(failedAs("Pack_failed", 0)).importFailed().retryAt(testNow), true},
		"failed, still there": {newState(failedAs("Pack_failed", 0)).importFailed(), false},
		"suspended":           {suspended(""), false},
		"throttled":           {newState().failing(cloudError("DescribeSelfImages", ens.ClassThrottled, true)), false},
		"no answer":           {newState().failing(cloudError("DescribeSelfImages", ens.ClassUnavailable, false)), false},
		"no Secret":           {newState().noCredentials(&credentialsError{reason: v1alpha1.ReasonSecretNotFound}), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			obj := newState().obj
			obj.Annotations = map[string]string{v1alpha1.ReconcileRequestAnnotation: "now"}
			c.report.apply(obj, testNow, DefaultTiming())
			want := ""
			if c.handled {
				want = "now"
			}
			NewWithT(t).Expect(obj.Status.LastHandledReconcileAt).To(Equal(want))
		})
	}
}

func TestCompletionTime(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	s := newState(owns("m-1"), saw(named("ubuntu-golden", image("m-1", "Available"))))
	apply(s)
	g.Expect(s.obj.Status.CompletionTime.Time).To(Equal(testNow))
	s.now = testNow.Add(time.Hour)
	apply(s)
	g.Expect(s.obj.Status.CompletionTime.Time).To(Equal(testNow), "the first time counts")
	s.seen.images[0].Status = ens.StatusUnavailable
	apply(s)
	g.Expect(s.obj.Status.CompletionTime).NotTo(BeNil())
	s.seen.images = nil
	apply(s)
	g.Expect(s.obj.Status.CompletionTime).To(BeNil())
	g.Expect(meta.IsStatusConditionFalse(s.obj.Status.Conditions, v1alpha1.ConditionReady)).To(BeTrue())
}
