// SPDX-License-Identifier: Apache-2.0

package crash

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/ens-image-operator/ens-image-operator/api/v1alpha1"
)

const kubeIntent = "kube-PATCH-imageimports"

// kubeGate lets the requests of one manager to the apiserver through its gate. Boundaries are the writes to ImageImports
// and their status. Events are none: nothing rests on them, and they come from another goroutine at any time.
type kubeGate struct {
	*manager
	next http.RoundTripper
}

func (k *kubeGate) RoundTrip(request *http.Request) (*http.Response, error) {
	kind := kubeBoundary(request)
	if kind == "" {
		if k.gate.isClosed() {
			return nil, errKilled
		}
		if k.run.meddle != nil {
			return k.answer(k.run.meddle(k.manager, request, k.next))
		}
		return k.answer(k.next.RoundTrip(request))
	}
	defer k.run.busy()()
	if kind == kubeIntent {
		k.run.barrier.wait(k.manager)
	}
	at, ordinal, err := k.gate.enter(kind)
	if err != nil {
		return nil, err
	}
	if at == before {
		k.note("%s-%d is not sent: killed", kind, ordinal)
		close(k.gate.killed)
		return nil, errKilled
	}
	if err := k.checkFinalizerIsLast(request); err != nil {
		return nil, err
	}
	response, err := k.next.RoundTrip(request)
	if err == nil {
		k.note("%s-%d: %s", kind, ordinal, response.Status)
	}
	if at == after {
		k.note("killed")
		close(k.gate.killed)
	}
	return k.answer(response, err)
}

// answer delivers the answer only to a living manager.
func (k *kubeGate) answer(response *http.Response, err error) (*http.Response, error) {
	if err == nil && k.gate.isClosed() {
		_ = response.Body.Close()
		return nil, errKilled
	}
	return response, err
}

// kubeBoundary names the kind of boundary that a request is, empty for none.
func kubeBoundary(request *http.Request) string {
	path := strings.Split(strings.Trim(request.URL.Path, "/"), "/")
	// apis, group, version, "namespaces", namespace, resource, name, subresource
	if request.Method == http.MethodGet || len(path) < 6 || path[1] != v1alpha1.GroupVersion.Group || path[5] != "imageimports" {
		return ""
	}
	kind := "kube-" + request.Method + "-imageimports"
	if len(path) > 7 {
		kind += "-" + path[7]
	}
	return kind
}

// checkFinalizerIsLast looks into the cloud when the finalizer is about to go.
func (k *kubeGate) checkFinalizerIsLast(request *http.Request) error {
	body, err := io.ReadAll(request.Body)
	if err != nil {
		return err
	}
	request.Body = io.NopCloser(bytes.NewReader(body))
	var patch struct {
		Metadata map[string]json.RawMessage `json:"metadata"`
	}
	if err := json.Unmarshal(body, &patch); err != nil {
		return err
	}
	written, touched := patch.Metadata["finalizers"]
	var kept []string
	if !touched || json.Unmarshal(written, &kept) == nil && slices.Contains(kept, v1alpha1.ImageFinalizer) {
		return nil
	}
	if left := k.run.ownImages(); len(left) > k.run.scenario.leaves {
		k.run.violated(wrongEnd, "finalizer last: the finalizer goes while %s is in the cloud", names(left))
	}
	return nil
}
