// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/ens-image-operator/ens-image-operator/api/v1alpha1"
	"github.com/ens-image-operator/ens-image-operator/internal/ens"
)

// rest adds to a report what was learned on the way, whoever wrote the report.
func TestRest(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)

	r := newState().rest(available("")).report
	bare := available("")
	bare.ownership = v1alpha1.OwnershipObserved
	g.Expect(r).To(Equal(bare))

	s := newState(open(0), answered(nil))
	s.account = &account{secretVersion: "17"}
	r = s.rest(available("")).report
	g.Expect(r.intent).To(BeIdenticalTo(s.intent))
	g.Expect(r.secretVersion).To(Equal("17"))
	g.Expect(*r.imported).To(Equal(ens.Imported{ImageID: "m-1", RequestID: "R-1"}))
	g.Expect(r.unfrozen).To(BeFalse())

	r = newState(open(time.Minute), answered(errLost), saw()).rest(available("")).report
	g.Expect(r.absent).To(BeFalse(), "it may show up")

	r = newState(open(time.Hour), answered(errLost), saw()).rest(available("")).report
	g.Expect(r.imported).To(BeNil())
	g.Expect(r.image).To(BeNil())
	g.Expect(r.absent).To(BeTrue())

	r = newState(open(0), told("m-2"), saw(image("m-1", "Creating"), image("m-2", "Packing"))).rest(available("")).report
	g.Expect(r.absent).To(BeFalse())
	g.Expect(r.image.ID).To(Equal("m-2"))

	g.Expect(newState(refused).rest(available("")).report.unfrozen).To(BeTrue(), "nothing was imported")
	g.Expect(newState(failedAs("Pack_failed", 0)).rest(available("")).report.unfrozen).To(BeFalse(), "the failed image is still there")
}

func TestImportFailedIsToldOnce(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	s := newState(failedAs("Upload_failed", time.Minute))
	failure := s.importFailed().failure
	g.Expect(failure.Action).To(Equal("ImportImage"))
	g.Expect(failure.Code).To(Equal("Upload_failed"))
	g.Expect(failure.Time).To(Equal(s.intent.ClosedAt), "its time is when it was found, not when it is told")
	g.Expect(failure.Retryable).To(HaveValue(BeFalse()))
	g.Expect(failure.Hint).To(ContainSubstring("qcow2"))
}

// A request answers a question. What stands in the way of the answer must not take the question away.
func TestRequestSurvives(t *testing.T) {
	t.Parallel()
	asked := []change{owns("m-1"), told("m-1"), requested, requestedAs("again"), reported(v1alpha1.ReasonImageVanished)}
	obstacles := map[string]func(*state) effect{
		"throttled": func(s *state) effect { return s.rest(s.failing(throttled("Throttling"))) },
		"no credentials": func(s *state) effect {
			return s.rest(s.noCredentials(&credentialsError{reason: v1alpha1.ReasonSecretNotFound}))
		},
		"denied": func(s *state) effect {
			return s.rest(s.failing(&ens.Error{Class: ens.ClassDenied, Code: "NoPermission"}))
		},
		"suspended": func(s *state) effect { isSuspended(s); saw()(s); return decide(s) },
	}
	for name, obstacle := range obstacles {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			s := newState(asked...)
			obstacle(s).report.apply(s.obj, s.now, s.timing)
			g.Expect(s.obj.Status.LastHandledReconcileAt).To(BeEmpty())

			s.obj.Spec.Suspend = false
			after := newState(owns("m-1"), saw())
			after.obj, after.requested = s.obj, pendingRequest(s.obj)
			g.Expect(outcomeOf(decide(after)).starts).To(BeTrue())
		})
	}
}

func requestedAs(value string) change {
	return func(s *state) { s.obj.Annotations[v1alpha1.ReconcileRequestAnnotation] = value }
}

// An edit that arrives while the failed image is being removed is answered when that is done.
func TestNewsSurviveClearing(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	s := newState(failedAs("Pack_failed", time.Minute), edited, saw(image("m-1", "Pack_failed")), asked("m-1"))
	apply(s)
	g.Expect(s.obj.Status.ObservedGeneration).To(BeEquivalentTo(3))
	following := newStateOf(s, saw())
	following.account = &account{}
	g.Expect(outcomeOf(decide(following)).starts).To(BeTrue())
}

func TestNews(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	g.Expect(newState().news()).To(BeFalse())
	g.Expect(newState(edited).news()).To(BeTrue())
	g.Expect(newState(requested).news()).To(BeTrue())
	unreported := func(s *state) { s.obj.Status.ObservedGeneration = -1 }
	g.Expect(newState(unreported).news()).To(BeFalse(), "what was never reported has not changed since")
}

func TestTimeout(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	short := func(s *state) { s.obj.Spec.TimeoutSeconds = 1 }
	g.Expect(newState(open(2 * time.Second)).timedOut()).To(BeFalse())
	g.Expect(newState(open(time.Second), short).timedOut()).To(BeFalse())
	g.Expect(newState(open(2*time.Second), short).timedOut()).To(BeTrue())
}

// An object without a record is looked for under the tokens of its first epochs, so that a lost record costs nothing
// while the image still bears its token.
func TestTargetWithoutRecord(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	g.Expect(newState().target().suffixes).To(ContainElement(testSuffix))
	g.Expect(newState().first().token()).To(Equal(testToken))
	second := newState(failedAs("Pack_failed", 0))
	second.intent = second.intent.anew(testNow, "hash")
	g.Expect(second.target().suffixes).To(ConsistOf(second.intent.nameSuffix()))
	g.Expect(second.target().suffixes).NotTo(ContainElement(testSuffix))

	lost := newState(told(""), saw(image("m-1", "Available"), named("other"+second.intent.nameSuffix(), image("m-2", "Creating"))))
	g.Expect(lost.recovered().token()).To(Equal(second.intent.token()), "the latest epoch counts")
	g.Expect(lost.recovered().Attempt).To(BeEquivalentTo(2))
}
