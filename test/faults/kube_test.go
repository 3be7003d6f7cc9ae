// SPDX-License-Identifier: Apache-2.0

package faults

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ens-image-operator/ens-image-operator/api/v1alpha1"
	"github.com/ens-image-operator/ens-image-operator/test/testenv"
)

// errCut is no error that client-go would repeat a request for.
var errCut = errors.New("the connection to the apiserver was cut by a fault")

// sharedTransport keeps one connection to the apiserver for all worlds.
var sharedTransport = sync.OnceValues(func() (http.RoundTripper, error) { return rest.TransportFor(testenv.Config()) })

// kubeWire carries the requests of one process to the apiserver.
type kubeWire struct {
	w    *world
	p    *process
	next http.RoundTripper
}

func (k *kubeWire) RoundTrip(request *http.Request) (*http.Response, error) {
	var body []byte
	if request.Body != nil {
		var err error
		if body, err = io.ReadAll(request.Body); err != nil {
			return nil, err
		}
		_ = request.Body.Close()
	}
	if k.w.noSwap {
		body = resourceVersion.ReplaceAll(body, nil)
		request.ContentLength = int64(len(body))
	}
	x := &exchange{w: k.w, p: k.p, site: kubeSite(request, body)}
	x.execute = func() *reply { return k.deliver(request, body) }
	answer := k.w.pass(x)
	if answer == nil {
		return nil, errCut
	}
	return &http.Response{
		StatusCode: answer.status, Status: http.StatusText(answer.status), Header: answer.header.Clone(), Request: request,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Body: io.NopCloser(bytes.NewReader(answer.body)), ContentLength: int64(len(answer.body)),
	}, nil
}

// deliver does not depend on the sender: a request on its way arrives although nobody waits any more.
func (k *kubeWire) deliver(request *http.Request, body []byte) *reply {
	sent := request.Clone(context.WithoutCancel(request.Context()))
	if body != nil {
		sent.Body = io.NopCloser(bytes.NewReader(body))
	}
	response, err := k.next.RoundTrip(sent)
	if err != nil {
		k.w.violate("the apiserver did not answer: %v", err)
		return nil
	}
	defer response.Body.Close()
	answer := &reply{status: response.StatusCode, header: response.Header}
	if answer.body, err = io.ReadAll(response.Body); err != nil {
		k.w.violate("the apiserver's answer broke off: %v", err)
		return nil
	}
	if strings.Contains(request.URL.Path, "/imageimports/") && response.StatusCode == http.StatusOK {
		obj := &v1alpha1.ImageImport{}
		if err := json.Unmarshal(answer.body, obj); err != nil {
			k.w.violate("the apiserver's answer cannot be read: %v", err)
			return nil
		}
		k.w.observed(obj)
	}
	return answer
}

func kubeSite(request *http.Request, body []byte) site {
	path := request.URL.Path
	switch {
	case strings.Contains(path, "/secrets/"):
		return secretGet
	case !strings.Contains(path, "/imageimports/"):
		return nowhere
	case request.Method == http.MethodGet:
		return liveGet
	case request.Method != http.MethodPatch:
		return nowhere
	case strings.HasSuffix(path, "/status") && bytes.Contains(body, []byte(`"imageID":"`)):
		return acceptPatch
	case strings.HasSuffix(path, "/status"):
		return statusPatch
	case bytes.Contains(body, []byte(v1alpha1.ImportAnnotation)):
		return intentPatch
	}
	return releasePatch
}

// cached is the client of a manager: it reads objects from a cache, and writes to the apiserver.
type cached struct {
	client.Client
	w *world
	p *process
}

func (c *cached) Get(ctx context.Context, key client.ObjectKey, obj client.Object, options ...client.GetOption) error {
	into, isImport := obj.(*v1alpha1.ImageImport)
	if !isImport {
		return c.Client.Get(ctx, key, obj, options...)
	}
	if version := c.w.fromCache(); version != nil {
		version.DeepCopyInto(into)
		return nil
	}
	return apierrors.NewNotFound(v1alpha1.GroupVersion.WithResource("imageimports").GroupResource(), key.Name)
}

// fromCache is the object as the cache has it: as it is, or as it was some writes ago. nil is an object that is not there.
func (w *world) fromCache() *v1alpha1.ImageImport {
	w.reached[cacheRead]++
	newest := len(w.versions) - 1
	for _, p := range w.plan {
		since := w.reached[cacheRead] - p.nth
		if p.site != cacheRead || since < 0 || since >= len(p.fault.lags) {
			continue
		}
		p.hit = true
		if lag := p.fault.lags[since]; lag == held {
			// A watch that hangs shows what it showed when it began to hang.
			if w.heldAt == 0 {
				w.heldAt = newest
			}
			newest = min(newest, w.heldAt-1)
		} else {
			newest -= lag
		}
	}
	w.read = w.versions[max(newest, 0)]
	return w.read
}
