// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/ens-image-operator/ens-image-operator/api/v1alpha1"
)

// intruder acts just before the operator reads an object live.
type intruder struct {
	next http.RoundTripper
	act  func()
	done atomic.Bool
}

func (i *intruder) RoundTrip(request *http.Request) (*http.Response, error) {
	live := request.Method == http.MethodGet && strings.Contains(request.URL.Path, "/imageimports/")
	if live && i.done.CompareAndSwap(false, true) {
		i.act()
	}
	return i.next.RoundTrip(request)
}

// The user says Retain when the operator has already decided to delete the image: a cache that does not know it yet must
// not cost the image.
func TestRetainAtTheLastMoment(t *testing.T) {
	i := &intruder{}
	w := newWorld(t, func(w *world) {
		w.transport = func(next http.RoundTripper) http.RoundTripper { i.next = next; return i }
	})
	w.credentials()
	obj := w.create()
	w.eventually(obj, ready())
	i.act = func() {
		w.edit(obj, func(obj *v1alpha1.ImageImport) { obj.Spec.DeletionPolicy = v1alpha1.DeletionRetain })
	}
	w.delete(obj)
	w.eventuallyGone(obj)
	w.Expect(i.done.Load()).To(BeTrue(), "the operator reads the object before it deletes the image")
	w.Expect(w.cloud.Images()).To(HaveLen(1))
	w.Expect(w.sent("DeleteImage")).To(BeZero())
}
