// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"sync"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/rest"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"
	"sigs.k8s.io/yaml"

	"github.com/ens-image-operator/ens-image-operator/controllers"
	"github.com/ens-image-operator/ens-image-operator/internal/ens"
	"github.com/ens-image-operator/ens-image-operator/internal/enssim"
	"github.com/ens-image-operator/ens-image-operator/test/testenv"
)

const (
	operatorUser = "system:serviceaccount:ens-image-operator-system:ens-image-operator"
	accountID    = "1234567890123456"
	keyID        = "AKID-integration"
	keySecret    = "canary-secret-integration"
	// patience is how long a story waits for what must come. It is a bound for failures, not a measure.
	patience = 60 * time.Second
	glance   = 20 * time.Millisecond
)

// world is one story: a namespace, a cloud account and an operator of its own.
type world struct {
	*WithT
	t      *testing.T
	ctx    context.Context //nolint:containedctx // a world lives as long as its test
	client client.Client
	ns     string
	cloud  *enssim.Simulator
	server *httptest.Server
	timing controllers.Timing
	stop   context.CancelFunc
	// operator is the one that runs.
	operator *controllers.Reconciler
	// callsPerSecond, mostImports and selector are the operator's flags; 0 and nil are for no limits and all objects.
	callsPerSecond float64
	mostImports    int
	selector       labels.Selector
	// wrap stands between the operator and its Kubernetes client, transport between both and the apiserver. Optional.
	wrap      func(client.Client) client.Client
	transport func(http.RoundTripper) http.RoundTripper
}

// fast makes every wait of the operator short; the ratios stay those of production.
func fast() controllers.Timing {
	return controllers.Timing{
		Poll: 50 * time.Millisecond, Drift: 500 * time.Millisecond, Settle: 3 * time.Second, ListingLag: 2 * time.Second,
		Slow: time.Hour, Denied: time.Hour, SecretCheck: 100 * time.Millisecond,
		BackoffBase: 50 * time.Millisecond, BackoffMax: time.Second, Gather: 5 * time.Millisecond,
	}
}

// brisk makes every stage of an import in the cloud short.
func brisk(b *enssim.Behaviour) {
	short := func(d time.Duration) metav1.Duration { return metav1.Duration{Duration: d} }
	b.Steps = []enssim.Step{
		{Status: enssim.StatusCreating, Duration: short(100 * time.Millisecond)},
		{Status: enssim.StatusPacking, Duration: short(100 * time.Millisecond)},
	}
	b.ListLag, b.RenameLag, b.DeleteLag = short(30*time.Millisecond), short(30*time.Millisecond), short(30*time.Millisecond)
}

func newWorld(t *testing.T, change ...func(*world)) *world {
	t.Helper()
	t.Parallel()
	w := &world{WithT: NewWithT(t), t: t, ctx: t.Context(), client: testenv.Client(), ns: testenv.Namespace(t), timing: fast()}
	w.cloud = enssim.New(enssim.Options{})
	w.cloud.SetBehaviour(brisk)
	w.cloud.PutAccessKey(enssim.AccessKey{ID: keyID, Secret: keySecret, AccountID: accountID})
	w.cloud.PutObject(enssim.Object{Bucket: "golden", Key: "images/ubuntu.qcow2"})
	w.server = httptest.NewTLSServer(w.cloud)
	t.Cleanup(w.server.Close)
	for _, f := range change {
		f(w)
	}
	w.start()
	return w
}

// start runs an operator for the namespace, with the rights of config/rbac and no others.
func (w *world) start() {
	w.t.Helper()
	roots := x509.NewCertPool()
	roots.AddCert(w.server.Certificate())
	endpoint, err := ens.NewEndpoint(ens.Config{Endpoint: w.server.URL, RootCAs: roots, CallTimeout: 2 * time.Second})
	w.Expect(err).NotTo(HaveOccurred())

	config := testenv.Config()
	config.QPS = -1
	grantOperatorRole(w.t)
	config.Impersonate = rest.ImpersonationConfig{UserName: operatorUser}
	if w.transport != nil {
		config.Wrap(w.transport)
	}
	skip := true
	mgr, err := ctrl.NewManager(config, ctrl.Options{
		Scheme:  w.client.Scheme(),
		Metrics: metricsserver.Options{BindAddress: "0"},
		Cache: cache.Options{
			DefaultNamespaces: map[string]cache.Config{w.ns: {}}, DefaultLabelSelector: w.selector, DefaultTransform: controllers.TrimForCache,
		},
		Controller: ctrlConfig(&skip),
	})
	w.Expect(err).NotTo(HaveOccurred())
	uid, err := controllers.ReadClusterUID(w.ctx, mgr.GetAPIReader())
	w.Expect(err).NotTo(HaveOccurred())
	kube := mgr.GetClient()
	if w.wrap != nil {
		kube = w.wrap(kube)
	}
	w.operator = &controllers.Reconciler{
		Client: kube, APIReader: mgr.GetAPIReader(), Events: mgr.GetEventRecorder("ens-image-operator"),
		Endpoint: endpoint, ClusterUID: uid, Timing: w.timing, Clock: clock.RealClock{},
		CallsPerSecond: w.callsPerSecond, MaxConcurrentImports: w.mostImports, Sharded: w.selector != nil,
	}
	w.Expect(w.operator.SetupWithManager(w.ctx, mgr, controller.Options{MaxConcurrentReconciles: 4})).To(Succeed())

	ctx, cancel := context.WithCancel(w.ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := mgr.Start(ctx); err != nil {
			w.t.Errorf("the operator ended: %v", err)
		}
	}()
	w.stop = func() { cancel(); <-done }
	w.t.Cleanup(w.stop)
}

// revive serves the cloud again, at an address it had before.
func (w *world) revive(address string) {
	w.t.Helper()
	certificates := w.server.TLS.Certificates
	listener, err := (&net.ListenConfig{}).Listen(w.ctx, "tcp", address)
	w.Expect(err).NotTo(HaveOccurred())
	w.server = httptest.NewUnstartedServer(w.cloud)
	w.server.Listener.Close()
	w.server.Listener = listener
	w.server.TLS = &tls.Config{Certificates: certificates, MinVersion: tls.VersionTLS12}
	w.server.StartTLS()
	w.t.Cleanup(w.server.Close)
}

var grant sync.Once

// grantOperatorRole gives the operator's user the generated ClusterRole, cluster-wide.
func grantOperatorRole(t *testing.T) {
	t.Helper()
	grant.Do(func() {
		g := NewWithT(t)
		raw, err := os.ReadFile("../../config/rbac/role.yaml")
		g.Expect(err).NotTo(HaveOccurred())
		role := &rbacv1.ClusterRole{}
		g.Expect(yaml.UnmarshalStrict(raw, role)).To(Succeed())
		g.Expect(testenv.Client().Create(t.Context(), role)).To(Succeed())
		g.Expect(testenv.Client().Create(t.Context(), &rbacv1.ClusterRoleBinding{
			ObjectMeta: metav1.ObjectMeta{Name: role.Name},
			RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: role.Name},
			Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: operatorUser}},
		})).To(Succeed())
	})
}

func (w *world) secret(id, secret string) *corev1.Secret {
	return &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Name: "ens-credentials", Namespace: w.ns},
		StringData: map[string]string{"accessKeyID": id, "accessKeySecret": secret},
	}
}

// credentials creates the Secret that objects of this world refer to.
func (w *world) credentials() {
	w.t.Helper()
	w.Expect(w.client.Create(w.ctx, w.secret(keyID, keySecret))).To(Succeed())
}
