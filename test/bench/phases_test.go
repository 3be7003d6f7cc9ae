// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ens-image-operator/ens-image-operator/api/v1alpha1"
	"github.com/ens-image-operator/ens-image-operator/internal/enssim"
)

// starter runs a contestant for a namespace.
type starter func(namespace string) *process

// raw writes what the operator writes for so many objects, without an operator: the object, its record and finalizer, its
// status, the record with the ImageId, its status, and so many events. It returns objects per second.
func (w *world) raw(objects, events int) float64 {
	w.t.Helper()
	namespace, began := w.namespace(), time.Now()
	w.each(0, objects, func(ctx context.Context, i int) error {
		obj := imageImport(namespace, i)
		if err := w.client.Create(ctx, obj); err != nil {
			return err
		}
		for step, id := range []string{"", "m-5" + strings.Repeat("x", 22)} {
			base := obj.DeepCopy()
			obj.Finalizers = []string{v1alpha1.ImageFinalizer}
			metav1.SetMetaDataAnnotation(&obj.ObjectMeta, v1alpha1.ImportAnnotation, `{"imageID":"`+id+`","filler":"`+strings.Repeat("x", 200)+`"}`)
			if err := w.client.Patch(ctx, obj, client.MergeFromWithOptions(base, client.MergeFromWithOptimisticLock{})); err != nil {
				return err
			}
			base = obj.DeepCopy()
			status(obj, step)
			if err := w.client.Status().Patch(ctx, obj, client.MergeFromWithOptions(base, client.MergeFromWithOptimisticLock{})); err != nil {
				return err
			}
		}
		for event := range events {
			if err := w.client.Create(ctx, eventOf(obj, event)); err != nil {
				return err
			}
		}
		return nil
	})
	return float64(objects) / time.Since(began).Seconds()
}

func status(obj *v1alpha1.ImageImport, step int) {
	now := metav1.Now()
	condition := metav1.Condition{
		Type: v1alpha1.ConditionReady, Status: metav1.ConditionFalse, Reason: v1alpha1.ReasonImporting, Message: "the import is running",
		ObservedGeneration: 1, LastTransitionTime: now,
	}
	second := condition
	second.Type, second.Status = v1alpha1.ConditionReconciling, metav1.ConditionTrue
	obj.Status.Conditions = []metav1.Condition{condition, second}
	obj.Status.ObservedGeneration, obj.Status.Attempts, obj.Status.StartTime = 1, 1, &now
	obj.Status.ImageID, obj.Status.Ownership = "m-5"+strings.Repeat("x", 22), v1alpha1.OwnershipImported
	obj.Status.RequestID = strings.Repeat("x", 36)
	if step > 0 {
		obj.Status.Conditions = obj.Status.Conditions[:1]
		obj.Status.Conditions[0].Status, obj.Status.Conditions[0].Reason = metav1.ConditionTrue, v1alpha1.ReasonAvailable
		obj.Status.ImageName, obj.Status.ImageStatus, obj.Status.SizeGiB = obj.Name, "Available", 20
		obj.Status.CreationTime, obj.Status.CompletionTime = &now, &now
	}
}

func eventOf(obj *v1alpha1.ImageImport, i int) *eventsv1.Event {
	return &eventsv1.Event{
		ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("%s.%d", obj.Name, i), Namespace: obj.Namespace},
		EventTime:  metav1.NowMicro(), ReportingController: "bench", ReportingInstance: "bench-0", Action: "Reconcile", Reason: "Available",
		Regarding: corev1.ObjectReference{
			Kind: "ImageImport", APIVersion: v1alpha1.GroupVersion.String(), Namespace: obj.Namespace, Name: obj.Name, UID: obj.UID,
			ResourceVersion: obj.ResourceVersion,
		},
		Type: "Normal", Note: "image m-5 is available as " + obj.Name,
	}
}

// run is what an import of many objects has cost.
type run struct {
	perSecond, cpuPerThousand float64
	writesPerObject           float64
	eventsPerObject           float64
	process                   *process
	namespace                 string
}

// imports applies so many objects whose images are available at once, and waits until all are Ready. last is the call to the
// cloud with which an import ends.
func (w *world) imports(objects int, start starter, last string) run {
	w.t.Helper()
	w.takes(0)
	w.forgetCalls()
	r := run{namespace: w.namespace()}
	r.process = start(r.namespace)
	before, cpu, began := w.writes(), r.process.cpu(), time.Now()
	w.create(r.namespace, 0, objects)
	w.untilReady(r.namespace, objects, last)
	r.perSecond = float64(objects) / time.Since(began).Seconds()
	r.cpuPerThousand = (r.process.cpu() - cpu).Seconds() * 1000 / float64(objects)
	written, events := since(before, w.writes())
	r.writesPerObject, r.eventsPerObject = float64(written)/float64(objects), float64(events)/float64(objects)
	return r
}

func (w *world) forgetCalls() {
	w.mu.Lock()
	defer w.mu.Unlock()
	clear(w.calls)
}

// inFlight measures the calls per minute that read, with more and more imports in flight.
func (w *world) inFlight(sizes []int, window time.Duration, start starter) (perMinute []float64) {
	w.t.Helper()
	w.takes(24 * time.Hour)
	w.forgetCalls()
	namespace, have := w.namespace(), 0
	p := start(namespace)
	defer p.stop()
	for _, size := range sizes {
		w.create(namespace, have, size)
		w.until("all imports are in flight", 15*time.Minute, func() bool { return w.called("ImportImage") >= size })
		have = size
		// Young imports are looked at more often, for 40 s.
		pause(45 * time.Second)
		perMinute = append(perMinute, w.callsPerMinute(window, "DescribeSelfImages"))
	}
	return perMinute
}

func (w *world) callsPerMinute(window time.Duration, actions ...string) float64 {
	before := w.called(actions...)
	pause(window)
	return float64(w.called(actions...)-before) / window.Minutes()
}

// pause lets time go by: what is measured here is a rate.
func pause(d time.Duration) { <-time.After(d) }

// delays measures how long it takes from Available in the cloud to Ready, for imports that are polled every 10 s.
func (w *world) delays(objects int, start starter) (median, p99 time.Duration) {
	w.t.Helper()
	w.takes(24 * time.Hour)
	w.forgetCalls()
	namespace := w.namespace()
	p := start(namespace)
	defer p.stop()
	ctx, stop := context.WithCancel(w.ctx)
	defer stop()
	seen := w.watchReady(ctx, namespace)
	w.create(namespace, 0, objects)
	w.until("all imports are in flight", 5*time.Minute, func() bool { return w.called("ImportImage") >= objects })
	pause(45 * time.Second)
	images := w.cloud.Images()
	finished := map[string]time.Time{}
	for i, at := range rand.Perm(len(images)) {
		if i%2 == 0 {
			pause(time.Minute / time.Duration(max(1, len(images)/2)))
		}
		id := images[at].ImageID
		finished[id] = time.Now()
		w.must(w.cloud.UpdateImage(id, func(image *enssim.Image) { image.Status = enssim.StatusAvailable }))
	}
	w.until("all objects are Ready", 5*time.Minute, func() bool { return seen.len() == objects })
	var delays []time.Duration
	for id, at := range finished {
		delays = append(delays, seen.at(id).Sub(at))
	}
	slices.Sort(delays)
	return delays[len(delays)/2], delays[len(delays)*99/100]
}

// sightings are when images were first seen Ready, by their IDs.
type sightings struct {
	mu    sync.Mutex
	times map[string]time.Time
}

func (s *sightings) len() int { s.mu.Lock(); defer s.mu.Unlock(); return len(s.times) }

func (s *sightings) at(id string) time.Time { s.mu.Lock(); defer s.mu.Unlock(); return s.times[id] }

func (w *world) watchReady(ctx context.Context, namespace string) *sightings {
	w.t.Helper()
	watcher, err := client.NewWithWatch(w.config(), client.Options{Scheme: w.client.Scheme()})
	w.must(err)
	changes, err := watcher.Watch(ctx, &v1alpha1.ImageImportList{}, client.InNamespace(namespace))
	w.must(err)
	seen := &sightings{times: map[string]time.Time{}}
	go func() {
		for event := range changes.ResultChan() {
			obj, is := event.Object.(*v1alpha1.ImageImport)
			if !is || !isReady(obj) {
				continue
			}
			seen.mu.Lock()
			if seen.times[obj.Status.ImageID].IsZero() {
				seen.times[obj.Status.ImageID] = time.Now()
			}
			seen.mu.Unlock()
		}
	}()
	return seen
}

// script imports as people script it: one process for each call, and a loop that asks for each image every 10 s.
func (w *world) script(images int, window time.Duration) (reads, cpuPerThousandCalls float64) {
	w.t.Helper()
	w.takes(24 * time.Hour)
	w.forgetCalls()
	ids := make([]string, images)
	var cpu time.Duration
	var mu sync.Mutex
	call := func(ctx context.Context, args ...string) (string, error) {
		command := exec.CommandContext(ctx, filepath.Join(w.binaries, "onecall"), args...)
		command.Env = append(os.Environ(), "SSL_CERT_FILE="+filepath.Join(w.dir, "ca.pem"), "ENS_ENDPOINT="+w.address,
			"ALIBABA_CLOUD_ACCESS_KEY_ID="+keyID, "ALIBABA_CLOUD_ACCESS_KEY_SECRET="+keySecret)
		output, err := command.Output()
		mu.Lock()
		defer mu.Unlock()
		if command.ProcessState != nil {
			cpu += command.ProcessState.UserTime() + command.ProcessState.SystemTime()
		}
		return strings.TrimSpace(string(output)), err
	}
	w.each(0, images, func(ctx context.Context, i int) (err error) {
		ids[i], err = call(ctx, "import", fmt.Sprintf("golden-%05d", i))
		return err
	})
	before, cpuBefore, began := w.called("DescribeSelfImages"), cpu, time.Now()
	for time.Since(began) < window {
		next := time.Now().Add(10 * time.Second)
		w.each(0, images, func(ctx context.Context, i int) error { _, err := call(ctx, "status", ids[i]); return err })
		pause(time.Until(next))
	}
	made := w.called("DescribeSelfImages") - before
	return float64(made) / time.Since(began).Minutes(), (cpu - cpuBefore).Seconds() * 1000 / float64(made)
}
