// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/types"
	clocktesting "k8s.io/utils/clock/testing"

	"github.com/ens-image-operator/ens-image-operator/internal/ens"
	"github.com/ens-image-operator/ens-image-operator/internal/imagewatch"
)

// What tells accounts apart: the whole key, or where a temporary one is from.
func TestIdentity(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	here, there := types.NamespacedName{Namespace: "a", Name: "keys"}, types.NamespacedName{Namespace: "b", Name: "keys"}
	key := ens.Credentials{AccessKeyID: "id", AccessKeySecret: "canary-secret"}
	g.Expect(identityOf(key, here)).To(Equal(identityOf(key, there)), "one key, one account")
	g.Expect(identityOf(key, here)).NotTo(ContainSubstring("id"))
	guessed := ens.Credentials{AccessKeyID: "id", AccessKeySecret: "guessed"}
	g.Expect(identityOf(guessed, here)).NotTo(Equal(identityOf(key, here)), "who knows the ID only shares nothing")
	temporary, next := key, ens.Credentials{AccessKeyID: "id-2", AccessKeySecret: "other", SecurityToken: "token-2"}
	temporary.SecurityToken = "token-1"
	g.Expect(identityOf(temporary, here)).To(Equal(identityOf(next, here)))
	g.Expect(identityOf(temporary, here)).NotTo(Equal(identityOf(temporary, there)))
}

// What belongs to an account is kept while somebody uses it, and goes some time after.
func TestCloudsThatNobodyUsesGo(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	clock := clocktesting.NewFakePassiveClock(testNow)
	c := (&Reconciler{ClusterUID: testCluster, Timing: DefaultTiming(), Clock: clock}).clouds()
	followed, waiting, unused := c.cloud("followed"), c.cloud("waiting"), c.cloud("unused")
	object := types.NamespacedName{Namespace: "edge", Name: "golden"}
	followed.watch.Follow(object, types.NamespacedName{}, "1", imagewatch.Subject{ID: "m-1"}, nil, imagewatch.Pace{Every: time.Minute})
	waiting.queue.Count(object)
	stopped := false
	unused.stop = func() { stopped = true }

	clock.SetTime(testNow.Add(idleCloud))
	c.cloud("another")
	g.Expect(c.byIdentity).To(HaveLen(4))
	clock.SetTime(testNow.Add(idleCloud + time.Second))
	c.cloud("a third")
	g.Expect(c.byIdentity).NotTo(HaveKey("unused"))
	g.Expect(stopped).To(BeTrue())
	g.Expect(c.byIdentity).To(And(HaveKey("followed"), HaveKey("waiting"), HaveKey("another")))
}

// An object that turns to another account leaves nothing behind in the one before.
func TestForget(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	c := (&Reconciler{ClusterUID: testCluster, Timing: DefaultTiming(), Clock: clocktesting.NewFakePassiveClock(testNow), MaxConcurrentImports: 1}).clouds()
	shared := c.cloud("identity")
	object := types.NamespacedName{Namespace: "edge", Name: "golden"}
	c.byObject[object] = shared
	shared.queue.Turn(object, actionImport)
	_, err := shared.watch.Look(object, types.NamespacedName{}, "1", imagewatch.Subject{ID: "m-1"}, time.Time{})
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(shared.watch.Idle()).To(BeFalse())
	c.forget(object)
	g.Expect(shared.watch.Idle()).To(BeTrue())
	g.Expect(shared.queue.Idle()).To(BeTrue())
	g.Expect(c.byObject).To(BeEmpty())
}

// No import is started while looks fail: each that is not answered costs its object the wait for the outcome.
func TestNoStartsWhileLooksFail(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	shared := (&Reconciler{ClusterUID: testCluster, Timing: DefaultTiming(), Clock: clocktesting.NewFakePassiveClock(testNow)}).clouds().newCloud("identity")
	object := types.NamespacedName{Namespace: "edge", Name: "golden"}
	_, err := shared.watch.Look(object, types.NamespacedName{}, "1", imagewatch.Subject{ID: "m-1"}, time.Time{})
	g.Expect(err).NotTo(HaveOccurred())
	shared.watch.Round(t.Context()) // there are no credentials
	g.Expect(shared.watch.Troubled()).To(BeTrue())
	_, now := shared.queue.Turn(object, actionImport)
	g.Expect(now).To(BeFalse())
	_, now = shared.queue.Turn(object, actions[deleteImage])
	g.Expect(now).To(BeTrue(), "everything else goes on")
}
