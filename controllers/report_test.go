// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/ens-image-operator/ens-image-operator/internal/ens"
)

// rest adds to a report what was learned on the way, whoever wrote the report.
func TestRest(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)

	r := newState().rest(available("")).report
	g.Expect(r).To(Equal(available("")))

	s := newState(open(0), answered(nil))
	s.account = &account{secretVersion: "17"}
	r = s.rest(available("")).report
	g.Expect(r.intent).To(BeIdenticalTo(s.intent))
	g.Expect(r.secretVersion).To(Equal("17"))
	g.Expect(*r.imported).To(Equal(ens.Imported{ImageID: "m-1", RequestID: "R-1"}))
	g.Expect(r.unfrozen).To(BeFalse())

	r = newState(open(0), answered(errLost), saw()).rest(available("")).report
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

func TestNews(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	g.Expect(newState().news()).To(BeFalse())
	g.Expect(newState(edited).news()).To(BeTrue())
	g.Expect(newState(requested).news()).To(BeTrue())
}

func TestTimeout(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	short := func(s *state) { s.obj.Spec.TimeoutSeconds = 1 }
	g.Expect(newState(open(2 * time.Second)).timedOut()).To(BeFalse())
	g.Expect(newState(open(time.Second), short).timedOut()).To(BeFalse())
	g.Expect(newState(open(2*time.Second), short).timedOut()).To(BeTrue())
}

// The token of an object without intent is that of its first epoch, so that a lost record costs nothing while the
// image still bears its token.
func TestTokenOfAnObject(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	g.Expect(newState().token()).To(Equal(testToken))
	g.Expect(newState().firstIntent().token()).To(Equal(testToken))
	second := newState(failedAs("Pack_failed", 0))
	second.intent = second.intent.anew(testNow, "hash")
	g.Expect(second.token()).To(Equal(second.intent.token()))
	g.Expect(second.token()).NotTo(Equal(testToken))
}
