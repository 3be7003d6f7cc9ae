// SPDX-License-Identifier: Apache-2.0

// Command localcluster runs etcd and kube-apiserver on this machine until it is told to stop (SIGINT, SIGTERM), with
// RBAC on and free ports. Their binaries come from KUBEBUILDER_ASSETS. All data is in a temporary directory and gone
// in the end. No controller manager runs: no pods, no garbage collection, no default service accounts.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/go-logr/logr"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
)

func main() {
	// A set of its own: controller-runtime registers a --kubeconfig of another meaning in the common one.
	flags := flag.NewFlagSet("localcluster", flag.ExitOnError)
	kubeconfig := flags.String("kubeconfig", "", "`file` that the administrator's kubeconfig is written to; required")
	logFile := flags.String("log-file", "", "`file` for the output of etcd and kube-apiserver; nowhere by default")
	_ = flags.Parse(os.Args[1:])
	if *kubeconfig == "" || flags.NArg() > 0 {
		fmt.Fprintln(os.Stderr, "usage: localcluster --kubeconfig FILE [--log-file FILE]")
		os.Exit(2)
	}

	if err := run(*kubeconfig, *logFile); err != nil {
		fmt.Fprintln(os.Stderr, "localcluster:", err)
		os.Exit(1)
	}
}

func run(kubeconfig, logFile string) error {
	// envtest would look in /usr/local otherwise.
	if os.Getenv("KUBEBUILDER_ASSETS") == "" {
		return errors.New("KUBEBUILDER_ASSETS must name the directory of kube-apiserver, etcd and kubectl")
	}
	ctrl.SetLogger(logr.Discard())

	// Caught from here on, so that an early signal cannot leave etcd behind.
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGINT, syscall.SIGTERM)

	env := envtest.Environment{UseExistingCluster: new(false)}
	if logFile != "" {
		log, err := os.Create(logFile) //nolint:gosec // the file that the user named
		if err != nil {
			return fmt.Errorf("opening the log file: %w", err)
		}
		defer func() { _ = log.Close() }()
		captureOutput(&env, log)
	}

	_, err := env.Start()
	if err == nil {
		err = os.WriteFile(kubeconfig, env.KubeConfig, 0o600)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("starting the control plane: %w", err), env.Stop())
	}
	fmt.Printf("control plane ready at %s\n", env.Config.Host)
	<-stop
	return env.Stop()
}

func captureOutput(env *envtest.Environment, log io.Writer) {
	apiServer := env.ControlPlane.GetAPIServer()
	apiServer.Out, apiServer.Err = log, log
	env.ControlPlane.Etcd = &envtest.Etcd{Out: log, Err: log}
}
