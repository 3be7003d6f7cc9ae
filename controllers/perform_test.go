// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"crypto/x509"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	clocktesting "k8s.io/utils/clock/testing"

	"github.com/ens-image-operator/ens-image-operator/internal/ens"
)

// cloudSays returns the account of a cloud that gives one answer to everything, and how often it was asked.
func cloudSays(t *testing.T, status int, answer string) (cloud *account, calls *int) {
	t.Helper()
	calls = new(int)
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		*calls++
		w.WriteHeader(status)
		_, _ = w.Write([]byte(answer))
	}))
	t.Cleanup(server.Close)
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	endpoint, err := ens.NewEndpoint(ens.Config{Endpoint: server.URL, RootCAs: roots})
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	return &account{Client: endpoint.Client(ens.Credentials{AccessKeyID: "LTAI-test", AccessKeySecret: "not-a-secret"})}, calls
}

// A process may be paused between the decision and the call. When it wakes up, the bounds that count from the signature
// may have passed, and others rely on them.
func TestNoImportAfterAPause(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		paused time.Duration
		calls  int
	}{
		"not paused":   {0, 1},
		"for a while":  {answerBound - time.Second, 1},
		"for too long": {answerBound, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			cloud, calls := cloudSays(t, http.StatusOK, `{"ImageId": "m-1", "RequestId": "R-1"}`)
			s := newState(open(0), permitted)
			s.account = cloud
			r := &Reconciler{Clock: clocktesting.NewFakePassiveClock(testNow.Add(c.paused))}
			g.Expect(r.importImage(t.Context(), s)).To(Succeed())
			g.Expect(*calls).To(Equal(c.calls))
			g.Expect(s.permit).To(BeNil(), "the permit is used up in any case")
			if c.calls == 0 {
				g.Expect(s.answer.err).To(HaveField("Action", actionImport))
			} else {
				g.Expect(s.answer.imported.ImageID).To(Equal("m-1"))
			}
		})
	}
}

// What was refused has changed nothing, and status is not to say that it has.
func TestRefusedSharing(t *testing.T) {
	t.Parallel()
	for name, e := range map[string]effect{
		"share":   {verb: shareImage, image: "m-1", accounts: []string{"3"}},
		"unshare": {verb: unshareImage, image: "m-1", accounts: []string{"2"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			s := newState(owns("m-1"), isShared("1", "2"))
			s.account, _ = cloudSays(t, http.StatusForbidden, `{"Code": "NoPermission", "Message": "no", "RequestId": "R-1"}`)
			refusal := (&Reconciler{}).changeShares(t.Context(), s, e)
			g.Expect(refusal).To(HaveField("Code", "NoPermission"))
			outcome, err := s.interrupted(refusal)
			g.Expect(err).NotTo(HaveOccurred())
			outcome.apply(s.obj, s.now, s.timing)
			g.Expect(s.obj.Status.SharedWith).To(Equal([]string{"1", "2"}))
		})
	}
}
