// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"testing"

	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/workqueue"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/controller/priorityqueue"
)

// Who is woken comes before those that were there earlier, and the queue of a manager without priorities takes them as well.
func TestWokenComeFirst(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	request := func(name string) ctrl.Request {
		return ctrl.Request{NamespacedName: types.NamespacedName{Name: name}}
	}
	ordered := priorityqueue.New[ctrl.Request]("ordered")
	plain := workqueue.NewTypedRateLimitingQueue(workqueue.DefaultTypedControllerRateLimiter[ctrl.Request]())
	for queue, want := range map[workqueue.TypedRateLimitingInterface[ctrl.Request]]string{ordered: "woken", plain: "new"} {
		defer queue.ShutDown()
		queue.Add(request("new"))
		addFirst(queue, request("woken"))
		g.Eventually(queue.Len).Should(Equal(2))
		first, _ := queue.Get()
		g.Expect(first).To(Equal(request(want)))
	}
}
