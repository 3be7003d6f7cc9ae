// SPDX-License-Identifier: Apache-2.0

package testenv

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
)

// kubernetesVersion finds the version in hack/controlplane/go.mod, the one place that names it.
var kubernetesVersion = regexp.MustCompile(`(?m)^\s*k8s\.io/kubernetes v(\S+)`)

// findAssets returns the directory that holds kube-apiserver, etcd and kubectl: KUBEBUILDER_ASSETS when set, else the
// one "make envtest" built. envtest would fall back to /usr/local silently, so whatever is missing is told here.
func findAssets(root string) (string, error) {
	dir := os.Getenv("KUBEBUILDER_ASSETS")
	cure := "correct or unset KUBEBUILDER_ASSETS"
	if dir == "" {
		cure = "run make envtest"
		goMod, err := os.ReadFile(filepath.Join(root, "hack", "controlplane", "go.mod"))
		if err != nil {
			return "", err
		}
		match := kubernetesVersion.FindSubmatch(goMod)
		if match == nil {
			return "", errors.New("hack/controlplane/go.mod does not require k8s.io/kubernetes")
		}
		dir = filepath.Join(root, "bin", "k8s", string(match[1]))
	}
	for _, name := range []string{"kube-apiserver", "etcd", "kubectl"} {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			return "", fmt.Errorf("no control plane binaries: %w: %s", err, cure)
		}
	}
	return dir, nil
}

// repositoryRoot walks up from the working directory, which "go test" sets to the package's directory.
func repositoryRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "hack", "controlplane", "go.mod")); err == nil {
			return dir, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", errors.New("the working directory is not inside the repository")
		}
		dir = parent
	}
}
