// SPDX-License-Identifier: Apache-2.0

// Command manager is the operator: it watches ImageImports and imports their images into ENS.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"

	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/healthz"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/ens-image-operator/ens-image-operator/api/v1alpha1"
	"github.com/ens-image-operator/ens-image-operator/controllers"
	"github.com/ens-image-operator/ens-image-operator/internal/ens"
	"github.com/ens-image-operator/ens-image-operator/internal/version"
)

func main() {
	if err := run(ctrl.SetupSignalHandler(), os.Args[1:]); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "manager:", err)
		os.Exit(1)
	}
}

type options struct {
	endpoint, region          string
	metricsAddress, probeAddr string
	leaderElect, showVersion  bool
	leaderNamespace           string
	concurrentReconciles      int
	timing                    controllers.Timing
	log                       zap.Options
}

func parse(args []string) (*options, error) {
	o := &options{timing: controllers.DefaultTiming()}
	flags := flag.NewFlagSet("manager", flag.ContinueOnError)
	flags.StringVar(&o.endpoint, "ens-endpoint", ens.DefaultEndpoint, "host, host:port or https://host:port of the ENS API; accounts of the international site use ens.ap-southeast-1.aliyuncs.com")
	flags.StringVar(&o.region, "ens-region", ens.DefaultRegion, "RegionId sent to the ENS API")
	flags.DurationVar(&o.timing.Poll, "poll-interval", o.timing.Poll, "how often an import in flight is looked at")
	flags.DurationVar(&o.timing.Drift, "drift-interval", o.timing.Drift, "how often an available image is looked at")
	flags.DurationVar(&o.timing.Settle, "settle-time", o.timing.Settle, "how long after an import call without an answer its image may still appear; never less than the validity of a signed request (31m) and the clock skew between operator and cloud")
	flags.DurationVar(&o.timing.Slow, "slow-retry-interval", o.timing.Slow, "wait after an error that somebody has to mend (a wrong value, a failed import)")
	flags.StringVar(&o.metricsAddress, "metrics-bind-address", "0", "address of the metrics endpoint, for example :8080; 0 turns it off")
	flags.StringVar(&o.probeAddr, "health-probe-bind-address", ":8081", "address of /healthz and /readyz; 0 turns them off")
	flags.BoolVar(&o.leaderElect, "leader-elect", false, "elect a leader, so that several replicas can run")
	flags.StringVar(&o.leaderNamespace, "leader-election-namespace", "", "namespace of the lease (default: the namespace of the pod)")
	flags.IntVar(&o.concurrentReconciles, "max-concurrent-reconciles", 10, "how many objects are worked on at the same time")
	flags.BoolVar(&o.showVersion, "version", false, "print the version and exit")
	o.log.BindFlags(flags)
	if kubeconfig := flag.Lookup("kubeconfig"); kubeconfig != nil {
		flags.Var(kubeconfig.Value, kubeconfig.Name, kubeconfig.Usage)
	}
	if err := flags.Parse(args); err != nil {
		return nil, err
	}
	if flags.NArg() > 0 {
		return nil, fmt.Errorf("unexpected argument %q: only flags are accepted", flags.Arg(0))
	}
	return o, o.validate()
}

func (o *options) validate() error {
	for name, value := range map[string]bool{
		"--poll-interval": o.timing.Poll > 0, "--drift-interval": o.timing.Drift > 0, "--settle-time": o.timing.Settle > 0,
		"--slow-retry-interval": o.timing.Slow > 0, "--max-concurrent-reconciles": o.concurrentReconciles > 0,
	} {
		if !value {
			return fmt.Errorf("%s must be greater than 0", name)
		}
	}
	return nil
}

func run(ctx context.Context, args []string) error {
	o, err := parse(args)
	if err != nil {
		return err
	}
	if o.showVersion {
		fmt.Println(version.Version)
		return nil
	}
	ctrl.SetLogger(zap.New(zap.UseFlagOptions(&o.log)))
	endpoint, err := ens.NewEndpoint(ens.Config{Endpoint: o.endpoint, Region: o.region, UserAgent: "ens-image-operator/" + version.Version})
	if err != nil {
		return fmt.Errorf("--ens-endpoint: %w", err)
	}
	config, err := ctrl.GetConfig()
	if err != nil {
		return fmt.Errorf("finding the cluster: %w", err)
	}
	mgr, err := newManager(config, o)
	if err != nil {
		return err
	}
	clusterUID, err := controllers.ReadClusterUID(ctx, mgr.GetAPIReader())
	if err != nil {
		return err
	}
	reconciler := &controllers.Reconciler{
		Client: mgr.GetClient(), APIReader: mgr.GetAPIReader(), Events: mgr.GetEventRecorder("ens-image-operator"),
		Endpoint: endpoint, ClusterUID: clusterUID, Timing: o.timing, Clock: clock.RealClock{},
	}
	if err := reconciler.SetupWithManager(mgr, controller.Options{MaxConcurrentReconciles: o.concurrentReconciles}); err != nil {
		return fmt.Errorf("setting up the controller: %w", err)
	}
	return mgr.Start(ctx)
}

func newManager(config *rest.Config, o *options) (ctrl.Manager, error) {
	scheme := runtime.NewScheme()
	if err := errors.Join(clientgoscheme.AddToScheme(scheme), v1alpha1.AddToScheme(scheme)); err != nil {
		return nil, err
	}
	// The server's priority and fairness is the limit, not the client.
	config.QPS = -1
	mgr, err := ctrl.NewManager(config, ctrl.Options{
		Scheme:                        scheme,
		Metrics:                       metricsserver.Options{BindAddress: o.metricsAddress},
		HealthProbeBindAddress:        o.probeAddr,
		LeaderElection:                o.leaderElect,
		LeaderElectionID:              "ens-image-operator",
		LeaderElectionNamespace:       o.leaderNamespace,
		LeaderElectionReleaseOnCancel: true,
	})
	if err != nil {
		return nil, fmt.Errorf("creating the manager: %w", err)
	}
	return mgr, errors.Join(mgr.AddHealthzCheck("ping", healthz.Ping), mgr.AddReadyzCheck("ping", healthz.Ping))
}
