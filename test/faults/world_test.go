// SPDX-License-Identifier: Apache-2.0

package faults

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	testclock "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ens-image-operator/ens-image-operator/api/v1alpha1"
	"github.com/ens-image-operator/ens-image-operator/controllers"
	"github.com/ens-image-operator/ens-image-operator/internal/enssim"
	"github.com/ens-image-operator/ens-image-operator/test/testenv"
)

const (
	accountID   = "1234567890123456"
	clusterUID  = types.UID("00000000-0000-4000-8000-00000000000a")
	imageName   = "ubuntu-golden"
	objectName  = "golden"
	secretName  = "ens-credentials"
	goldenKey   = "images/ubuntu.qcow2"
	goldenOSS   = "golden"
	foreignRows = 4
)

// world is one run: a namespace, a cloud account, a clock, and the processes of an operator one after another.
type world struct {
	t       *testing.T
	key     client.ObjectKey
	cluster types.UID
	clock   *testclock.FakePassiveClock
	cloud   *enssim.Simulator
	active  *process
	timing  controllers.Timing
	// noSwap takes the resourceVersion out of every write, to break the operator.
	noSwap bool

	// versions are all states of the object, as the watch delivers them. nil: it is gone.
	versions []*v1alpha1.ImageImport
	heldAt   int
	// read is the version that the present reconcile has read.
	read *v1alpha1.ImageImport

	plan     []*planned
	outages  []outage
	reached  map[site]int
	accepted bool
	deleting bool

	due         time.Time
	timers      []timer
	onReconcile []delivery
	reconciles  int
	// turns counts reconciles and looks.
	turns  int
	paced  []time.Time
	called []time.Time
	healed map[string]int
	curing bool

	// foreign are the images of others, by ID, with their names.
	foreign map[string]string
	// removed are images of ours that somebody else deleted.
	removed map[string]bool
	// canaries are the secrets that nothing may show.
	canaries []string
	// secrets are those of the keys that the operator got to know.
	secrets map[string]string
	keys    int

	mu         sync.Mutex
	told       strings.Builder
	violations []string
}

// newWorld has everything that an import needs, and an operator that has not yet seen the object.
func newWorld(t *testing.T, change ...func(*v1alpha1.ImageImport)) *world {
	t.Helper()
	// Timestamps that the apiserver sets are in real time, so virtual time begins there.
	now := time.Now().Truncate(time.Second)
	w := &world{
		t: t, key: client.ObjectKey{Namespace: testenv.Namespace(t), Name: objectName}, cluster: clusterUID,
		clock: testclock.NewFakePassiveClock(now), reached: map[site]int{}, healed: map[string]int{}, foreign: map[string]string{},
		secrets: map[string]string{}, removed: map[string]bool{}, timing: controllers.DefaultTiming(),
	}
	w.cloud = enssim.New(enssim.Options{Now: w.clock.Now})
	w.cloud.SetBehaviour(pessimistic)
	w.must(testenv.Client().Create(t.Context(), w.freshSecret()))
	w.cloud.PutObject(enssim.Object{Bucket: goldenOSS, Key: goldenKey})
	for i := range foreignRows {
		w.plantForeign(fmt.Sprintf("m-foreign%d", i), imageName+strings.Repeat("-x", i))
	}
	w.admit(w.create(change...))
	return w
}

// pessimistic is the cloud as bad as the protocol allows for.
func pessimistic(b *enssim.Behaviour) {
	d := func(d time.Duration) metav1.Duration { return metav1.Duration{Duration: d} }
	b.Steps = []enssim.Step{
		{Status: enssim.StatusCreating, Duration: d(15 * time.Second)},
		{Status: enssim.StatusPacking, Duration: d(15 * time.Second)},
		{Status: enssim.StatusUploading, Duration: d(50 * time.Second)},
	}
	b.ListLag, b.RenameLag, b.DeleteLag = d(time.Minute), d(7*time.Second), d(8*time.Second)
	b.Order = enssim.OrderShuffled
	b.TimestampWindow, b.NonceWindow = d(31*time.Minute), d(2*time.Hour)
}

// admit begins to run an operator for an object that has just been created.
func (w *world) admit(obj *v1alpha1.ImageImport) {
	w.versions = append(w.versions, obj)
	w.active = w.newProcess()
	w.wake(0)
}

func (w *world) manifest() *v1alpha1.ImageImport {
	return &v1alpha1.ImageImport{
		ObjectMeta: metav1.ObjectMeta{Name: w.key.Name, Namespace: w.key.Namespace},
		Spec: v1alpha1.ImageImportSpec{
			ImageName: imageName, OSType: "linux",
			Source:      v1alpha1.ImageSource{OSS: v1alpha1.OSSObject{Region: "cn-beijing", Bucket: goldenOSS, Object: goldenKey}},
			Credentials: v1alpha1.Credentials{SecretRef: v1alpha1.SecretReference{Name: secretName}},
		},
	}
}

func (w *world) create(change ...func(*v1alpha1.ImageImport)) *v1alpha1.ImageImport {
	obj := w.manifest()
	for _, f := range change {
		f(obj)
	}
	w.must(testenv.Client().Create(w.t.Context(), obj))
	return obj
}

// freshSecret makes a key pair with a security token that the cloud knows, and the Secret that holds it.
func (w *world) freshSecret() *corev1.Secret {
	w.keys++
	name := fmt.Sprintf("%s-%d", w.key.Namespace, w.keys)
	key := enssim.AccessKey{
		ID: "STS.canaryid-" + name, Secret: "canary-secret-" + name, SecurityToken: "canary-token-" + name, AccountID: accountID,
	}
	w.cloud.PutAccessKey(key)
	w.secrets[key.ID] = key.Secret
	w.canaries = append(w.canaries, key.Secret, key.SecurityToken, key.ID)
	return &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Name: secretName, Namespace: w.key.Namespace},
		StringData: map[string]string{"accessKeyID": key.ID, "accessKeySecret": key.Secret, "securityToken": key.SecurityToken},
	}
}

func (w *world) plantForeign(id, name string) {
	// Older than the object, or it could be this object's from before a loss.
	w.foreign[id] = name
	w.cloud.PutImage(enssim.Image{ImageID: id, ImageName: name, AccountID: accountID, CreationTime: w.clock.Now().Add(-time.Hour)})
}

// obj is the newest version of the object, nil when it is gone.
func (w *world) obj() *v1alpha1.ImageImport { return w.versions[len(w.versions)-1] }

func (w *world) gone() bool { return w.obj() == nil }

func (w *world) beingDeleted() bool { return w.gone() || w.obj().DeletionTimestamp != nil }

func (w *world) violate(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.violations = append(w.violations, fmt.Sprintf(format, args...))
}

// said keeps a line of the log, or an event.
func (w *world) said(line string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.told.WriteString(line + "\n")
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatalf("setting the world up: %v", err)
	}
}

// describe tells where the object stands.
func (w *world) describe() string {
	obj := w.obj()
	if obj == nil {
		return "the object is gone"
	}
	status, _ := json.Marshal(obj.Status.Conditions)
	failure, _ := json.Marshal(obj.Status.LastError)
	return fmt.Sprintf("reason %q, record %s, conditions %s, lastError %s", reason(obj), obj.Annotations[v1alpha1.ImportAnnotation], status, failure)
}
