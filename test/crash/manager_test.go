// SPDX-License-Identifier: Apache-2.0

package crash

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"sync"
	"time"

	"github.com/go-logr/logr/funcr"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/config"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"
	"sigs.k8s.io/yaml"

	"github.com/ens-image-operator/ens-image-operator/controllers"
	"github.com/ens-image-operator/ens-image-operator/internal/ens"
	"github.com/ens-image-operator/ens-image-operator/test/testenv"
)

const operatorUser = "system:serviceaccount:ens-image-operator-system:ens-image-operator"

// manager is one life of the operator. It has a gate, and a door to the cloud of its own, by which the cloud tells it
// from those before and after it.
type manager struct {
	run    *run
	number int
	gate   *gate
	server *httptest.Server
	cache  cache.Cache
	stop   context.CancelFunc
	// ended yields how the manager ended.
	ended chan error

	mu    sync.Mutex
	looks int
	woken bool
}

// start runs the next manager, wired as the operator is, with the rights of config/rbac and no others.
func (r *run) start(kill boundary) (*manager, error) {
	m := &manager{run: r, number: len(r.managers) + 1, gate: newGate(kill), ended: make(chan error, 1)}
	r.managers = append(r.managers, m)
	m.server = httptest.NewTLSServer(cloudGate{m})
	r.t.Cleanup(m.server.Close)
	roots := x509.NewCertPool()
	roots.AddCert(m.server.Certificate())
	endpoint, err := ens.NewEndpoint(ens.Config{Endpoint: m.server.URL, RootCAs: roots, CallTimeout: 5 * time.Second})
	if err != nil {
		return nil, err
	}

	access := testenv.Config()
	access.QPS = -1
	access.Impersonate = rest.ImpersonationConfig{UserName: operatorUser}
	access.Wrap(func(next http.RoundTripper) http.RoundTripper { return &kubeGate{manager: m, next: next} })
	skip := true
	mgr, err := ctrl.NewManager(access, ctrl.Options{
		LeaderElection: r.elects, LeaderElectionID: leaseName, LeaderElectionNamespace: r.ns,
		LeaseDuration: &leaseDuration, RenewDeadline: &renewDeadline, RetryPeriod: &retryPeriod,
		Scheme:     r.client.Scheme(),
		Logger:     funcr.New(func(string, string) {}, funcr.Options{}),
		Metrics:    metricsserver.Options{BindAddress: "0"},
		Cache:      cache.Options{DefaultNamespaces: map[string]cache.Config{r.ns: {}}},
		Controller: config.Controller{SkipNameValidation: &skip},
	})
	if err != nil {
		return nil, err
	}
	uid, err := controllers.ReadClusterUID(r.ctx, mgr.GetAPIReader())
	if err != nil {
		return nil, err
	}
	reconciler := &controllers.Reconciler{
		Client: mgr.GetClient(), APIReader: mgr.GetAPIReader(), Events: mgr.GetEventRecorder("ens-image-operator"),
		Endpoint: endpoint, ClusterUID: uid, Timing: timing(), Clock: heartbeat{manager: m},
	}
	if err := reconciler.SetupWithManager(r.ctx, mgr, controller.Options{MaxConcurrentReconciles: 2}); err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(r.ctx)
	m.cache, m.stop = mgr.GetCache(), stop
	go func() { m.ended <- mgr.Start(ctx) }()
	return m, nil
}

// end stops the manager and waits until nothing of it is left.
func (m *manager) end() error {
	if !m.gate.isClosed() {
		// controller-runtime (0.25) never returns from Start when it is stopped before its caches are filled.
		m.cache.WaitForCacheSync(m.run.ctx)
	}
	m.gate.shut()
	m.stop()
	select {
	case err := <-m.ended:
		m.ended <- err
		m.server.Close()
		return err
	case <-time.After(*patience):
		return errors.New("the manager does not end")
	}
}

// note writes down what this manager did, for the report of a failure.
func (m *manager) note(format string, values ...any) {
	m.run.note(fmt.Sprintf("manager %d: ", m.number)+format, values...)
}

// looked counts the answered looks at the cloud. What is late arrives when a manager after the first has looked twice:
// through the fuzzy search and through all images, so that it has found nothing for certain.
func (m *manager) looked() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.looks++; m.looks == 2 && m.number > 1 {
		m.run.release()
	}
}

// reconciled is true when the manager has reconciled at least once.
func (m *manager) reconciled() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.woken
}

// heartbeat is the clock of a Reconciler. Every reconcile asks it, which shows whether the operator is at rest.
type heartbeat struct {
	clock.RealClock
	manager *manager
}

func (h heartbeat) Now() time.Time {
	h.manager.mu.Lock()
	h.manager.woken = true
	h.manager.mu.Unlock()
	if !h.manager.gate.isClosed() {
		h.manager.run.touch()
	}
	return h.RealClock.Now()
}

var grant sync.Once

// grantOperatorRole gives the operator's user the generated ClusterRole, cluster-wide.
func grantOperatorRole(ctx context.Context) (err error) {
	grant.Do(func() {
		var raw []byte
		role := &rbacv1.ClusterRole{}
		if raw, err = os.ReadFile("../../config/rbac/role.yaml"); err != nil {
			return
		}
		if err = yaml.UnmarshalStrict(raw, role); err != nil {
			return
		}
		if err = testenv.Client().Create(ctx, role); err != nil {
			return
		}
		err = testenv.Client().Create(ctx, &rbacv1.ClusterRoleBinding{
			ObjectMeta: metav1.ObjectMeta{Name: role.Name},
			RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: role.Name},
			Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: operatorUser}},
		})
	})
	return err
}
