// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/ens-image-operator/ens-image-operator/api/v1alpha1"
	"github.com/ens-image-operator/ens-image-operator/internal/ens"
)

const (
	testCluster = types.UID("0b7e9a52-6f0e-4c55-9d0c-1f6f4d1a2b3c")
	testUID     = types.UID("6f1d2c3b-4a59-4e68-8f70-8192a3b4c5d6")
	// testToken and testNonce are of epoch 1 and attempt 1, computed from the formula by another program.
	testToken = "l3haozzzuyl7obvsoc5vsoimnp"
	testNonce = "2c228dc637d47c0c85129606b7d0fec2"
	// testSuffix has the mark of testCluster before the token, computed in the same way.
	testSuffix = "-yz7uyk-" + testToken
)

var testNow = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// newObject is an ImageImport as the apiserver defaults it, an hour old and seen by the operator.
func newObject() *v1alpha1.ImageImport {
	return &v1alpha1.ImageImport{
		ObjectMeta: metav1.ObjectMeta{
			Name: "golden", Namespace: "edge", UID: testUID, Generation: 3,
			CreationTimestamp: metav1.NewTime(testNow.Add(-time.Hour)), Annotations: map[string]string{},
		},
		Spec: v1alpha1.ImageImportSpec{
			ImageName: "ubuntu-golden", ImageNamePolicy: v1alpha1.ImageNameExact,
			Source:      v1alpha1.ImageSource{OSS: v1alpha1.OSSObject{Region: "cn-beijing", Bucket: "golden", Object: "images/ubuntu.qcow2"}},
			ComputeType: "ens_vm", OSType: "linux", Architecture: "x86_64", ImageFormat: "qcow2", TimeoutSeconds: 7200,
		},
		Status: v1alpha1.ImageImportStatus{ObservedGeneration: 3},
	}
}

// change is one fact about a state. Tables list facts, so that a case says only what it is about.
type change func(*state)

// newState is what a reconcile of newObject knows at first. The object has no intent and no history.
func newState(changes ...change) *state {
	s := &state{now: testNow, obj: newObject(), cluster: testCluster, timing: DefaultTiming(), account: &account{}}
	for _, f := range changes {
		f(s)
	}
	return s
}

func newIntent(age time.Duration) *intent {
	return &intent{
		Cluster: testCluster, UID: testUID, Epoch: 1, Attempt: 1,
		SignedAt: seconds(testNow.Add(-age)), Hash: importHash(&newObject().Spec),
	}
}

// What the intent says.

func record(in *intent) change {
	return func(s *state) { s.intent = in; s.obj.Finalizers = []string{v1alpha1.ImageFinalizer} }
}

func open(age time.Duration) change { return record(newIntent(age)) }

// refused and failedAs are of attempts that were closed a minute ago.
func refused(s *state) {
	record(newIntent(2*time.Minute).closed(closedRefused, testNow.Add(-time.Minute)))(s)
}

func failedAs(status string, ago time.Duration) change {
	return func(s *state) {
		told("m-1")(s)
		record(newIntent(ago+time.Minute).failed(status, testNow.Add(-ago)))(s)
	}
}

func owns(id string) change { return record(newIntent(3 * time.Hour).withImage(id)) }

func adopted(id string) change {
	return func(s *state) {
		s.obj.Spec.ImageID, s.obj.Spec.ImageName = id, ""
		record(s.base().adopting(id, testNow.Add(-time.Hour), importHash(&s.obj.Spec)))(s)
	}
}

func shared(s *state) { s.intent.Shared = true }

// usedKey is the access key of the record, presentKey the one in use.
func usedKey(key string) change    { return func(s *state) { s.intent.Key = key } }
func presentKey(key string) change { return func(s *state) { s.account.key = key } }

// What the object says.

func imageID(id string) change {
	return func(s *state) { s.obj.Spec.ImageID, s.obj.Spec.ImageName = id, "" }
}

func observeOnly(s *state) { s.obj.Spec.ManagementPolicy = v1alpha1.ManagementObserveOnly }

func shareWith(accounts ...string) change {
	return func(s *state) { s.obj.Spec.ShareWith = accounts }
}

func adoptAnnotated(id string) change {
	return func(s *state) { s.obj.Annotations[v1alpha1.AdoptAnnotation] = id }
}

func deleting(s *state) {
	at := metav1.NewTime(testNow)
	s.obj.DeletionTimestamp = &at
	s.obj.Finalizers = []string{v1alpha1.ImageFinalizer}
}
func retain(s *state)      { s.obj.Spec.DeletionPolicy = v1alpha1.DeletionRetain }
func isSuspended(s *state) { s.obj.Spec.Suspend = true }
func edited(s *state)      { s.obj.Generation++ }
func otherSource(s *state) { s.obj.Spec.Source.OSS.Object = "images/other.qcow2" }
func requested(s *state)   { s.requested = true }
func fresh(s *state)       { s.obj.CreationTimestamp = metav1.NewTime(testNow.Add(-freshObject)) }

// told is what status remembers of the first attempt: the image that the cloud promised, if any.
func told(id string) change {
	return func(s *state) {
		s.obj.Status.Attempts, s.obj.Status.ImageID = 1, id
		if id != "" {
			s.obj.Status.RequestID = "R-1"
		}
	}
}

// unanswered is an attempt whose image was found without the cloud's answer.
func unanswered(s *state) { s.obj.Status.RequestID = "" }

func wasSeen(s *state) { s.obj.Status.ImageStatus = "Creating" }

func justNow(s *state)       { s.intent.SignedAt = seconds(testNow) }
func secondAttempt(s *state) { s.intent.Attempt = 2 }

func startedAt(age time.Duration) change {
	return func(s *state) { at := seconds(testNow.Add(-age)); s.obj.Status.StartTime = &at }
}

// What was learned in this reconcile.

func permitted(s *state) { s.permit = &permit{intent: *s.intent} }

func answered(err *ens.Error) change {
	return func(s *state) {
		s.answer = &answer{err: err}
		if err == nil {
			s.answer.imported = ens.Imported{ImageID: "m-1", RequestID: "R-1"}
		}
	}
}

func saw(images ...ens.Image) change {
	return func(s *state) { s.seen = &sighting{images: images, begun: s.now} }
}

func lookalike(images ...ens.Image) change {
	return func(s *state) { s.seen.lookalikes = images }
}

// claimedBy is another object's claim on an image: an older one's by default.
func claimedBy(image string, change ...func(*claim)) change {
	return func(s *state) {
		c := claim{image: image, object: types.NamespacedName{Namespace: "edge", Name: "other"}, uid: "other", created: testNow.Add(-2 * time.Hour)}
		for _, f := range change {
			f(&c)
		}
		s.seen.claims = append(s.seen.claims, c)
	}
}

func younger(c *claim)  { c.created = testNow }
func importer(c *claim) { c.imported = true }
func wish(c *claim)     { c.wished = true }

func importsInstead(s *state) { s.obj.Spec = newObject().Spec }

func isShared(accounts ...string) change {
	return func(s *state) { s.shares = &shares{accounts: accounts} }
}

// answeredLate is a sighting whose look-ups took so long.
func answeredLate(took time.Duration) change {
	return func(s *state) { s.seen.begun = s.now.Add(-took) }
}

// reported is what the Ready condition says.
func reported(reason string) change {
	return func(s *state) {
		s.obj.Status.Conditions = []metav1.Condition{{Type: v1alpha1.ConditionReady, Status: metav1.ConditionFalse, Reason: reason}}
	}
}

func said(message string) change {
	return func(s *state) {
		s.obj.Status.Conditions = []metav1.Condition{{Type: v1alpha1.ConditionReady, Reason: v1alpha1.ReasonDeleting, Message: message}}
	}
}

func asked(ids ...string) change   { return func(s *state) { s.deleted = ids } }
func unknown(ids ...string) change { return func(s *state) { s.unknown = ids } }

// image is an image of the first attempt while it bears the token.
func image(id, status string) ens.Image {
	return ens.Image{ID: id, Name: "ubuntu-golden" + testSuffix, Status: status, SizeGiB: 20, CreationTime: testNow.Add(-time.Hour)}
}

func named(name string, image ens.Image) ens.Image { image.Name = name; return image }

var (
	errRefused = &ens.Error{
		Action: actionImport, Class: ens.ClassInvalid, Code: "InvalidParameter.OSSObject", Message: "no such object",
		Hint: "check the file", RequestID: "R-2", HTTPStatus: 400, NotExecuted: true,
	}
	errLost = &ens.Error{Action: actionImport, Class: ens.ClassUnknownOutcome, Code: ens.CodeNoAnswer, Message: "timeout", Hint: "wait"}
)
