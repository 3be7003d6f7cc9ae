// SPDX-License-Identifier: Apache-2.0

package faults

import (
	"context"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/go-logr/logr/funcr"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/ens-image-operator/ens-image-operator/controllers"
	"github.com/ens-image-operator/ens-image-operator/internal/ens"
	"github.com/ens-image-operator/ens-image-operator/test/testenv"
)

// process is one run of the operator. It keeps nothing that outlives it.
type process struct {
	w          *world
	reconciler *controllers.Reconciler
	// dead processes neither send nor hear anything: what is left of their reconcile has no effect.
	dead bool
	// failures counts the errors in a row, for the backoff of the work queue.
	failures int
}

var processCount atomic.Int64

func (w *world) newProcess() *process {
	p := &process{w: w}
	name := fmt.Sprintf("fault-process-%d", processCount.Add(1))
	processes.Store(name, p)
	w.t.Cleanup(func() { processes.Delete(name) })

	transport, err := sharedTransport()
	w.must(err)
	kube, err := client.New(&rest.Config{Host: testenv.Config().Host, QPS: -1}, client.Options{
		HTTPClient: &http.Client{Transport: &kubeWire{w: w, p: p, next: transport}},
		Scheme:     testenv.Client().Scheme(), Mapper: testenv.Client().RESTMapper(),
	})
	w.must(err)
	endpoint, err := ens.NewEndpoint(ens.Config{
		// A fault breaks connections and never stalls them, so that this timeout is for a broken test only.
		Endpoint: cloudServer().URL, RootCAs: cloudRoots(), CallTimeout: time.Minute, UserAgent: name,
	})
	w.must(err)
	p.reconciler = &controllers.Reconciler{
		Client: &cached{Client: kube, w: w, p: p}, APIReader: kube, Events: recorder{w}, Endpoint: endpoint,
		ClusterUID: w.cluster, Timing: w.timing, Clock: w.clock,
		Wake: func(types.NamespacedName, bool) { p.wake() },
	}
	return p
}

// reconcile runs the process once, as a worker of the work queue does.
func (p *process) reconcile() (result ctrl.Result, err error) {
	defer func() {
		if panicked := recover(); panicked != nil {
			p.w.violate("the reconciler panicked: %v", panicked)
			err = fmt.Errorf("panic: %v", panicked)
		}
	}()
	return p.reconciler.Reconcile(p.context(), ctrl.Request{NamespacedName: p.w.key})
}

// wake puts the object into the work queue of the process.
func (p *process) wake() {
	if p == p.w.active && !p.dead {
		p.w.wake(0)
	}
}

// nextLook is when the process looks at the cloud next, zero for never.
func (p *process) nextLook() time.Time { return p.reconciler.NextLook() }

// look has the process look at the cloud.
func (p *process) look() { p.reconciler.LookNow(p.context()) }

func (p *process) context() context.Context {
	logger := funcr.New(func(prefix, args string) { p.w.said(prefix + " " + args) }, funcr.Options{Verbosity: 10})
	return log.IntoContext(p.w.t.Context(), logger)
}

// recorder keeps events for the search for secrets.
type recorder struct{ w *world }

func (r recorder) Eventf(_, _ runtime.Object, kind, reason, action, note string, args ...any) {
	r.w.said(fmt.Sprintf("event %s %s %s "+note, append([]any{kind, reason, action}, args...)...))
}
