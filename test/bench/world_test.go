// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"context"
	"encoding/pem"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ens-image-operator/ens-image-operator/api/v1alpha1"
	"github.com/ens-image-operator/ens-image-operator/internal/enssim"
	"github.com/ens-image-operator/ens-image-operator/test/testenv"
)

const (
	accountID = "1234567890123456"
	keyID     = "AKID-bench"
	keySecret = "secret-of-the-bench"
	// writers is how many create objects at the same time, workers how many an operator works on.
	writers = 10
)

// world is the control plane and the cloud that all contestants meet.
type world struct {
	t        *testing.T
	ctx      context.Context //nolint:containedctx // a world lives as long as its benchmark
	client   client.Client
	core     kubernetes.Interface
	cloud    *enssim.Simulator
	address  string
	dir      string
	binaries string

	mu    sync.Mutex
	calls map[string]int
}

func newWorld(t *testing.T, binaries string) *world {
	t.Helper()
	w := &world{t: t, ctx: t.Context(), dir: t.TempDir(), binaries: binaries, calls: map[string]int{}}
	config := testenv.Config()
	config.QPS = -1
	var err error
	w.client, err = client.New(config, client.Options{Scheme: testenv.Client().Scheme()})
	w.must(err)
	w.core, err = kubernetes.NewForConfig(config)
	w.must(err)
	w.cloud = enssim.New(enssim.Options{OnCall: w.count})
	w.cloud.PutAccessKey(enssim.AccessKey{ID: keyID, Secret: keySecret, AccountID: accountID})
	w.cloud.PutObject(enssim.Object{Bucket: "golden", Key: "ubuntu.qcow2"})
	server := httptest.NewTLSServer(w.cloud)
	t.Cleanup(server.Close)
	w.address = server.URL
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	w.must(os.WriteFile(filepath.Join(w.dir, "ca.pem"), certificate, 0o600))
	w.must(clientcmd.WriteToFile(kubeconfig(config), filepath.Join(w.dir, "kubeconfig")))
	return w
}

func kubeconfig(config *rest.Config) clientcmdapi.Config {
	return clientcmdapi.Config{
		Clusters: map[string]*clientcmdapi.Cluster{"bench": {Server: config.Host, CertificateAuthorityData: config.CAData}},
		AuthInfos: map[string]*clientcmdapi.AuthInfo{"bench": {
			ClientCertificateData: config.CertData, ClientKeyData: config.KeyData,
		}},
		Contexts:       map[string]*clientcmdapi.Context{"bench": {Cluster: "bench", AuthInfo: "bench"}},
		CurrentContext: "bench",
	}
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// takes sets how long an import takes in the cloud, and forgets what was there.
func (w *world) takes(d time.Duration) {
	for _, image := range w.cloud.Images() {
		w.cloud.RemoveImage(image.ImageID)
	}
	w.cloud.SetBehaviour(func(b *enssim.Behaviour) {
		b.Steps, b.ListLag, b.RenameLag = []enssim.Step{{Status: enssim.StatusCreating, Duration: metav1.Duration{Duration: d}}}, metav1.Duration{}, metav1.Duration{}
	})
}

// count counts the calls by their action. The simulator's own history would grow without end.
func (w *world) count(call enssim.Call) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.calls[call.Action]++
}

func (w *world) called(actions ...string) (calls int) {
	w.cloud.ClearHistory()
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, action := range actions {
		calls += w.calls[action]
	}
	return calls
}

// namespace makes a namespace with credentials.
func (w *world) namespace() string {
	w.t.Helper()
	name := testenv.Namespace(w.t)
	w.must(w.client.Create(w.ctx, &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Name: "credentials", Namespace: name},
		StringData: map[string]string{"accessKeyID": keyID, "accessKeySecret": keySecret},
	}))
	return name
}

func imageImport(namespace string, i int) *v1alpha1.ImageImport {
	name := fmt.Sprintf("golden-%05d", i)
	return &v1alpha1.ImageImport{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: namespace},
		Spec: v1alpha1.ImageImportSpec{
			ImageName: name, OSType: "linux",
			Source:      v1alpha1.ImageSource{OSS: v1alpha1.OSSObject{Region: "cn-beijing", Bucket: "golden", Object: "ubuntu.qcow2"}},
			Credentials: v1alpha1.Credentials{SecretRef: v1alpha1.SecretReference{Name: "credentials"}},
		},
	}
}

// create makes the objects from the first to before the last.
func (w *world) create(namespace string, first, last int) {
	w.t.Helper()
	w.each(first, last, func(ctx context.Context, i int) error { return w.client.Create(ctx, imageImport(namespace, i)) })
}

// each calls f for all numbers, with as many writers as there are.
func (w *world) each(first, last int, f func(context.Context, int) error) {
	w.t.Helper()
	group, ctx := errgroup.WithContext(w.ctx)
	group.SetLimit(writers)
	for i := first; i < last; i++ {
		group.Go(func() error { return f(ctx, i) })
	}
	w.must(group.Wait())
}

// until waits for a condition.
func (w *world) until(what string, patience time.Duration, condition func() bool) {
	w.t.Helper()
	deadline := time.Now().Add(patience)
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for !condition() {
		if time.Now().After(deadline) {
			w.t.Fatalf("%s: not within %s", what, patience)
		}
		<-tick.C
	}
}

// ready counts the objects that are.
func (w *world) ready(namespace string) (count int) {
	list := &v1alpha1.ImageImportList{}
	w.must(w.client.List(w.ctx, list, client.InNamespace(namespace), &client.ListOptions{Raw: &metav1.ListOptions{ResourceVersion: "0"}}))
	for i := range list.Items {
		if isReady(&list.Items[i]) {
			count++
		}
	}
	return count
}

func isReady(obj *v1alpha1.ImageImport) bool {
	return meta.IsStatusConditionTrue(obj.Status.Conditions, v1alpha1.ConditionReady)
}

// untilReady waits until so many objects are Ready. It begins to look when the last calls were made, for looking costs as well.
func (w *world) untilReady(namespace string, objects int, last string) {
	w.t.Helper()
	w.until("last calls for all objects", 15*time.Minute, func() bool { return w.called(last) >= objects })
	w.until("all objects are Ready", 5*time.Minute, func() bool { return w.ready(namespace) == objects })
}

// writes are those that the apiserver has answered, by what was written.
func (w *world) writes() map[string]int {
	w.t.Helper()
	raw, err := w.core.Discovery().RESTClient().Get().AbsPath("/metrics").DoRaw(w.ctx)
	w.must(err)
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(string(raw)))
	w.must(err)
	written := map[string]int{}
	for _, metric := range families["apiserver_request_total"].GetMetric() {
		labels := map[string]string{}
		for _, pair := range metric.GetLabel() {
			labels[pair.GetName()] = pair.GetValue()
		}
		reads := labels["verb"] == "GET" || labels["verb"] == "LIST" || labels["verb"] == "WATCH"
		if reads || labels["resource"] != "imageimports" && labels["resource"] != "events" {
			continue
		}
		kind := labels["resource"]
		if labels["subresource"] != "" {
			kind += "/" + labels["subresource"]
		}
		written[labels["verb"]+" "+kind] += int(metric.GetCounter().GetValue())
	}
	return written
}

// since are the writes that came after others. POST of ImageImports is the bench's own.
func since(before, after map[string]int) (objects, events int) {
	for kind, count := range after {
		switch {
		case strings.HasSuffix(kind, " events"):
			events += count - before[kind]
		case kind != "POST imageimports":
			objects += count - before[kind]
		}
	}
	return objects, events
}
