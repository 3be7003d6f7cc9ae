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

	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/validation"
	"sigs.k8s.io/controller-runtime/pkg/client/config"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"

	"github.com/ens-image-operator/ens-image-operator/controllers"
	"github.com/ens-image-operator/ens-image-operator/internal/ens"
)

// minSettle is how long a request without an answer may still make an image: the cloud accepts it for up to 31 minutes
// by a clock that may differ by 5, and the image takes up to a minute to be listed. A shorter wait could make a second
// image.
const minSettle = (31 + 5 + 1) * time.Minute

const defaultLeaderID = "ens-image-operator"

// options are the values of the flags.
type options struct {
	endpoint             string
	region               string
	timing               controllers.Timing
	metricsAddress       string
	probeAddress         string
	leaderElect          bool
	leaderNamespace      string
	leaderID             string
	namespaces           []string
	selector             labels.Selector
	concurrentReconciles int
	concurrentImports    int
	callsPerSecond       float64
	sweepInterval        time.Duration
	deleteOrphans        bool
	showVersion          bool
	log                  zap.Options
}

// parseFlags prints the help to output when it is asked for; its error is flag.ErrHelp then.
func parseFlags(args []string, output io.Writer) (*options, error) {
	o := &options{
		timing: controllers.DefaultTiming(), selector: labels.Everything(), concurrentReconciles: 10, concurrentImports: 100, callsPerSecond: 10,
		sweepInterval: time.Hour,
	}
	flags := flag.NewFlagSet("manager", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.StringVar(&o.endpoint, "ens-endpoint", ens.DefaultEndpoint,
		"`host`, host:port or https://host:port of the ENS API; accounts of the international site use ens.ap-southeast-1.aliyuncs.com")
	flags.StringVar(&o.region, "ens-region", ens.DefaultRegion, "RegionId sent to the ENS API")
	flags.Var((*duration)(&o.timing.Poll), "poll-interval",
		"`interval` between looks at imports in flight, of all objects of an account together; young imports are looked at sooner, old ones later")
	flags.Var((*duration)(&o.timing.Drift), "drift-interval", "`interval` between looks at the images that are available, of all objects of an account together")
	flags.Var((*callRate)(&o.callsPerSecond), "ens-qps",
		"`calls` per second to each account, of each action and of all together; slowed down when the cloud throttles; 0: any number, whatever the cloud says")
	flags.Var(&count{&o.concurrentImports, 0}, "max-concurrent-imports", "`number` of imports of each account that run at the same time; 0: any number")
	flags.Var((*duration)(&o.timing.Settle), "settle-time",
		"`time` after an import call without an answer in which its image may still appear: the validity of a signed request (31m), "+
			"the clock skew between operator and cloud, and the lag of listings; less than 37m is accepted for a loopback endpoint only")
	flags.Var((*duration)(&o.timing.Slow), "slow-retry-interval",
		"`wait` after an error that somebody has to mend (a wrong value, a failed import)")
	flags.StringVar(&o.metricsAddress, "metrics-bind-address", "0", "`address` of the metrics endpoint, for example :8080; 0 turns it off")
	flags.StringVar(&o.probeAddress, "health-probe-bind-address", ":8081", "`address` of /healthz and /readyz; 0 turns them off")
	flags.BoolVar(&o.leaderElect, "leader-elect", false, "elect a leader, so that several replicas can run")
	flags.StringVar(&o.leaderNamespace, "leader-election-namespace", "", "`namespace` of the lease (default: the namespace of the pod)")
	flags.StringVar(&o.leaderID, "leader-election-id", defaultLeaderID, "`name` of the lease; each of several operators that divide the objects needs its own")
	flags.Var((*namespaces)(&o.namespaces), "watch-namespaces", "comma-separated `namespaces` whose ImageImports this operator looks after (default: all)")
	flags.Func("watch-label-selector", "`selector` of the labels of the ImageImports that this operator looks after, for example shard=a or '!shard' (default: all)", o.selectBy)
	flags.Var(&count{&o.concurrentReconciles, 1}, "max-concurrent-reconciles", "`number` of objects that are worked on at the same time")
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
	if len(validation.IsDNS1123Subdomain(o.leaderID)) > 0 {
		return fmt.Errorf("--leader-election-id %q is no name of a lease: allowed are lower case letters, digits, '-' and '.', at most 253", o.leaderID)
	}
	if divided := len(o.namespaces) > 0 || !o.selector.Empty(); divided && o.leaderElect && o.leaderID == defaultLeaderID {
		return fmt.Errorf("--leader-election-id %s is the default: operators that divide the objects (--watch-namespaces, --watch-label-selector) each need a name of their own, "+
			"or only one of them would work", o.leaderID)
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

// count is a flag whose value must be a whole number that is not too small.
type count struct {
	value *int
	least int
}

func (c *count) String() string {
	if c.value == nil {
		return "" // the flag package asks a count without value
	}
	return strconv.Itoa(*c.value)
}

func (c *count) Set(text string) error {
	value, err := strconv.Atoi(text)
	if err != nil || value < c.least {
		return fmt.Errorf("allowed are whole numbers from %d on", c.least)
	}
	*c.value = value
	return nil
}

// callRate is a flag for calls per second, where 0 means any number.
type callRate float64

func (r *callRate) String() string { return strconv.FormatFloat(float64(*r), 'g', -1, 64) }

func (r *callRate) Set(text string) error {
	value, err := strconv.ParseFloat(text, 64)
	switch {
	case err != nil || !(value == 0 || value >= 0.1 && value <= 10_000):
		return errors.New("allowed are 0 and numbers from 0.1 to 10000")
	}
	*r = callRate(value)
	return nil
}

// namespaces is a flag for a list of namespaces.
type namespaces []string

func (n *namespaces) String() string { return strings.Join(*n, ",") }

func (n *namespaces) Set(text string) error {
	names := strings.Split(text, ",")
	for i, name := range names {
		names[i] = strings.TrimSpace(name)
		if len(validation.IsDNS1123Label(names[i])) > 0 {
			return fmt.Errorf("%q is no name of a namespace: allowed are names of at most 63 lower case letters, digits and '-', divided by commas", names[i])
		}
	}
	*n = names
	return nil
}

func (o *options) selectBy(text string) (err error) {
	if o.selector, err = labels.Parse(text); err != nil {
		return fmt.Errorf("allowed are label selectors, for example shard=a, 'shard in (a,b)' or '!shard': %w", err)
	}
	return nil
}
