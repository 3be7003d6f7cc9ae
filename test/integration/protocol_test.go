// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/http/httptest"
	"regexp"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ens-image-operator/ens-image-operator/api/v1alpha1"
	"github.com/ens-image-operator/ens-image-operator/internal/enssim"
)

// wire remembers what the ImportImage requests were signed with.
type wire struct {
	next http.Handler

	mu     sync.Mutex
	signed []string
}

func (r *wire) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	query := request.URL.Query()
	if query.Get("Action") == "ImportImage" {
		r.mu.Lock()
		r.signed = append(r.signed, query.Get("SignatureNonce")+" "+query.Get("Timestamp"))
		r.mu.Unlock()
	}
	r.next.ServeHTTP(w, request)
}

// The request is signed with what the intent says, and with nothing else: so it runs at most one time, however often
// it is delivered.
func TestRequestIsPinnedByTheIntent(t *testing.T) {
	recorder := &wire{}
	w := newWorld(t, func(w *world) {
		recorder.next = w.cloud
		w.server.Close()
		w.server = httptest.NewTLSServer(recorder)
		w.t.Cleanup(w.server.Close)
		w.cloud.AddFault(enssim.Fault{Action: "ImportImage", Kind: enssim.DropAfter, Times: 1})
	})
	w.credentials()
	obj := w.create()
	got := w.eventually(obj, ready())

	w.Expect(recorder.signed).To(HaveLen(1))
	name := w.cloud.History()[0].Params["ImageName"]
	sum := sha256.Sum256([]byte(name[len(name)-26:] + "|1"))
	w.Expect(recorder.signed[0]).To(HavePrefix(hex.EncodeToString(sum[:16])+" "), "the nonce derives from token and attempt")
	signedAt := regexp.MustCompile(`"signedAt":"([^"]+)"`).FindStringSubmatch(got.Annotations[v1alpha1.ImportAnnotation])
	w.Expect(signedAt).To(HaveLen(2))
	w.Expect(recorder.signed[0]).To(HaveSuffix(" " + signedAt[1]))
	w.Expect(got.Status.StartTime.UTC().Format(time.RFC3339)).To(Equal(signedAt[1]))
}

// meddler changes the object behind the operator's back, just before its first write.
type meddler struct {
	client.Client
	w         *world
	meddled   atomic.Bool
	conflicts atomic.Int32
}

func (m *meddler) Patch(ctx context.Context, obj client.Object, patch client.Patch, opts ...client.PatchOption) error {
	if m.meddled.CompareAndSwap(false, true) {
		other := &v1alpha1.ImageImport{}
		other.Name, other.Namespace = obj.GetName(), obj.GetNamespace()
		note := client.RawPatch(types.MergePatchType, []byte(`{"metadata":{"labels":{"meddled":"with"}}}`))
		if err := m.w.client.Patch(ctx, other, note); err != nil {
			return err
		}
	}
	err := m.Client.Patch(ctx, obj, patch, opts...)
	if apierrors.IsConflict(err) {
		m.conflicts.Add(1)
		if m.w.sent("ImportImage") > 0 {
			m.w.t.Error("the cloud was called before the intent was won")
		}
	}
	return err
}

// Who lost the compare-and-swap of the intent calls nobody.
func TestNoImportWithoutTheIntent(t *testing.T) {
	m := &meddler{}
	w := newWorld(t, func(w *world) {
		m.w = w
		w.wrap = func(c client.Client) client.Client { m.Client = c; return m }
	})
	w.credentials()
	obj := w.create()
	w.eventually(obj, ready())
	w.Expect(m.conflicts.Load()).To(BeEquivalentTo(1))
	w.Expect(w.sent("ImportImage")).To(Equal(1))
}

// The cloud's search may match less than the middle of a name: an image that it misses is still found.
func TestLostAnswerWithAPoorSearch(t *testing.T) {
	w := newWorld(t, func(w *world) {
		w.cloud.SetBehaviour(func(b *enssim.Behaviour) { b.NameMatch = enssim.MatchPrefix })
		w.cloud.AddFault(enssim.Fault{Action: "ImportImage", Kind: enssim.DropAfter, Times: 1})
	})
	w.credentials()
	obj := w.create()
	w.eventually(obj, ready())
	w.Expect(w.calls("ImportImage")).To(Equal(1))
	w.delete(obj)
	w.eventuallyGone(obj)
	w.Expect(w.cloud.Images()).To(BeEmpty())
}

// A look that fails says nothing of the image: it stays Ready, and nothing is written. Who asks is told.
func TestReadyThroughAnOutage(t *testing.T) {
	w := newWorld(t)
	w.credentials()
	obj := w.create()
	got := w.eventually(obj, ready())
	w.cloud.AddFault(enssim.Fault{Kind: enssim.ErrorBefore, HTTPStatus: http.StatusServiceUnavailable, Code: "ServiceUnavailable", Message: "down"})
	w.looks(4)
	w.Expect(w.get(obj).ResourceVersion).To(Equal(got.ResourceVersion))
	w.edit(obj, func(obj *v1alpha1.ImageImport) { obj.Annotations[v1alpha1.ReconcileRequestAnnotation] = "now" })
	w.Expect(w.eventually(obj, HaveField("Status.LastError", HaveField("Code", "ServiceUnavailable")))).To(ready())
	w.cloud.ClearFaults()
	w.eventually(obj, And(ready(), HaveField("Status.LastError", BeNil())))
}

// A code that proves nothing, twice: somebody has to look at it.
func TestUnknownCodeTwice(t *testing.T) {
	w := newWorld(t, func(w *world) {
		w.timing.Settle = time.Second
		w.cloud.AddFault(enssim.Fault{
			Action: "ImportImage", Kind: enssim.ErrorBefore, Times: 3,
			HTTPStatus: http.StatusBadRequest, Code: "QuotaExceeded.Image", Message: "no more images",
		})
	})
	w.credentials()
	obj := w.create()
	got := w.eventually(obj, And(notReady(v1alpha1.ReasonImportUnconfirmed), inMood(false, true)))
	w.Expect(message(got)).To(ContainSubstring("QuotaExceeded.Image"))
	w.Expect(got.Status.LastError.Hint).To(ContainSubstring("request ID"))
	w.eventually(obj, ready())
	w.Expect(w.cloud.Images()).To(HaveLen(1))
}
