// SPDX-License-Identifier: Apache-2.0

// Package testenv gives a test package a real kube-apiserver and etcd with this project's CRDs installed.
//
// Call Main from TestMain; it starts one control plane for the whole package. Tests run in parallel on it, each in a
// namespace of its own:
//
//	func TestMain(m *testing.M) { os.Exit(testenv.Main(m)) }
//
//	func TestImport(t *testing.T) {
//		t.Parallel()
//		ns := testenv.Namespace(t)
//		err := testenv.Client().Create(t.Context(), imageImport(ns))
//		...
//	}
//
// Only the apiserver and etcd run: no controller manager, so nothing ever finishes deleting a namespace, collects
// garbage or makes default service accounts. To see the output of both, set
// KUBEBUILDER_ATTACH_CONTROL_PLANE_OUTPUT=true.
package testenv

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/klog/v2/textlogger"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	ensv1alpha1 "github.com/ens-image-operator/ens-image-operator/api/v1alpha1"
)

// running is the control plane of this test binary. Main sets it before the first test runs.
var running *controlPlane

type controlPlane struct {
	env    envtest.Environment
	client client.Client
	// root is the repository's directory, assets that of the control plane's binaries.
	root, assets string
}

// Main starts the control plane, runs the tests of m, stops the control plane and returns the exit code for os.Exit.
// A control plane that cannot start fails the package; it never skips its tests.
//
// Logs of controller-runtime go to stderr, which "go test" shows for failing packages only.
func Main(m *testing.M) int {
	ctrl.SetLogger(textlogger.NewLogger(textlogger.NewConfig()))

	var err error
	if running, err = start(); err != nil {
		fmt.Fprintln(os.Stderr, "testenv:", err)
		return 1
	}
	code := m.Run()
	if err := running.env.Stop(); err != nil {
		fmt.Fprintln(os.Stderr, "testenv: stopping the control plane:", err)
		return max(code, 1)
	}
	return code
}

// Config returns a copy of the administrator's access to the control plane, free to be changed by the caller.
func Config() *rest.Config { return rest.CopyConfig(mustRun().env.Config) }

// Client returns the administrator's client: no cache, the built-in types and ImageImport in its scheme, shared by
// all tests.
func Client() client.Client { return mustRun().client }

// Namespace creates a namespace for this test alone and returns its name. It stays after the test: the whole control
// plane is thrown away in the end.
func Namespace(tb testing.TB) string {
	tb.Helper()
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "test-"}}
	if err := Client().Create(tb.Context(), ns); err != nil {
		tb.Fatalf("creating a namespace: %v", err)
	}
	tb.Logf("namespace %s", ns.Name)
	return ns.Name
}

func mustRun() *controlPlane {
	if running == nil {
		panic("testenv: no control plane: call testenv.Main from TestMain")
	}
	return running
}

func start() (*controlPlane, error) {
	root, err := repositoryRoot()
	if err != nil {
		return nil, err
	}
	assets, err := findAssets(root)
	if err != nil {
		return nil, err
	}
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, ensv1alpha1.AddToScheme} {
		if err := add(scheme); err != nil {
			return nil, fmt.Errorf("building the scheme: %w", err)
		}
	}

	cp := &controlPlane{root: root, assets: assets, env: envtest.Environment{
		BinaryAssetsDirectory: assets,
		CRDDirectoryPaths:     []string{filepath.Join(root, "config", "crd", "bases")},
		ErrorIfCRDPathMissing: true,
		Scheme:                scheme,
		UseExistingCluster:    new(false),
	}}
	config, err := cp.env.Start()
	if err == nil {
		cp.client, err = client.New(config, client.Options{Scheme: scheme})
	}
	if err != nil {
		// What did start must not stay behind; the error that matters is the first one.
		_ = cp.env.Stop()
		return nil, fmt.Errorf("starting the control plane of %s: %w", assets, err)
	}
	return cp, nil
}
