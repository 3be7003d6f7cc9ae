// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client/config"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"

	"github.com/ens-image-operator/ens-image-operator/controllers"
	"github.com/ens-image-operator/ens-image-operator/internal/ens"
)

// minSettle is how long a request without an answer may still make an image: the cloud accepts it for up to 31 minutes
// by a clock that may differ by 5, and the image takes up to a minute to be listed. A shorter wait could make a second
// image.
const minSettle = (31 + 5 + 1) * time.Minute

// options are the values of the flags.
type options struct {
	endpoint             string
	region               string
	timing               controllers.Timing
	metricsAddress       string
	probeAddress         string
	leaderElect          bool
	leaderNamespace      string
	concurrentReconciles int
	sweepInterval        time.Duration
	deleteOrphans        bool
	showVersion          bool
	log                  zap.Options
}

// parseFlags prints the help to output when it is asked for; its error is flag.ErrHelp then.
func parseFlags(args []string, output io.Writer) (*options, error) {
	o := &options{timing: controllers.DefaultTiming(), concurrentReconciles: 10, sweepInterval: time.Hour}
	flags := flag.NewFlagSet("manager", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.StringVar(&o.endpoint, "ens-endpoint", ens.DefaultEndpoint,
		"`host`, host:port or https://host:port of the ENS API; accounts of the international site use ens.ap-southeast-1.aliyuncs.com")
	flags.StringVar(&o.region, "ens-region", ens.DefaultRegion, "RegionId sent to the ENS API")
	flags.Var((*duration)(&o.timing.Poll), "poll-interval", "`interval` between looks at an import in flight")
	flags.Var((*duration)(&o.timing.Drift), "drift-interval", "`interval` between looks at an available image")
	flags.Var((*duration)(&o.timing.Settle), "settle-time",
		"`time` after an import call without an answer in which its image may still appear: the validity of a signed request (31m), "+
			"the clock skew between operator and cloud, and the lag of listings; less than 37m is accepted for a loopback endpoint only")
	flags.Var((*duration)(&o.timing.Slow), "slow-retry-interval",
		"`wait` after an error that somebody has to mend (a wrong value, a failed import)")
	flags.StringVar(&o.metricsAddress, "metrics-bind-address", "0", "`address` of the metrics endpoint, for example :8080; 0 turns it off")
	flags.StringVar(&o.probeAddress, "health-probe-bind-address", ":8081", "`address` of /healthz and /readyz; 0 turns them off")
	flags.BoolVar(&o.leaderElect, "leader-elect", false, "elect a leader, so that several replicas can run")
	flags.StringVar(&o.leaderNamespace, "leader-election-namespace", "", "`namespace` of the lease (default: the namespace of the pod)")
	flags.Var((*count)(&o.concurrentReconciles), "max-concurrent-reconciles", "`number` of objects that are worked on at the same time")
	flags.DurationVar(&o.sweepInterval, "orphan-sweep-interval", o.sweepInterval,
		"`interval` between looks for images that bear this cluster's mark and belong to no ImageImport; 0 turns them off")
	flags.BoolVar(&o.deleteOrphans, "delete-orphans", false,
		"delete such images, also those that a deleted object with deletionPolicy Retain left under their unique name")
	flags.BoolVar(&o.showVersion, "version", false, "print the version and exit")
	o.log.BindFlags(flags)
	if kubeconfig := flag.Lookup(config.KubeconfigFlagName); kubeconfig != nil {
		flags.Var(kubeconfig.Value, kubeconfig.Name, kubeconfig.Usage)
	}
	err := flags.Parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		flags.SetOutput(output)
		flags.Usage()
		return nil, err
	case err != nil:
		return nil, fmt.Errorf("%w; --help lists the flags", err)
	case flags.NArg() > 0:
		return nil, fmt.Errorf("unexpected argument %q: there are only flags; --help lists them", flags.Arg(0))
	}
	return o, o.validate()
}

func (o *options) validate() error {
	if o.sweepInterval < 0 {
		return fmt.Errorf("--orphan-sweep-interval %s: allowed are 0 and more", o.sweepInterval)
	}
	if o.deleteOrphans && o.sweepInterval == 0 {
		return errors.New("--delete-orphans needs sweeps: allowed is an --orphan-sweep-interval of more than 0")
	}
	if o.timing.Settle < minSettle && !isLoopback(o.endpoint) {
		return fmt.Errorf("--settle-time %s is too short: allowed are %s and more, the time for which an unanswered request may still make an image "+
			"(less only with --ens-endpoint on a loopback address)", o.timing.Settle, minSettle)
	}
	return nil
}

func isLoopback(endpoint string) bool {
	if !strings.Contains(endpoint, "://") {
		endpoint = "https://" + endpoint
	}
	u, err := url.Parse(endpoint)
	if err != nil {
		return false
	}
	address, _ := netip.ParseAddr(u.Hostname())
	return u.Hostname() == "localhost" || address.IsLoopback()
}

// duration is a flag whose value must be greater than 0.
type duration time.Duration

func (d *duration) String() string { return time.Duration(*d).String() }

func (d *duration) Set(text string) error {
	value, err := time.ParseDuration(text)
	if err != nil || value <= 0 {
		return errors.New("allowed are durations greater than 0, for example 10s, 5m or 1h30m")
	}
	*d = duration(value)
	return nil
}

// count is a flag whose value must be greater than 0.
type count int

func (c *count) String() string { return strconv.Itoa(int(*c)) }

func (c *count) Set(text string) error {
	value, err := strconv.Atoi(text)
	if err != nil || value <= 0 {
		return errors.New("allowed are whole numbers greater than 0")
	}
	*c = count(value)
	return nil
}
