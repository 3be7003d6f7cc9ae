// SPDX-License-Identifier: Apache-2.0

package testenv

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Deploy installs config/default as "make deploy" does: the roles with their bindings and the admission policy. No pod
// ever starts. The apiserver obeys new roles and policies with a short delay.
func Deploy(tb testing.TB) {
	tb.Helper()
	if out, err := Kubectl(tb, "", "apply", "-k", filepath.Join(mustRun().root, "config", "default")); err != nil {
		tb.Fatalf("deploying config/default: %v: %s", err, out)
	}
}

// Kubectl runs the real kubectl as the administrator, and as anybody else with --as, and returns what it printed.
func Kubectl(tb testing.TB, stdin string, args ...string) (string, error) {
	tb.Helper()
	home := tb.TempDir()
	kubeconfig := filepath.Join(home, "kubeconfig")
	if err := os.WriteFile(kubeconfig, mustRun().env.KubeConfig, 0o600); err != nil {
		tb.Fatalf("writing the kubeconfig: %v", err)
	}
	args = append([]string{"--kubeconfig", kubeconfig, "--cache-dir", filepath.Join(home, "cache")}, args...)
	command := exec.CommandContext(tb.Context(), filepath.Join(mustRun().assets, "kubectl"), args...)
	command.Stdin = strings.NewReader(stdin)
	out, err := command.CombinedOutput()
	return string(out), err
}
