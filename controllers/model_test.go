// SPDX-License-Identifier: Apache-2.0

//go:build model

package controllers

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/ens-image-operator/ens-image-operator/api/v1alpha1"
	"github.com/ens-image-operator/ens-image-operator/internal/ens"
)

// The files model_*_test.go are a model checker: they play the shipped decide, readIntent, observe and report.apply in
// a small world, and visit every state that this world can get into.
//
//	model_test.go             Objects, as small values that can be compared, and as what decide reads.
//	model_world_test.go       The world: objects, controllers, cloud; how time passes.
//	model_controller_test.go  A controller's steps. What an effect does to a state mirrors perform.go.
//	model_cloud_test.go       What an effect does to the cloud, with all that can go wrong.
//	model_user_test.go        What users and others do.
//	model_explore_test.go     Visits all states, and tells the way to one that breaks a rule.
//	model_settle_test.go      From every state: does it come to a good end once nothing goes wrong any more?
//	model_scenarios_test.go   What may happen how often.
//	model_ablation_test.go    Each protection taken away must lead to a broken rule.

// tick is the grain of the model's time. sendWindow and freshObject end within the first one, and the bounds of
// modelTiming are whole ticks, so every comparison of decide comes out in all ways.
const tick = 61 * time.Second

const (
	// validity is how many ticks after its signature the cloud runs a request, lag how long an image may be missing
	// from listings. sendPause is the longest pause between the decision to call ImportImage and the call.
	validity, lag, sendPause = 2, 1, 1
	// never is the age of what has not happened.
	never = -1
)

// modelTiming has the tightest bounds that the world allows.
func modelTiming() Timing {
	t := DefaultTiming()
	t.ListingLag, t.Settle, t.Slow = (sendPause+lag)*tick, (validity+lag)*tick, tick/2
	return t
}

// brief is an ImageImport, reduced to what decide and report.apply read. Ages are in ticks before now, which is
// always testNow: a world that is only older is no other world.
type brief struct {
	exists, finalizer, deleting, retain, suspend bool

	uid, name, source int8
	created           int8
	generation, ask   int8
	mark              mark
	observed, handled int8
	attempts, image   int8
	started           int8
	reason            int8
	told              bool // the Ready condition says beingDeletedMessage
	lastCode          int8
	frozenError       bool // lastError is of ImportImage
}

// mark is the annotation.
type mark struct {
	present                     bool
	uid, epoch, attempt, source int8
	signed                      int8
	image                       int8
	closed, closedAt, cause     int8
}

var (
	modelUIDs   = []types.UID{testUID, "0e1d2c3b-4a59-4e68-8f70-8192a3b4c5d7"}
	causes      = []string{"", ens.StatusPackFailed}
	closures    = []closure{"", closedRefused, closedFailed}
	modelFiles  = []string{"images/ubuntu.qcow2", "images/other.qcow2"}
	modelNames  = []string{"ubuntu-golden", "renamed"}
	modelHashes = []string{hashOf(modelFiles[0]), hashOf(modelFiles[1])}
)

func hashOf(file string) string {
	spec := newObject().Spec
	spec.Source.OSS.Object = file
	return importHash(&spec)
}

func ago(age int8) time.Time { return testNow.Add(-time.Duration(age) * tick) }

func ageOf(t time.Time) int8 { return int8(testNow.Sub(t) / tick) }

func ageOfOptional(t *metav1.Time) int8 {
	if t == nil {
		return never
	}
	return ageOf(t.Time)
}

func index[T comparable](list []T, value T) int8 {
	i := slices.Index(list, value)
	if i < 0 {
		panic(fmt.Sprint("the model does not know ", value))
	}
	return int8(i)
}

// older is the age one tick later.
func (m *model) older(age int8) int8 {
	if age == never {
		return never
	}
	return min(m.old, age+1)
}

func (m *model) later(r brief) brief {
	if r.exists {
		r.created, r.started = m.older(r.created), m.older(r.started)
		r.mark.signed, r.mark.closedAt = m.older(r.mark.signed), m.older(r.mark.closedAt)
	}
	return r.canonical()
}

// canonical forgets the times that nobody reads: with an intent, neither the age of the object matters nor the start
// that status tells, but for its being there.
func (r brief) canonical() brief {
	if r.mark.present {
		r.created, r.started = 0, min(r.started, 0)
	}
	return r
}

func modelImageID(n int8) string {
	if n == 0 {
		return ""
	}
	return "m-" + strconv.Itoa(int(n))
}

func imageNumber(id string) int8 { return number(strings.TrimPrefix(id, "m-")) }

func (k mark) intent() *intent {
	in := &intent{
		Cluster: testCluster, UID: modelUIDs[k.uid], Epoch: int64(k.epoch), Attempt: int32(k.attempt),
		SignedAt: seconds(ago(k.signed)), Hash: modelHashes[k.source], ImageID: modelImageID(k.image), Closed: closures[k.closed], Cause: causes[k.cause],
	}
	if k.closedAt != never {
		at := seconds(ago(k.closedAt))
		in.ClosedAt = &at
	}
	return in
}

func markOf(in *intent) mark {
	return mark{
		present: true, uid: index(modelUIDs, in.UID), epoch: int8(in.Epoch), attempt: int8(in.Attempt),
		source: index(modelHashes, in.Hash), signed: ageOf(in.SignedAt.Time), image: imageNumber(in.ImageID),
		closed: index(closures, in.Closed), closedAt: ageOfOptional(in.ClosedAt), cause: index(causes, in.Cause),
	}
}

// object is the ImageImport that decide reads.
func (m *model) object(r brief) *v1alpha1.ImageImport {
	obj := newObject()
	obj.UID, obj.Generation = modelUIDs[r.uid], int64(r.generation)
	obj.CreationTimestamp = metav1.NewTime(ago(r.created))
	obj.Spec.ImageName, obj.Spec.Source.OSS.Object, obj.Spec.Suspend = modelNames[r.name], modelFiles[r.source], r.suspend
	if r.deleting {
		at := metav1.NewTime(testNow)
		obj.DeletionTimestamp = &at
	}
	if r.retain {
		obj.Spec.DeletionPolicy = v1alpha1.DeletionRetain
	}
	if r.finalizer {
		obj.Finalizers = []string{v1alpha1.ImageFinalizer}
	}
	if r.mark.present {
		obj.Annotations[v1alpha1.ImportAnnotation] = r.mark.intent().encode()
	}
	if r.ask > 0 {
		obj.Annotations[v1alpha1.ReconcileRequestAnnotation] = fmt.Sprint(r.ask)
	}
	m.restoreStatus(r, obj)
	return obj
}

func (m *model) restoreStatus(r brief, obj *v1alpha1.ImageImport) {
	status := &obj.Status
	status.ObservedGeneration, status.Attempts, status.ImageID = int64(r.observed), int32(r.attempts), modelImageID(r.image)
	if r.handled > 0 {
		status.LastHandledReconcileAt = fmt.Sprint(r.handled)
	}
	if r.started != never {
		at := seconds(ago(r.started))
		status.StartTime = &at
	}
	if r.reason > 0 {
		ready := metav1.Condition{Type: v1alpha1.ConditionReady, Status: metav1.ConditionFalse, Reason: m.words[r.reason], Message: "told"}
		if ready.Reason == v1alpha1.ReasonAvailable {
			ready.Status = metav1.ConditionTrue
		}
		if r.told {
			ready.Message = beingDeletedMessage
		}
		status.Conditions = []metav1.Condition{ready}
	}
	if r.lastCode > 0 {
		status.LastError = &v1alpha1.LastError{Action: "another", Code: m.words[r.lastCode]}
		if r.frozenError {
			status.LastError.Action = actionImport
		}
	}
}

// brief is the inverse of object.
func (m *model) brief(obj *v1alpha1.ImageImport) brief {
	status := &obj.Status
	r := brief{
		exists: true, finalizer: len(obj.Finalizers) > 0, deleting: !obj.DeletionTimestamp.IsZero(),
		retain: obj.Spec.DeletionPolicy == v1alpha1.DeletionRetain, suspend: obj.Spec.Suspend,
		uid: index(modelUIDs, obj.UID), name: index(modelNames, obj.Spec.ImageName), source: index(modelFiles, obj.Spec.Source.OSS.Object),
		created: ageOf(obj.CreationTimestamp.Time), generation: int8(obj.Generation), ask: number(obj.ReconcileRequest()),
		observed: int8(status.ObservedGeneration), handled: number(status.LastHandledReconcileAt),
		attempts: int8(status.Attempts), image: imageNumber(status.ImageID), started: ageOfOptional(status.StartTime),
		mark: mark{closedAt: never, signed: never},
	}
	if recorded, found := obj.Annotations[v1alpha1.ImportAnnotation]; found {
		if _, known := m.marks[recorded]; !known {
			in := &intent{}
			if err := json.Unmarshal([]byte(recorded), in); err != nil {
				panic(err)
			}
			m.marks[recorded] = markOf(in)
		}
		r.mark = m.marks[recorded]
	}
	for _, condition := range status.Conditions {
		if condition.Type == v1alpha1.ConditionReady {
			r.reason, r.told = m.word(condition.Reason), condition.Message == beingDeletedMessage
		}
	}
	if last := status.LastError; last != nil {
		r.lastCode, r.frozenError = m.word(last.Code), last.Action == actionImport
	}
	return r.canonical()
}

func number(s string) int8 {
	n, _ := strconv.Atoi(s)
	return int8(n)
}

// word numbers a reason or code, so that a brief stays small.
func (m *model) word(w string) int8 {
	if i := slices.Index(m.words, w); i >= 0 {
		return int8(i)
	}
	m.words = append(m.words, w)
	return int8(len(m.words) - 1)
}
