// SPDX-License-Identifier: Apache-2.0

package enssim

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	. "github.com/onsi/gomega"
)

// TestConcurrentUse is for the race detector; the order of the history is
// checked on top.
func TestConcurrentUse(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	c := newCloud(t)
	g.Expect(c.UseStateFile(t.TempDir() + "/state.json")).To(Succeed())
	tasks := []func(int){
		func(i int) { c.call(t, keyA, "ImportImage", importParams(fmt.Sprintf("image-%d", i))) },
		func(int) { c.call(t, keyB, "DescribeSelfImages", nil) },
		func(int) { c.admin(t, http.MethodGet, "/-/history", "") },
		func(int) { c.admin(t, http.MethodPatch, "/-/behaviour", `{"order":"Shuffled"}`) },
		func(i int) { c.PutImage(Image{ImageID: fmt.Sprintf("m-%d", i), AccountID: accountB}) },
		func(i int) { c.RemoveImage(fmt.Sprintf("m-%d", i)) },
		func(i int) { _ = c.UpdateImage(fmt.Sprintf("m-%d", i), func(image *Image) { image.InUse = true }) },
		func(int) { c.AddFault(Fault{Kind: Duplicate, Action: "DescribeSelfImages", Times: 1}) },
		func(int) { c.SetBehaviour(func(b *Behaviour) { b.QPS = map[string]float64{"DeleteImage": 1} }) },
		func(i int) { c.call(t, keyB, "DeleteImage", map[string]string{"ImageId": fmt.Sprintf("m-%d", i)}) },
		func(int) { c.Images(); c.History(); c.Faults() },
	}
	const rounds = 5
	var group sync.WaitGroup
	for _, task := range tasks {
		group.Go(func() {
			for i := range rounds {
				task(i)
			}
		})
	}
	group.Wait()
	for i, call := range c.History() {
		g.Expect(call.Seq).To(Equal(i + 1))
	}
	imported := 0
	for _, image := range c.Images() {
		if strings.HasPrefix(image.ImageName, "image-") {
			imported++
		}
	}
	g.Expect(imported).To(Equal(rounds))
}

func TestHistoryIsACopy(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	c := newCloud(t)
	c.imported(t, "golden")
	c.History()[0].Params["ImageName"] = "changed"
	g.Expect(c.History()[0].Params).To(HaveKeyWithValue("ImageName", "golden"))
}

func TestOnCall(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	var told []Call
	s := New(Options{OnCall: func(call Call) { told = append(told, call) }})
	s.deliver(&request{action: "ImportImage"}, delivery{})
	g.Expect(told).To(Equal(s.History()))
	g.Expect(told).To(HaveLen(1))
}
