// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"testing"

	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/controller/priorityqueue"
)

// What is under way comes before what was there earlier, and all else in its order.
func TestWake(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	queue := priorityqueue.New[ctrl.Request]("objects")
	defer queue.ShutDown()
	name := func(name string) types.NamespacedName { return types.NamespacedName{Name: name} }
	queue.Add(ctrl.Request{NamespacedName: name("new")})
	wake(queue, name("news"), false)
	wake(queue, name("under way"), true)
	g.Eventually(queue.Len).Should(Equal(3))
	for _, want := range []string{"under way", "new", "news"} {
		next, _ := queue.Get()
		g.Expect(next.NamespacedName).To(Equal(name(want)))
	}
}
