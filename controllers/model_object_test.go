// SPDX-License-Identifier: Apache-2.0

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

// brief is an ImageImport, reduced to what decide and report.apply read. Ages are in ticks before now, which is
// always testNow: a world that is only older is no other world.
type brief struct {
	exists, finalizer, deleting, suspend, share bool
	// policy is deletionPolicy, imageID is spec.imageID, adopt the annotation of that name. uid is the number of the
	// object, too.
	policy, uid, name, source, imageID, adopt int8
	created, generation, ask                  int8
	mark                                      mark

	observed, handled, attempts, image, ownership int8
	// answered is true when status tells the request that made the image.
	answered bool
	started  int8
	reason   int8
	told     bool // the Ready condition says beingDeletedMessage
	lastCode int8
	// importError is true when lastError is of ImportImage.
	importError bool
}

// mark is the annotation. hash numbers what the import is made of.
type mark struct {
	present, adopted, shared  bool
	uid, epoch, attempt, hash int8
	signed, image             int8
	closed, closedAt, cause   int8
}

var (
	modelUIDs  = []types.UID{testUID, "8e1d2c3b-4a59-4e68-8f70-8192a3b4c5d7"}
	causes     = []string{"", ens.StatusPackFailed}
	closures   = []closure{"", closedRefused, closedFailed}
	policies   = []v1alpha1.DeletionPolicy{"", v1alpha1.DeletionRetain, v1alpha1.DeletionDelete}
	ownerships = []v1alpha1.Ownership{"", v1alpha1.OwnershipObserved, v1alpha1.OwnershipImported, v1alpha1.OwnershipAdopted}
	modelFiles = []string{"images/ubuntu.qcow2", "images/other.qcow2"}
	// modelNames are those that specs ask for. The last one is of an image that nobody here has made.
	modelNames  = []string{"ubuntu-golden", "renamed", "found"}
	modelHashes = hashes()
)

const (
	policyUnsaid int8 = iota
	policyRetain
	policyDelete
)

// nameFound is the number of the name of an image that nobody here has made.
const nameFound = 2

func sourced(spec *v1alpha1.ImageImportSpec, source, imageID int8) {
	spec.Source.OSS.Object = modelFiles[source]
	if imageID > 0 {
		spec.Source, spec.ImageID = v1alpha1.ImageSource{}, modelImageID(imageID)
	}
}

// hashes has those of the files first, then those of the images.
func hashes() (list []string) {
	for n := range int8(len(modelFiles)) + maxModelImages {
		spec := newObject().Spec
		sourced(&spec, min(n, 1), max(0, n-1))
		list = append(list, importHash(&spec))
	}
	return list
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

// older is the age one tick later. What is ancient does not get older.
func (m *model) older(age int8) int8 {
	if age == never || age == ancient {
		return age
	}
	return min(m.old, age+1)
}

func (m *model) later(r brief) brief {
	if r.mark.present || r.exists {
		r.created, r.started = m.older(r.created), m.older(r.started)
		r.mark.signed, r.mark.closedAt = m.older(r.mark.signed), m.older(r.mark.closedAt)
	}
	return r.canonical()
}

// canonical forgets the times that nobody reads: with a record of its own, neither the age of the object matters nor the
// start that status tells, but for its being there.
func (r brief) canonical() brief {
	if r.mark.present && r.mark.uid == r.uid {
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
		SignedAt: seconds(ago(k.signed)), Hash: modelHashes[k.hash], ImageID: modelImageID(k.image),
		Adopted: k.adopted, Shared: k.shared, Closed: closures[k.closed], Cause: causes[k.cause],
	}
	if k.closedAt != never {
		at := seconds(ago(k.closedAt))
		in.ClosedAt = &at
	}
	return in
}

func markOf(in *intent) mark {
	return mark{
		present: true, adopted: in.Adopted, shared: in.Shared,
		uid: index(modelUIDs, in.UID), epoch: int8(in.Epoch), attempt: int8(in.Attempt),
		hash: index(modelHashes, in.Hash), signed: ageOf(in.SignedAt.Time), image: imageNumber(in.ImageID),
		closed: index(closures, in.Closed), closedAt: ageOfOptional(in.ClosedAt), cause: index(causes, in.Cause),
	}
}

// object is the ImageImport that decide reads.
func (m *model) object(r brief) *v1alpha1.ImageImport {
	obj := newObject()
	obj.UID, obj.Generation, obj.Name = modelUIDs[r.uid], int64(r.generation), fmt.Sprint("object-", r.uid)
	obj.CreationTimestamp = metav1.NewTime(ago(r.created))
	obj.Spec.ImageName, obj.Spec.Suspend, obj.Spec.DeletionPolicy = modelNames[r.name], r.suspend, policies[r.policy]
	sourced(&obj.Spec, r.source, r.imageID)
	if r.share {
		obj.Spec.ShareWith = []string{modelAccount}
	}
	if r.deleting {
		at := metav1.NewTime(testNow)
		obj.DeletionTimestamp = &at
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
	if r.adopt > 0 {
		obj.Annotations[v1alpha1.AdoptAnnotation] = modelImageID(r.adopt)
	}
	m.restoreStatus(r, obj)
	return obj
}

func (m *model) restoreStatus(r brief, obj *v1alpha1.ImageImport) {
	status := &obj.Status
	status.ObservedGeneration, status.Attempts, status.ImageID = int64(r.observed), int32(r.attempts), modelImageID(r.image)
	status.Ownership = ownerships[r.ownership]
	if r.answered {
		status.RequestID = "R-1"
	}
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
		if r.importError {
			status.LastError.Action = actionImport
		}
	}
}

// brief is the inverse of object.
func (m *model) brief(obj *v1alpha1.ImageImport) brief {
	status := &obj.Status
	r := brief{
		exists: true, finalizer: len(obj.Finalizers) > 0, deleting: !obj.DeletionTimestamp.IsZero(),
		policy: index(policies, obj.Spec.DeletionPolicy), suspend: obj.Spec.Suspend, share: len(obj.Spec.ShareWith) > 0,
		uid: index(modelUIDs, obj.UID), name: index(modelNames, obj.Spec.ImageName),
		imageID: imageNumber(obj.Spec.ImageID), adopt: imageNumber(obj.Annotations[v1alpha1.AdoptAnnotation]),
		created: ageOf(obj.CreationTimestamp.Time), generation: int8(obj.Generation), ask: number(obj.ReconcileRequest()),
		observed: int8(status.ObservedGeneration), handled: number(status.LastHandledReconcileAt),
		attempts: int8(status.Attempts), image: imageNumber(status.ImageID), ownership: index(ownerships, status.Ownership),
		answered: status.RequestID != "", started: ageOfOptional(status.StartTime),
		mark: mark{closedAt: never, signed: never},
	}
	if obj.Spec.Source.OSS.Object != "" {
		r.source = index(modelFiles, obj.Spec.Source.OSS.Object)
	}
	if recorded, found := obj.Annotations[v1alpha1.ImportAnnotation]; found {
		r.mark = m.markIn(recorded)
	}
	for _, condition := range status.Conditions {
		if condition.Type == v1alpha1.ConditionReady {
			r.reason, r.told = m.word(condition.Reason), condition.Message == beingDeletedMessage
		}
	}
	if last := status.LastError; last != nil {
		r.lastCode, r.importError = m.word(last.Code), last.Action == actionImport
	}
	return r.canonical()
}

func (m *model) markIn(annotation string) mark {
	k, known := m.marks[annotation]
	if !known {
		in := &intent{}
		if err := json.Unmarshal([]byte(annotation), in); err != nil {
			panic(err)
		}
		k = markOf(in)
		m.marks[annotation] = k
	}
	return k
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

// status is what reports have written.
func (r brief) status() brief {
	return brief{
		observed: r.observed, handled: r.handled, attempts: r.attempts, image: r.image, ownership: r.ownership, answered: r.answered,
		started: r.started, reason: r.reason, told: r.told, lastCode: r.lastCode, importError: r.importError,
	}
}

// newBrief is an object that was just created.
func newBrief() brief {
	return brief{exists: true, generation: 1, started: never, mark: mark{signed: never, closedAt: never}}
}
