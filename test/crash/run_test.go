// SPDX-License-Identifier: Apache-2.0

package crash

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ens-image-operator/ens-image-operator/api/v1alpha1"
	"github.com/ens-image-operator/ens-image-operator/internal/enssim"
	"github.com/ens-image-operator/ens-image-operator/test/testenv"
)

const (
	accountID = "1234567890123456"
	keyID     = "AKID-crash"
	keySecret = "canary-secret-crash"
	region    = "cn-beijing"
	imageName = "ubuntu-golden"

	glance = 20 * time.Millisecond
)

// run is one performance of a scenario: a namespace, a cloud account and a line of managers of its own.
type run struct {
	t        *testing.T
	ctx      context.Context //nolint:containedctx // a run lives as long as its test
	client   client.Client
	ns       string
	scenario scenario
	cloud    *enssim.Simulator
	barrier  barrier
	// restarts is true when a killed manager is followed by another one.
	restarts bool
	// elects is true when the managers elect a leader, as they do in production.
	elects   bool
	managers []*manager
	// meddle comes between a manager and the apiserver in what is no boundary. Optional.
	meddle func(m *manager, request *http.Request, next http.RoundTripper) (*http.Response, error)
	// deposed is the manager that is to lose the lease, and so to end by itself.
	deposed *manager

	// released lets late requests arrive.
	released  chan struct{}
	releasing sync.Once
	underway  sync.WaitGroup

	mu          sync.Mutex
	began       time.Time
	acted       time.Time
	requests    int
	trace       []string
	foreign     map[string]enssim.Image
	accompanied map[string]bool
	violations  []violation
}

func newRun(t *testing.T, s scenario) *run {
	t.Helper()
	r := &run{
		t: t, ctx: t.Context(), client: testenv.Client(), ns: testenv.Namespace(t), scenario: s, cloud: newCloud(), restarts: true,
		released: make(chan struct{}), began: time.Now(), foreign: map[string]enssim.Image{}, accompanied: map[string]bool{},
	}
	// Images of others: one has the very name that the object asks for.
	// Older than the object: an image of that name that is not could be the object's own, and would stand in its way.
	r.putForeign(enssim.Image{ImageName: imageName, CreationTime: time.Now().Add(-time.Hour)})
	r.putForeign(enssim.Image{ImageName: "somebody-elses"})
	if s.cloud != nil {
		s.cloud(r.cloud)
	}
	if err := grantOperatorRole(r.ctx); err != nil {
		t.Fatal(err)
	}
	if err := r.client.Create(r.ctx, &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Name: "ens-credentials", Namespace: r.ns},
		StringData: map[string]string{"accessKeyID": keyID, "accessKeySecret": keySecret},
	}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() || testing.Verbose() {
			t.Logf("what happened:\n%s", strings.Join(r.trace, "\n"))
		}
	})
	return r
}

// imageImport is the object as a user writes it.
func (r *run) imageImport() *v1alpha1.ImageImport {
	return &v1alpha1.ImageImport{
		ObjectMeta: metav1.ObjectMeta{Name: "golden", Namespace: r.ns},
		Spec: v1alpha1.ImageImportSpec{
			ImageName:   imageName,
			Source:      v1alpha1.ImageSource{OSS: v1alpha1.OSSObject{Region: region, Bucket: bucket, Object: system}},
			OSType:      "linux",
			Credentials: v1alpha1.Credentials{SecretRef: v1alpha1.SecretReference{Name: "ens-credentials"}},
		},
	}
}

// perform plays the steps to the end, with one manager for each of the kills, and then ends the managers.
func (r *run) perform(kills ...boundary) {
	r.t.Helper()
	for _, kill := range kills {
		if _, err := r.start(kill); err != nil {
			r.t.Fatalf("starting a manager: %v", err)
		}
	}
	err := r.play()
	if err == nil {
		err = r.until("everything is at rest", r.atRest)
	}
	if err != nil {
		r.violated(wrongEnd, "it never came to its end: %v", err)
	}
	r.release()
	r.underway.Wait()
	for _, m := range r.managers {
		if err := m.end(); (err != nil) != (m == r.deposed) {
			r.t.Errorf("manager %d ends with: %v", m.number, err)
		}
	}
}

func (r *run) play() error {
	for _, act := range r.scenario.steps {
		if err := act(r); err != nil {
			return err
		}
	}
	return nil
}

// until waits for a condition and starts the next manager whenever one was killed.
func (r *run) until(what string, condition func() bool) error {
	tick := time.NewTicker(glance)
	defer tick.Stop()
	enough := time.NewTimer(*patience)
	defer enough.Stop()
	for {
		if err := r.bury(); err != nil {
			return err
		}
		if condition() {
			r.note("%s", what)
			return nil
		}
		select {
		case <-tick.C:
		case <-enough.C:
			return fmt.Errorf("not within %s: %s", *patience, what)
		case <-r.ctx.Done():
			return r.ctx.Err()
		}
	}
}

func (r *run) untilObject(what string, condition func(*v1alpha1.ImageImport) bool) error {
	return r.until(what, func() bool {
		obj := r.imageImport()
		err := r.client.Get(r.ctx, client.ObjectKeyFromObject(obj), obj)
		return err == nil && condition(obj)
	})
}

// bury ends the last manager when it was killed, and starts another one.
func (r *run) bury() error {
	last := r.managers[len(r.managers)-1]
	select {
	case <-last.gate.killed:
	default:
		return nil
	}
	if !r.restarts {
		return nil
	}
	if err := last.end(); err != nil {
		return err
	}
	_, err := r.start(boundary{})
	return err
}

// wasKilled is true when a kill has happened.
func (r *run) wasKilled() bool {
	for _, m := range r.managers {
		select {
		case <-m.gate.killed:
			return true
		default:
		}
	}
	return false
}
