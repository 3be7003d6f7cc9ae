// SPDX-License-Identifier: Apache-2.0

// Package bench measures the operator against the limits of the control plane, against a naive controller and against what
// people script today, all in one run on one machine. "make bench" runs it and prints one table.
package bench

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"testing"
	"time"
	"unsafe"

	"github.com/ens-image-operator/ens-image-operator/api/v1alpha1"
	"github.com/ens-image-operator/ens-image-operator/test/testenv"
)

func TestMain(m *testing.M) { os.Exit(testenv.Main(m)) }

// sizes are how much is measured: all with BENCH=full, imports of so many objects with a number, and the delays with delays.
// Without it, it is just enough to see that the bench works.
type sizes struct {
	throughput []int
	inFlight   []int
	script     []int
	delays     int
	window     time.Duration
	full       bool
}

func chosen() sizes {
	if os.Getenv("BENCH") == "full" {
		return sizes{throughput: []int{1000, 10_000}, inFlight: []int{100, 1000, 10_000}, script: []int{100, 1000}, delays: 300, window: time.Minute, full: true}
	}
	if os.Getenv("BENCH") == "delays" {
		return sizes{delays: 300}
	}
	objects, err := strconv.Atoi(os.Getenv("BENCH"))
	if err != nil {
		objects = 30
	}
	return sizes{throughput: []int{objects}}
}

// eventsPerImport is how many the operator writes: that the import runs, and that its image is available.
const eventsPerImport = 2

func TestBench(t *testing.T) {
	w := newWorld(t, build(t))
	table := &table{t: t}
	table.about(runtime.NumCPU())
	s := chosen()
	ours := func(namespace string) *process { return w.manager(namespace) }
	naive := func(namespace string) *process { return w.start("naive", namespace) }
	for i, objects := range s.throughput {
		imported := w.measureThroughput(table, objects, ours, naive)
		if i == len(s.throughput)-1 {
			w.measureRest(table, imported, objects, w.measureIdle(table, ours), ours)
		}
	}
	if s.full {
		w.measureReads(table, s, ours, naive)
	}
	if s.delays > 0 {
		w.measureDelays(table, s.delays, ours, naive)
	}
	if !s.full {
		return
	}
	table.write(filepath.Join(root(t), "docs", "performance.csv"))
}

// measureThroughput measures the limit before and after the contestants: a machine that others share may be twice as fast a
// minute later.
func (w *world) measureThroughput(table *table, objects int, ours, naive starter) run {
	raw := fmt.Sprintf("raw writes with %d events each, %d objects", eventsPerImport, objects)
	before := w.raw(objects, eventsPerImport)
	table.row(raw+", before", "objects/s", before, none, none, none)
	other := w.imports(objects, naive, "DescribeSelfImages")
	other.process.stop()
	operator := w.imports(objects, ours, "ModifyImageAttribute")
	_, peak := operator.process.rss()
	operator.process.kill()
	after := w.raw(objects, eventsPerImport)
	limit := (before + after) / 2
	table.row(raw+", after", "objects/s", after, none, none, none)
	table.row(fmt.Sprintf("apply to Ready, %d objects", objects), "objects/s", limit, operator.perSecond, other.perSecond, none)
	table.row(fmt.Sprintf("share of raw writes, %d objects", objects), "%", none, 100*operator.perSecond/limit, 100*other.perSecond/limit, none)
	table.row("Kubernetes writes per import", "", none, operator.writesPerObject, other.writesPerObject, none)
	table.row("events per import", "", none, operator.eventsPerObject, other.eventsPerObject, none)
	table.row(fmt.Sprintf("CPU per 1000 imports, %d objects", objects), "s", none, operator.cpuPerThousand, other.cpuPerThousand, none)
	table.row(fmt.Sprintf("peak RSS while importing %d", objects), "MiB", none, mebi(peak), none, none)
	return operator
}

// measureIdle measures an operator without objects.
func (w *world) measureIdle(table *table, ours starter) (heap float64) {
	p := ours(w.namespace())
	defer p.stop()
	if chosen().full {
		heap = p.heap()
	}
	rss, _ := p.rss()
	table.row("RSS, no objects", "MiB", none, mebi(rss), none, none)
	return heap
}

// measureRest starts an operator over objects that are all Ready.
func (w *world) measureRest(table *table, operator run, objects int, idleHeap float64, ours starter) {
	before, calls, began := w.writes(), w.called("DescribeSelfImages", "ImportImage", "ModifyImageAttribute"), time.Now()
	p := ours(operator.namespace)
	defer p.stop()
	w.until("all objects are caught up with", 5*time.Minute, func() bool {
		return p.metric("controller_runtime_reconcile_total") >= float64(2*objects) && p.metric("workqueue_depth") == 0
	})
	table.row(fmt.Sprintf("restart with %d objects", objects), "s", none, time.Since(began).Seconds(), none, none)
	table.row("cloud calls of the restart", "", none, float64(w.called("DescribeSelfImages", "ImportImage", "ModifyImageAttribute")-calls), none, none)
	written, events := since(before, w.writes())
	table.row("Kubernetes writes of the restart", "", none, float64(written+events), none, none)
	table.row("cached size of an object", "KiB", none, w.cachedSize(operator.namespace)/1024, none, none)
	if !chosen().full {
		return
	}
	before, calls = w.writes(), w.called("DescribeSelfImages", "ImportImage", "ModifyImageAttribute")
	heap := p.heap()
	table.row("cloud calls in 130 s at rest", "", none, float64(w.called("DescribeSelfImages", "ImportImage", "ModifyImageAttribute")-calls), none, none)
	written, events = since(before, w.writes())
	table.row("Kubernetes writes in 130 s at rest", "", none, float64(written+events), none, none)
	table.row("heap per object", "KiB", none, (heap-idleHeap)/1024/float64(objects), none, none)
	rss, _ := p.rss()
	table.row(fmt.Sprintf("RSS with %d objects", objects), "MiB", none, mebi(rss), none, none)
}

func (w *world) measureReads(table *table, s sizes, ours, naive starter) {
	operator := w.inFlight(s.inFlight, s.window, ours)
	other := w.inFlight(s.inFlight, s.window, naive)
	for i, size := range s.inFlight {
		script := none
		if i < len(s.script) {
			var cpu float64
			script, cpu = w.script(s.script[i], s.window)
			table.row(fmt.Sprintf("CPU per 1000 calls of the script, %d imports", size), "s", none, none, none, cpu)
		}
		table.row(fmt.Sprintf("cloud reads, %d imports in flight", size), "1/min", none, operator[i], other[i], script)
		table.row(fmt.Sprintf("naive reads / ours, %d imports in flight", size), "times", none, other[i]/operator[i], none, none)
	}
}

func (w *world) measureDelays(table *table, objects int, ours, naive starter) {
	median, p99 := w.delays(objects, ours)
	naiveMedian, naiveP99 := w.delays(objects, naive)
	table.row("delay from Available to Ready, median", "s", none, median.Seconds(), naiveMedian.Seconds(), none)
	table.row("delay from Available to Ready, p99", "s", none, p99.Seconds(), naiveP99.Seconds(), none)
}

// cachedSize is what one object takes in memory, as the cache holds it, in bytes: the heap that many of them take.
func (w *world) cachedSize(namespace string) float64 {
	list := &v1alpha1.ImageImportList{}
	w.must(w.client.List(w.ctx, list, inNamespace(namespace)))
	kept := make([]v1alpha1.ImageImport, 10_000)
	heap := func() (memory runtime.MemStats) {
		for range 3 {
			runtime.GC() // pools are emptied by the second
		}
		runtime.ReadMemStats(&memory)
		return memory
	}
	before := heap()
	for i := range kept {
		// Not a copy: it would share its strings with the original.
		text, err := json.Marshal(list.Items[i%len(list.Items)])
		w.must(err)
		w.must(json.Unmarshal(text, &kept[i]))
		kept[i].ManagedFields = nil
	}
	after := heap()
	runtime.KeepAlive(list)
	runtime.KeepAlive(kept)
	return float64(after.HeapAlloc-before.HeapAlloc)/float64(len(kept)) + float64(unsafe.Sizeof(kept[0]))
}

func mebi(bytes int) float64 { return float64(bytes) / (1 << 20) }

// build builds the contestants.
func build(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	command := exec.CommandContext(t.Context(), "go", "build", "-o", dir+"/", "./cmd/manager", "./test/bench/naive", "./test/bench/onecall")
	command.Dir = root(t)
	if output, err := command.CombinedOutput(); err != nil {
		t.Fatalf("building: %v\n%s", err, output)
	}
	return dir
}

func root(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	return dir
}
