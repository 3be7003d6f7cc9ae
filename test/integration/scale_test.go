// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"fmt"
	"slices"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ens-image-operator/ens-image-operator/api/v1alpha1"
	"github.com/ens-image-operator/ens-image-operator/internal/enssim"
)

// A restart costs the pages of one listing, no call that writes, and no write to Kubernetes.
func TestRestartIsFree(t *testing.T) {
	l := &ledger{}
	w := newWorld(t, counted(l), func(w *world) {
		w.timing.Drift, w.timing.Gather = time.Hour, 200*time.Millisecond
		w.cloud.SetBehaviour(func(b *enssim.Behaviour) { b.Steps = nil })
	})
	w.credentials()
	const objects = 60
	for i := range objects {
		w.create(named(fmt.Sprint("golden-", i)))
	}
	w.Eventually(w.countReady, patience, glance).Should(Equal(objects))
	w.stop()

	before, calls := len(l.entries()), len(w.cloud.History())
	w.start()
	w.Eventually(func() int { return len(w.cloud.History()) - calls }, patience, glance).Should(Equal(2), "two pages hold 60 images")
	w.Consistently(func() int { return len(w.cloud.History()) - calls }, time.Second, glance).Should(Equal(2))
	w.Expect(l.entries()).To(HaveLen(before))
}

func (w *world) countReady() (count int) {
	list := &v1alpha1.ImageImportList{}
	w.Expect(w.client.List(w.ctx, list, client.InNamespace(w.ns))).To(Succeed())
	for i := range list.Items {
		if matches, err := ready().Match(&list.Items[i]); err == nil && matches {
			count++
		}
	}
	return count
}

// No more imports run than are allowed, those of an operator before this one included. The others say that they wait, and go
// on by themselves.
func TestQueued(t *testing.T) {
	w := newWorld(t, hold, func(w *world) { w.mostImports = 1 })
	w.credentials()
	first := w.create(named("first"))
	got := w.eventually(first, notReady(v1alpha1.ReasonImporting))
	w.stop()
	w.start()
	second := w.create(named("second"))
	queued := w.eventually(second, haveReason(metav1.ConditionFalse, v1alpha1.ReasonQueued))
	w.Expect(queued.Finalizers).To(BeEmpty(), "nothing was started")
	w.Expect(message(queued)).To(ContainSubstring("it is among the next"))
	third := w.create(named("third"))
	w.Expect(message(w.eventually(third, haveReason(metav1.ConditionFalse, v1alpha1.ReasonQueued)))).To(ContainSubstring("about 1 others"))
	w.Expect(w.sent("ImportImage")).To(Equal(1))

	w.delete(second)
	w.eventuallyGone(second)
	w.release(got.Status.ImageID, "Available")
	w.eventually(first, ready())
	w.eventually(third, notReady(v1alpha1.ReasonImporting))
	w.Expect(w.sent("ImportImage")).To(Equal(2))
}

// An account that is throttled does not slow another.
func TestThrottledAccountSlowsNoOther(t *testing.T) {
	w := newWorld(t, func(w *world) { w.callsPerSecond = 50 })
	w.credentials()
	w.cloud.PutAccessKey(enssim.AccessKey{ID: "AKID-second", Secret: keySecret, AccountID: "1000000000000002"})
	second := w.secret("AKID-second", keySecret)
	second.Name = "second"
	w.Expect(w.client.Create(w.ctx, second)).To(Succeed())
	w.cloud.AddFault(enssim.Fault{AccessKeyID: keyID, Kind: enssim.ErrorBefore, HTTPStatus: 400, Code: "Throttling.User", Message: "slow down"})
	var slow []*v1alpha1.ImageImport
	for i := range 20 {
		slow = append(slow, w.create(named(fmt.Sprint("slow-", i))))
	}
	w.eventually(slow[0], notReady(v1alpha1.ReasonThrottled))
	obj := w.create(named("quick"), func(obj *v1alpha1.ImageImport) { obj.Spec.Credentials.SecretRef.Name = "second" })
	w.eventually(obj, ready())

	// However many objects wait, the calls get few: the rate of the action goes down to one call in ten seconds.
	calls := 0
	w.Eventually(func() int {
		before := calls
		calls = len(slices.DeleteFunc(w.cloud.History(), func(call enssim.Call) bool { return call.AccessKeyID != keyID }))
		return calls - before
	}, patience, time.Second).Should(BeNumerically("<=", 1))
}

// Sharing takes a read and a write each, and gets both however few turns there are.
func TestSharingTakesTurns(t *testing.T) {
	w := newWorld(t, func(w *world) { w.callsPerSecond = 20 })
	w.credentials()
	var objects []*v1alpha1.ImageImport
	for i := range 8 {
		objects = append(objects, w.create(named(fmt.Sprint("golden-", i))))
	}
	w.Eventually(w.countReady, patience, glance).Should(Equal(len(objects)))
	for _, obj := range objects {
		w.edit(obj, sharedWith(alice, bob))
	}
	w.Eventually(w.countReady, patience, glance).Should(Equal(len(objects)))
	w.Expect(w.sent("ModifyImageSharePermission")).To(Equal(len(objects)))
	w.Expect(w.sent("DescribeImageSharePermission")).To(BeNumerically("<=", 6*len(objects)))
	for _, obj := range objects {
		w.edit(obj, deletes)
		w.delete(obj)
	}
	for _, obj := range objects {
		w.eventuallyGone(obj)
	}
	w.Expect(w.cloud.Images()).To(BeEmpty())
}

// Two operators divide the objects by a label. One that goes over from one to the other during its import is imported once.
func TestShards(t *testing.T) {
	w := newWorld(t, hold, func(w *world) { w.selector = labels.SelectorFromSet(labels.Set{"shard": "a"}) })
	stopA := w.stop
	w.selector = labels.SelectorFromSet(labels.Set{"shard": "b"})
	w.start()
	w.credentials()
	obj := w.create(func(obj *v1alpha1.ImageImport) { obj.Labels = map[string]string{"shard": "a"} })
	got := w.eventually(obj, notReady(v1alpha1.ReasonImporting))
	nobodys := w.create(named("nobodys"))
	w.edit(obj, func(obj *v1alpha1.ImageImport) { obj.Labels["shard"] = "b" })
	stopA()
	w.release(got.Status.ImageID, "Available")
	w.eventually(obj, ready())
	w.Expect(w.sent("ImportImage")).To(Equal(1))
	w.Expect(w.get(nobodys).Status.Conditions).To(BeEmpty())
}

// Hundreds of objects with Secrets of their own and one account are watched together.
func TestSecretsOfOneAccountShareAWatch(t *testing.T) {
	w := newWorld(t, hold)
	for i := range 5 {
		secret := w.secret(keyID, keySecret)
		secret.Name = fmt.Sprint("credentials-", i)
		w.Expect(w.client.Create(w.ctx, secret)).To(Succeed())
		w.create(named(fmt.Sprint("golden-", i)), func(obj *v1alpha1.ImageImport) { obj.Spec.Credentials.SecretRef.Name = secret.Name })
	}
	w.Eventually(func() int { return w.sent("ImportImage") }, patience, glance).Should(Equal(5))
	before := w.sent("DescribeSelfImages")
	w.Consistently(func() int { return w.sent("DescribeSelfImages") - before }, time.Second, glance).
		Should(BeNumerically("<", 40), "one call every 50 ms at most, not five")
	// The Secret of one of them is deleted: only that object tells of it.
	w.Expect(w.client.Delete(w.ctx, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "credentials-0", Namespace: w.ns}})).To(Succeed())
	for _, image := range w.cloud.Images() {
		w.release(image.ImageID, "Available")
	}
	w.Eventually(w.countReady, patience, glance).Should(BeNumerically(">=", 4))
}
