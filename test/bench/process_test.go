// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// clockTick is what the kernel counts CPU time in: USER_HZ, which is 100 on Linux.
const clockTick = 10 * time.Millisecond

// process is a contestant that runs.
type process struct {
	w       *world
	command *exec.Cmd
	metrics string
}

// start runs a contestant for a namespace.
func (w *world) start(name, namespace string, flags ...string) *process {
	w.t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(w.ctx, "tcp", "127.0.0.1:0")
	w.must(err)
	address := listener.Addr().String()
	w.must(listener.Close())
	p := &process{w: w, metrics: "http://" + address + "/metrics"}
	flags = append(flags, "--ens-endpoint="+w.address, "--watch-namespaces="+namespace, "--metrics-bind-address="+address)
	p.command = exec.CommandContext(w.ctx, filepath.Join(w.binaries, name), flags...)
	p.command.Env = append(os.Environ(), "KUBECONFIG="+filepath.Join(w.dir, "kubeconfig"), "SSL_CERT_FILE="+filepath.Join(w.dir, "ca.pem"))
	log, err := os.Create(filepath.Join(w.dir, name+".log"))
	w.must(err)
	p.command.Stdout, p.command.Stderr = log, log
	w.must(p.command.Start())
	w.t.Cleanup(p.stop)
	w.until(name+" runs", time.Minute, func() bool { return p.metric("controller_runtime_max_concurrent_reconciles") > 0 })
	return p
}

// manager runs the operator, without limits of its own: the simulated cloud has none.
func (w *world) manager(namespace string, flags ...string) *process {
	w.t.Helper()
	return w.start("manager", namespace, append(flags, "--ens-qps=0", "--max-concurrent-imports=0", "--health-probe-bind-address=0")...)
}

func (p *process) stop() {
	if p.command.ProcessState != nil {
		return
	}
	_ = p.command.Process.Signal(syscall.SIGTERM)
	_ = p.command.Wait()
}

// kill ends it without a word.
func (p *process) kill() {
	_ = p.command.Process.Kill()
	_ = p.command.Wait()
}

// metric is the sum of what the process tells under this name, 0 when it does not answer.
func (p *process) metric(name string) (sum float64) {
	request, err := http.NewRequestWithContext(p.w.ctx, http.MethodGet, p.metrics, nil)
	p.w.must(err)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0
	}
	defer response.Body.Close()
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(response.Body)
	if err != nil {
		return 0
	}
	for _, metric := range families[name].GetMetric() {
		sum += metric.GetCounter().GetValue() + metric.GetGauge().GetValue()
	}
	return sum
}

// cpu is the time that the process has used so far.
func (p *process) cpu() time.Duration {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.command.Process.Pid))
	p.w.must(err)
	fields := strings.Fields(string(raw[strings.LastIndexByte(string(raw), ')')+1:]))
	user, _ := strconv.Atoi(fields[11])
	system, _ := strconv.Atoi(fields[12])
	return time.Duration(user+system) * clockTick
}

// rss is its memory in bytes, peak the most that it ever was.
func (p *process) rss() (now, peak int) {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.command.Process.Pid))
	p.w.must(err)
	kilobytes := func(key string) int {
		_, rest, _ := strings.Cut(string(raw), key+":")
		value, _ := strconv.Atoi(strings.Fields(rest)[0])
		return value << 10
	}
	return kilobytes("VmRSS"), kilobytes("VmHWM")
}

// heap is what is in use after a collection, in bytes. The runtime collects at least every two minutes.
func (p *process) heap() float64 {
	least := p.metric("go_memstats_heap_alloc_bytes")
	deadline := time.Now().Add(130 * time.Second)
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for time.Now().Before(deadline) {
		<-tick.C
		least = min(least, p.metric("go_memstats_heap_alloc_bytes"))
	}
	return least
}
