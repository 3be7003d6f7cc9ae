// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"flag"
	"io"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/ens-image-operator/ens-image-operator/controllers"
	"github.com/ens-image-operator/ens-image-operator/internal/ens"
	"github.com/ens-image-operator/ens-image-operator/internal/version"
)

func TestDefaults(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	o, err := parseFlags(nil, io.Discard)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(*o).To(Equal(options{
		endpoint: ens.DefaultEndpoint, region: ens.DefaultRegion, timing: controllers.DefaultTiming(),
		metricsAddress: "0", probeAddress: ":8081", concurrentReconciles: 10, sweepInterval: time.Hour, log: o.log,
		leaderID: "ens-image-operator", selector: labels.Everything(), concurrentImports: 100, callsPerSecond: 10,
	}))
	g.Expect(o.log.Development).To(BeFalse())
}

func TestEveryFlag(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	o, err := parseFlags([]string{
		"--ens-endpoint", "https://127.0.0.1:8443", "--ens-region=ap-southeast-1", "--poll-interval", "1s", "--drift-interval=2m",
		"--settle-time", "3s", "--slow-retry-interval", "4h", "--metrics-bind-address", ":8080", "--health-probe-bind-address", "0",
		"--leader-elect", "--leader-election-namespace", "ens", "--max-concurrent-reconciles", "5", "--version", "--zap-devel",
		"--orphan-sweep-interval=2h", "--delete-orphans", "--leader-election-id=shard-a", "--watch-namespaces=edge, core",
		"--watch-label-selector=shard in (a,b)", "--max-concurrent-imports=0", "--ens-qps=2.5",
	}, io.Discard)
	g.Expect(err).NotTo(HaveOccurred())
	timing := controllers.DefaultTiming()
	timing.Poll, timing.Drift, timing.Settle, timing.Slow = time.Second, 2*time.Minute, 3*time.Second, 4*time.Hour
	g.Expect(o.log.Development).To(BeTrue())
	g.Expect(*o).To(Equal(options{
		endpoint: "https://127.0.0.1:8443", region: "ap-southeast-1", timing: timing, metricsAddress: ":8080", probeAddress: "0",
		leaderElect: true, leaderNamespace: "ens", concurrentReconciles: 5, sweepInterval: 2 * time.Hour, deleteOrphans: true, showVersion: true, log: o.log,
		leaderID: "shard-a", namespaces: []string{"edge", "core"}, selector: o.selector, callsPerSecond: 2.5,
	}))
	g.Expect(o.selector.String()).To(Equal("shard in (a,b)"))
	g.Expect(o.cache().DefaultNamespaces).To(And(HaveLen(2), HaveKey("edge"), HaveKey("core")))
	unlimited, err := parseFlags([]string{"--ens-qps=0"}, io.Discard)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(unlimited.callsPerSecond).To(BeZero())
}

// A wrong flag is answered with one line that names it and says what is allowed.
func TestWrongFlags(t *testing.T) {
	t.Parallel()
	const positive, whole = "durations greater than 0", "whole numbers from 1 on"
	for name, c := range map[string]struct {
		args []string
		says []string
	}{
		"unknown":                 {[]string{"--poll"}, []string{"-poll", "--help"}},
		"unknown, over two lines": {[]string{"--po\nll"}, []string{"-po ll"}},
		"without value":           {[]string{"--poll-interval"}, []string{"-poll-interval", "needs an argument"}},
		"an argument":             {[]string{"import"}, []string{`"import"`, "only flags"}},
		"not a duration":          {[]string{"--poll-interval=often"}, []string{"-poll-interval", `"often"`, positive}},
		"no unit":                 {[]string{"--drift-interval=10"}, []string{"-drift-interval", positive}},
		"no time":                 {[]string{"--slow-retry-interval=0s"}, []string{"-slow-retry-interval", positive}},
		"less than no time":       {[]string{"--settle-time=-40m"}, []string{"-settle-time", positive}},
		"no workers":              {[]string{"--max-concurrent-reconciles=0"}, []string{"-max-concurrent-reconciles", whole}},
		"half a worker":           {[]string{"--max-concurrent-reconciles=0.5"}, []string{"-max-concurrent-reconciles", whole}},
		"less than no import":     {[]string{"--max-concurrent-imports=-1"}, []string{"-max-concurrent-imports", "from 0 on"}},
		"hardly a call":           {[]string{"--ens-qps=0.01"}, []string{"-ens-qps", "from 0.1 to 10000"}},
		"calls like sand":         {[]string{"--ens-qps=NaN"}, []string{"-ens-qps", "from 0.1 to 10000"}},
		"not a namespace":         {[]string{"--watch-namespaces=edge,Core"}, []string{"-watch-namespaces", `"Core"`, "lower case"}},
		"no namespace":            {[]string{"--watch-namespaces="}, []string{"-watch-namespaces", `""`}},
		"not a lease":             {[]string{"--leader-election-id=Foo_Bar"}, []string{"--leader-election-id", `"Foo_Bar"`, "lower case"}},
		"no lease":                {[]string{"--leader-election-id="}, []string{"--leader-election-id", "lower case"}},
		"shards of one lease":     {[]string{"--leader-elect", "--watch-namespaces=edge"}, []string{"--leader-election-id", "a name of their own"}},
		"not a selector":          {[]string{"--watch-label-selector=shard in"}, []string{"-watch-label-selector", "shard in (a,b)"}},
		"deletes, never sweeps":   {[]string{"--delete-orphans", "--orphan-sweep-interval=0"}, []string{"--delete-orphans", "--orphan-sweep-interval"}},
		"sweeps backwards":        {[]string{"--orphan-sweep-interval=-1h"}, []string{"--orphan-sweep-interval", "0 and more"}},
		"not a boolean":           {[]string{"--leader-elect=maybe"}, []string{"-leader-elect", "boolean", `"maybe"`}},
		"not a log level":         {[]string{"--zap-log-level=loud"}, []string{"-zap-log-level", `"loud"`}},
		"settles too soon":        {[]string{"--settle-time=36m59s"}, []string{"--settle-time", "36m59s", "37m"}},
		"endpoint without TLS":    {[]string{"--ens-endpoint=http://ens.example.com"}, []string{"--ens-endpoint", "must use https"}},
		"endpoint with a path":    {[]string{"--ens-endpoint=ens.example.com/api"}, []string{"--ens-endpoint", "host:port"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			var output bytes.Buffer
			err := run(t.Context(), c.args, &output)
			g.Expect(err).To(HaveOccurred())
			g.Expect(output.String()).To(BeEmpty())
			line := oneLine(err)
			g.Expect(line).NotTo(ContainSubstring("\n"))
			for _, word := range c.says {
				g.Expect(line).To(ContainSubstring(word))
			}
			g.Expect(len(line)).To(BeNumerically("<", 250))
		})
	}
}

func TestSettleTime(t *testing.T) {
	t.Parallel()
	for endpoint, loopback := range map[string]bool{
		"127.0.0.1:8443": true, "https://127.1.2.3": true, "http://localhost:8443": true, "https://[::1]:8443": true, "localhost": true,
		"": false, "ens.aliyuncs.com": false, "https://localhost.example.com": false, "10.0.0.1": false, "127.0.0.1.example.com": false, "://": false,
	} {
		t.Run(endpoint, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			_, err := parseFlags([]string{"--ens-endpoint", endpoint, "--settle-time=37m"}, io.Discard)
			g.Expect(err).NotTo(HaveOccurred())
			_, err = parseFlags([]string{"--ens-endpoint", endpoint, "--settle-time=1s"}, io.Discard)
			g.Expect(err == nil).To(Equal(loopback))
		})
	}
}

func TestHelp(t *testing.T) {
	t.Parallel()
	for _, help := range []string{"--help", "-h"} {
		t.Run(help, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			_, err := parseFlags([]string{help}, io.Discard)
			g.Expect(err).To(MatchError(flag.ErrHelp))
			var output bytes.Buffer
			g.Expect(run(t.Context(), []string{help}, &output)).To(Succeed())
			for _, text := range []string{"-ens-endpoint", "-settle-time", "(default 40m0s)", "(default 10)", "-kubeconfig", "-zap-log-level"} {
				g.Expect(output.String()).To(ContainSubstring(text))
			}
		})
	}
}

func TestVersion(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	var output bytes.Buffer
	g.Expect(run(t.Context(), []string{"--version"}, &output)).To(Succeed())
	g.Expect(output.String()).To(Equal(version.Version + "\n"))
}
