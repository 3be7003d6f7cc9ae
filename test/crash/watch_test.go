// SPDX-License-Identifier: Apache-2.0

package crash

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ens-image-operator/ens-image-operator/internal/enssim"
)

var errCut = errors.New("the connection to the apiserver was cut")

// kubeReply stands in for an exchange with the apiserver.
type kubeReply func(request *http.Request, next http.RoundTripper) (*http.Response, error)

var kubeReplies = map[string]kubeReply{
	"cut": func(*http.Request, http.RoundTripper) (*http.Response, error) { return nil, errCut },
	"answer-lost": func(request *http.Request, next http.RoundTripper) (*http.Response, error) {
		if response, err := next.RoundTrip(request); err == nil {
			_ = response.Body.Close()
		}
		return nil, errCut
	},
	"unavailable": refuseWith(http.StatusServiceUnavailable, metav1.StatusReasonServiceUnavailable),
	"throttled":   refuseWith(http.StatusTooManyRequests, metav1.StatusReasonTooManyRequests),
	"conflict":    refuseWith(http.StatusConflict, metav1.StatusReasonConflict),
}

func refuseWith(code int, reason metav1.StatusReason) kubeReply {
	return func(request *http.Request, _ http.RoundTripper) (*http.Response, error) {
		status := metav1.Status{
			TypeMeta: metav1.TypeMeta{Kind: "Status", APIVersion: "v1"},
			Status:   metav1.StatusFailure, Code: int32(code), Reason: reason, Message: "refused by a fault",
		}
		body, err := json.Marshal(status)
		return &http.Response{
			StatusCode: code, Status: http.StatusText(code), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: request,
			Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(bytes.NewReader(body)),
		}, err
	}
}

// watched takes long enough that a watch which stands still misses a part of it.
var watched = scenario{
	name: "watch", imports: 1,
	cloud: creatingForSeconds,
	steps: []step{create, untilReady, rename("ubuntu-renamed"), untilReady, remove, untilGone},
}

func creatingForSeconds(cloud *enssim.Simulator) {
	cloud.SetBehaviour(creatingFor(2500 * time.Millisecond))
}

// disturbance is how long a watch stands still, or cannot be begun again.
const disturbance = time.Second

// TestWatch disturbs the watch of the ImageImports from a moment on, once.
func TestWatch(t *testing.T) {
	expected := undisturbed(t, watched, newFrontier())
	renewals := map[string]kubeReply{
		"stands-still": nil,
		"cut": func(request *http.Request, next http.RoundTripper) (*http.Response, error) {
			return next.RoundTrip(request)
		},
		"too-old":     refuseWith(http.StatusGone, metav1.StatusReasonExpired),
		"refused":     kubeReplies["cut"],
		"unavailable": kubeReplies["unavailable"],
		"throttled":   kubeReplies["throttled"],
	}
	eachMoment(maps.Keys(renewals), func(name, since string) {
		t.Run(name+"-from-"+since, func(t *testing.T) { disturbWatch(t, since, renewals[name], expected) })
	})
}

func disturbWatch(t *testing.T, since string, renewed kubeReply, expected outcome) {
	t.Helper()
	defer occupy()()
	r, w := newRun(t, watched), &watchFault{since: since, renewed: renewed}
	r.meddle = w.meddle
	r.perform(boundary{})
	r.assertInvariants(&expected)
	results.add(watched.name, r.violations)
	if w.began.Load() == 0 {
		t.Fatal("the watch was not disturbed")
	}
	results.killed(watched.name, boundary{after, since, 1})
}

// watchFault begins when the manager has reached a boundary. The watch that is open then stands still, or it is cut, and
// renewed answers what would begin it again.
type watchFault struct {
	since   string
	renewed kubeReply
	began   atomic.Int64
}

func (w *watchFault) meddle(m *manager, request *http.Request, next http.RoundTripper) (*http.Response, error) {
	if request.Method != http.MethodGet || !strings.HasSuffix(request.URL.Path, "/imageimports") {
		return next.RoundTrip(request)
	}
	if w.renewed != nil && w.active() {
		return w.renewed(request, next)
	}
	response, err := next.RoundTrip(request)
	if err == nil && request.URL.Query().Get("watch") != "" {
		response.Body = &watchBody{ReadCloser: response.Body, fault: w, manager: m}
	}
	return response, err
}

// active is true for a while from the moment on at which the fault began.
func (w *watchFault) active() bool {
	began := w.began.Load()
	return began != 0 && time.Since(time.Unix(0, began)) < disturbance
}

type watchBody struct {
	io.ReadCloser
	fault   *watchFault
	manager *manager
}

func (b *watchBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if b.manager.gate.reached()[b.fault.since] == 0 || !b.fault.began.CompareAndSwap(0, time.Now().UnixNano()) {
		return n, err
	}
	if b.fault.renewed != nil {
		return 0, errCut
	}
	still := time.NewTimer(disturbance)
	defer still.Stop()
	select {
	case <-still.C:
	case <-b.manager.run.ctx.Done():
	}
	return n, err
}
