// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"time"

	. "github.com/onsi/gomega"
	gomegatypes "github.com/onsi/gomega/types"
	eventsv1 "k8s.io/api/events/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/config"

	"github.com/ens-image-operator/ens-image-operator/api/v1alpha1"
	"github.com/ens-image-operator/ens-image-operator/internal/enssim"
)

func ctrlConfig(skipNameValidation *bool) config.Controller {
	return config.Controller{SkipNameValidation: skipNameValidation}
}

// imageImport is an ImageImport as a user writes it.
func (w *world) imageImport(change ...func(*v1alpha1.ImageImport)) *v1alpha1.ImageImport {
	obj := &v1alpha1.ImageImport{
		ObjectMeta: metav1.ObjectMeta{Name: "golden", Namespace: w.ns},
		Spec: v1alpha1.ImageImportSpec{
			ImageName:   "ubuntu-golden",
			Source:      v1alpha1.ImageSource{OSS: v1alpha1.OSSObject{Region: "cn-beijing", Bucket: "golden", Object: "images/ubuntu.qcow2"}},
			OSType:      "linux",
			Credentials: v1alpha1.Credentials{SecretRef: v1alpha1.SecretReference{Name: "ens-credentials"}},
		},
	}
	for _, f := range change {
		f(obj)
	}
	return obj
}

func (w *world) create(change ...func(*v1alpha1.ImageImport)) *v1alpha1.ImageImport {
	w.t.Helper()
	obj := w.imageImport(change...)
	w.Expect(w.client.Create(w.ctx, obj)).To(Succeed())
	return obj
}

// edit changes the object as kubectl edit does.
func (w *world) edit(obj *v1alpha1.ImageImport, change func(*v1alpha1.ImageImport)) {
	w.t.Helper()
	w.Expect(w.tryEdit(obj, change)).To(Succeed())
}

func (w *world) tryEdit(obj *v1alpha1.ImageImport, change func(*v1alpha1.ImageImport)) error {
	base := w.get(obj)
	changed := base.DeepCopy()
	change(changed)
	return w.client.Patch(w.ctx, changed, client.MergeFrom(base))
}

func (w *world) get(obj *v1alpha1.ImageImport) *v1alpha1.ImageImport {
	w.t.Helper()
	current := &v1alpha1.ImageImport{}
	w.Expect(w.client.Get(w.ctx, client.ObjectKeyFromObject(obj), current)).To(Succeed())
	return current
}

func (w *world) delete(obj *v1alpha1.ImageImport) {
	w.t.Helper()
	w.Expect(w.client.Delete(w.ctx, obj)).To(Succeed())
}

// eventually waits until the object is as the matcher says, and returns it.
func (w *world) eventually(obj *v1alpha1.ImageImport, matcher gomegatypes.GomegaMatcher) *v1alpha1.ImageImport {
	w.t.Helper()
	var current *v1alpha1.ImageImport
	w.Eventually(func() *v1alpha1.ImageImport { current = w.get(obj); return current }, patience, glance).Should(matcher)
	return current
}

func (w *world) eventuallyGone(obj *v1alpha1.ImageImport) {
	w.t.Helper()
	w.Eventually(func() bool {
		return apierrors.IsNotFound(w.client.Get(w.ctx, client.ObjectKeyFromObject(obj), &v1alpha1.ImageImport{}))
	}, patience, glance).Should(BeTrue())
}

// ready matches an object that is Ready for its present generation.
func ready() gomegatypes.GomegaMatcher {
	return And(haveReason(metav1.ConditionTrue, v1alpha1.ReasonAvailable), WithTransform(observed, BeTrue()))
}

// notReady matches an object whose Ready condition is False with the reason.
func notReady(reason string) gomegatypes.GomegaMatcher {
	return And(haveReason(metav1.ConditionFalse, reason), WithTransform(observed, BeTrue()))
}

// inMood matches the two kstatus conditions: present only when True.
func inMood(reconciling, stalled bool) gomegatypes.GomegaMatcher {
	return And(
		WithTransform(func(obj *v1alpha1.ImageImport) bool {
			return meta.IsStatusConditionTrue(obj.Status.Conditions, v1alpha1.ConditionReconciling)
		}, Equal(reconciling)),
		WithTransform(func(obj *v1alpha1.ImageImport) bool {
			return meta.IsStatusConditionTrue(obj.Status.Conditions, v1alpha1.ConditionStalled)
		}, Equal(stalled)),
	)
}

func haveReason(status metav1.ConditionStatus, reason string) gomegatypes.GomegaMatcher {
	type shown struct {
		Status metav1.ConditionStatus
		Reason string
	}
	return WithTransform(func(obj *v1alpha1.ImageImport) shown {
		if condition := meta.FindStatusCondition(obj.Status.Conditions, v1alpha1.ConditionReady); condition != nil {
			return shown{condition.Status, condition.Reason}
		}
		return shown{}
	}, Equal(shown{status, reason}))
}

func observed(obj *v1alpha1.ImageImport) bool { return obj.Status.ObservedGeneration == obj.Generation }

func message(obj *v1alpha1.ImageImport) string {
	return meta.FindStatusCondition(obj.Status.Conditions, v1alpha1.ConditionReady).Message
}

// calls counts the calls of an action that the cloud carried out.
func (w *world) calls(action string) int {
	count := 0
	for _, call := range w.cloud.History() {
		if call.Action == action && call.Executed {
			count++
		}
	}
	return count
}

// sent counts the calls of an action that reached the cloud at all.
func (w *world) sent(action string) int {
	count := 0
	for _, call := range w.cloud.History() {
		if call.Action == action {
			count++
		}
	}
	return count
}

// image returns the one image of the account.
func (w *world) image() enssim.Image {
	w.t.Helper()
	images := w.cloud.Images()
	w.Expect(images).To(HaveLen(1))
	return images[0]
}

// hold keeps images in their first state until they are released by their status.
func hold(w *world) {
	w.cloud.SetBehaviour(func(b *enssim.Behaviour) {
		b.Steps = []enssim.Step{{Status: enssim.StatusCreating, Duration: metav1.Duration{Duration: time.Hour}}}
	})
}

func (w *world) release(id, status string) {
	w.t.Helper()
	w.Expect(w.cloud.UpdateImage(id, func(image *enssim.Image) { image.Status = status })).To(Succeed())
}

// eventReasons lists the reasons of the object's events, in the order of their creation.
func (w *world) eventReasons() []string {
	w.t.Helper()
	list := &eventsv1.EventList{}
	w.Expect(w.client.List(w.ctx, list, client.InNamespace(w.ns))).To(Succeed())
	reasons := make([]string, len(list.Items))
	for i := range list.Items {
		reasons[i] = list.Items[i].Reason
	}
	return reasons
}
