// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/ens-image-operator/ens-image-operator/api/v1alpha1"
)

// ledger counts what the operator writes to ImageImports.
type ledger struct {
	next   http.RoundTripper
	mu     sync.Mutex
	writes []string
}

func (l *ledger) RoundTrip(request *http.Request) (*http.Response, error) {
	if request.Method != http.MethodGet && strings.Contains(request.URL.Path, "/imageimports/") {
		l.mu.Lock()
		l.writes = append(l.writes, request.Method+" "+request.URL.Path[strings.LastIndex(request.URL.Path, "/")+1:])
		l.mu.Unlock()
	}
	return l.next.RoundTrip(request)
}

func (l *ledger) entries() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]string(nil), l.writes...)
}

func counted(l *ledger) func(*world) {
	return func(w *world) {
		w.timing.Stages = time.Hour
		w.transport = func(next http.RoundTripper) http.RoundTripper { l.next = next; return l }
	}
}

// A successful import without sharing costs four Kubernetes writes and two cloud writes, however many of its stages the
// operator sees; and at rest an object costs none.
func TestBudget(t *testing.T) {
	l := &ledger{}
	w := newWorld(t, counted(l), hold)
	w.credentials()
	obj := w.create()
	got := w.eventually(obj, HaveField("Status.ImageID", Not(BeEmpty())))
	for _, status := range []string{"Packing", "Uploading", "Copying"} {
		w.release(got.Status.ImageID, status)
		w.looks(3)
	}
	w.release(got.Status.ImageID, "Available")
	w.eventually(obj, ready())
	w.looks(3)

	w.Expect(l.entries()).To(Equal([]string{
		"PATCH golden", // the record of the attempt, with the finalizer
		"PATCH status", // the image of it
		"PATCH golden", // the record of its ID, before it is renamed
		"PATCH status", // Ready
	}))
	w.Expect(w.sent("ImportImage")).To(Equal(1))
	w.Expect(w.sent("ModifyImageAttribute")).To(Equal(1))
	w.Expect(w.sent("DescribeImageSharePermission") + w.sent("ModifyImageSharePermission") + w.sent("DeleteImage")).To(BeZero())
}

// Of an adoption, two: the record, and the status.
func TestBudgetOfAnAdoption(t *testing.T) {
	l := &ledger{}
	w := newWorld(t, counted(l))
	w.credentials()
	obj := w.create(adopting(w.golden()))
	w.eventually(obj, ready())
	w.looks(3)
	w.Expect(l.entries()).To(Equal([]string{"PATCH golden", "PATCH status"}))
	w.untouched()
}

// An import that takes long shows its stages.
func TestLongImportShowsItsStages(t *testing.T) {
	w := newWorld(t, hold, func(w *world) { w.timing.Stages = time.Second })
	w.credentials()
	obj := w.create()
	got := w.eventually(obj, HaveField("Status.ImageStatus", "Creating"))
	w.release(got.Status.ImageID, "Uploading")
	w.eventually(obj, And(notReady(v1alpha1.ReasonImporting), HaveField("Status.ImageStatus", "Uploading")))
}

// looks waits until the operator has looked at the cloud so many times more.
func (w *world) looks(more int) {
	w.t.Helper()
	before := w.sent("DescribeSelfImages")
	w.Eventually(func() int { return w.sent("DescribeSelfImages") - before }, patience, glance).Should(BeNumerically(">=", more))
}
