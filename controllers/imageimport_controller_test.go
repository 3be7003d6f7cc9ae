// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"errors"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	clocktesting "k8s.io/utils/clock/testing"

	"github.com/ens-image-operator/ens-image-operator/api/v1alpha1"
)

func readyAs(reason string) func(*v1alpha1.ImageImport) {
	return func(obj *v1alpha1.ImageImport) {
		meta.SetStatusCondition(&obj.Status.Conditions, metav1.Condition{Type: v1alpha1.ConditionReady, Status: metav1.ConditionFalse, Reason: reason})
	}
}

func TestNotYet(t *testing.T) {
	t.Parallel()
	at := func(d time.Duration) func(*v1alpha1.ImageImport) {
		return func(obj *v1alpha1.ImageImport) {
			next := metav1.NewTime(testNow.Add(d))
			obj.Status.NextRetryTime = &next
		}
	}
	edited := func(obj *v1alpha1.ImageImport) { obj.Generation++ }
	requested := func(obj *v1alpha1.ImageImport) { obj.Annotations[v1alpha1.ReconcileRequestAnnotation] = "now" }
	for name, c := range map[string]struct {
		given []func(*v1alpha1.ImageImport)
		want  time.Duration
	}{
		"no error":                  {nil, 0},
		"too early":                 {[]func(*v1alpha1.ImageImport){at(time.Minute)}, time.Minute},
		"due":                       {[]func(*v1alpha1.ImageImport){at(0)}, 0},
		"overdue":                   {[]func(*v1alpha1.ImageImport){at(-time.Minute)}, 0},
		"too early, but edited":     {[]func(*v1alpha1.ImageImport){at(time.Minute), edited}, 0},
		"too early, but requested":  {[]func(*v1alpha1.ImageImport){at(time.Minute), requested}, 0},
		"denied the operator's key": {[]func(*v1alpha1.ImageImport){at(time.Minute), readyAs(v1alpha1.ReasonAccessDenied)}, time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			obj := newObject()
			for _, f := range c.given {
				f(obj)
			}
			r := &Reconciler{Clock: clocktesting.NewFakePassiveClock(testNow), Timing: DefaultTiming()}
			wait, err := r.notYet(t.Context(), obj)
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(wait).To(Equal(c.want))
		})
	}
}

func TestWaitsForCredentials(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	obj := newObject()
	g.Expect(waitsForCredentials(obj)).To(BeFalse())
	readyAs(v1alpha1.ReasonAccessDenied)(obj)
	g.Expect(waitsForCredentials(obj)).To(BeFalse(), "no Secret, nothing to look at")
	obj.Spec.Credentials.SecretRef.Name = "keys"
	g.Expect(waitsForCredentials(obj)).To(BeTrue())
	readyAs(v1alpha1.ReasonThrottled)(obj)
	g.Expect(waitsForCredentials(obj)).To(BeFalse())
}

// The operator's own writes must not wake it, or every reconcile would cause the next.
func TestUserAnnotated(t *testing.T) {
	t.Parallel()
	annotate := func(name, value string) func(*v1alpha1.ImageImport) {
		return func(obj *v1alpha1.ImageImport) { obj.Annotations[name] = value }
	}
	unowned := readyAs(v1alpha1.ReasonOwnershipUnknown)
	for name, c := range map[string]struct {
		before, after []func(*v1alpha1.ImageImport)
		want          bool
	}{
		"nothing":                 {nil, nil, false},
		"another annotation":      {nil, []func(*v1alpha1.ImageImport){annotate("a", "b")}, false},
		"the operator's intent":   {nil, []func(*v1alpha1.ImageImport){annotate(v1alpha1.ImportAnnotation, "{}")}, false},
		"a status":                {nil, []func(*v1alpha1.ImageImport){readyAs(v1alpha1.ReasonImporting)}, false},
		"a request":               {nil, []func(*v1alpha1.ImageImport){annotate(v1alpha1.ReconcileRequestAnnotation, "1")}, true},
		"a request of Flux":       {nil, []func(*v1alpha1.ImageImport){annotate(v1alpha1.FluxReconcileRequestAnnotation, "1")}, true},
		"the record taken away":   {[]func(*v1alpha1.ImageImport){annotate(v1alpha1.ImportAnnotation, "{}")}, nil, true},
		"the annotation put back": {[]func(*v1alpha1.ImageImport){unowned}, []func(*v1alpha1.ImageImport){unowned, annotate(v1alpha1.ImportAnnotation, "{}")}, true},
		"the annotation removed":  {[]func(*v1alpha1.ImageImport){unowned, annotate(v1alpha1.ImportAnnotation, "{}")}, []func(*v1alpha1.ImageImport){unowned}, true},
		"still the same":          {[]func(*v1alpha1.ImageImport){unowned}, []func(*v1alpha1.ImageImport){unowned}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			before, after := newObject(), newObject()
			for _, f := range c.before {
				f(before)
			}
			for _, f := range c.after {
				f(after)
			}
			NewWithT(t).Expect(userTouched(before, after)).To(Equal(c.want))
		})
	}
}

func TestInterrupted(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	s := newState(open(time.Minute))
	report, err := s.interrupted(throttled("Throttling"))
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(report.reason).To(Equal(v1alpha1.ReasonThrottled))
	g.Expect(report.intent).To(BeIdenticalTo(s.intent))

	kubernetes := errors.New("etcd is busy")
	_, err = s.interrupted(kubernetes)
	g.Expect(err).To(MatchError(kubernetes))
}
