// SPDX-License-Identifier: Apache-2.0

package enssim

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestStatusesOfAnImport(t *testing.T) {
	t.Parallel()
	broken := func(object Object) func(*cloud) {
		return func(c *cloud) { object.Bucket, object.Key = "images", "good.qcow2"; c.PutObject(object) }
	}
	none := func(*cloud) {}
	cases := map[string]struct {
		change  func(*Behaviour)
		prepare func(*cloud)
		params  []string
		want    []string // one per second
	}{
		"good":               {nil, none, nil, []string{"Creating", "Packing", "Uploading", "Available", "Available"}},
		"copied":             {nil, none, []string{"TargetOSSRegionId", "ap-southeast-1"}, []string{"Creating", "Packing", "Uploading", "Copying", "Available"}},
		"not copied":         {nil, none, []string{"TargetOSSRegionId", "cn-beijing"}, []string{"Creating", "Packing", "Uploading", "Available"}},
		"not qcow2":          {nil, broken(Object{Format: "vmdk"}), nil, []string{"Creating", "Packing", "Pack_failed", "Pack_failed"}},
		"corrupt":            {nil, broken(Object{Corrupt: true}), nil, []string{"Creating", "Packing", "Pack_failed"}},
		"corrupt and copied": {nil, broken(Object{Corrupt: true}), []string{"TargetOSSRegionId", "ap-southeast-1"}, []string{"Creating", "Packing", "Pack_failed", "Pack_failed"}},
		"fails in upload":    {func(b *Behaviour) { b.FailureStatus = StatusUploadFailed }, broken(Object{Corrupt: true}), nil, []string{"Creating", "Packing", "Uploading", "Upload_failed"}},
		"unavailable":        {func(b *Behaviour) { b.FailureStatus = StatusUnavailable }, broken(Object{Corrupt: true}), nil, []string{"Creating", "Packing", "Unavailable"}},
		"missing later":      {func(b *Behaviour) { b.MissingObject = MissingObjectFailLater }, none, []string{"OSSObject", "gone"}, []string{"Creating", "Packing", "Pack_failed"}},
		"own sequence": {func(b *Behaviour) {
			b.Steps = []Step{{"Baking", metav1.Duration{Duration: 2 * time.Second}}, {"Available", metav1.Duration{Duration: time.Second}}}
			b.FinalStatus = StatusUnavailable
		}, none, nil, []string{"Baking", "Baking", "Available", "Unavailable"}},
		"no steps": {func(b *Behaviour) { b.Steps = nil }, none, nil, []string{"Available"}},
	}
	for name, test := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			c := newCloud(t)
			if test.change != nil {
				c.SetBehaviour(test.change)
			}
			test.prepare(c)
			c.imported(t, "golden", test.params...)
			c.SetBehaviour(func(b *Behaviour) {
				b.Steps = []Step{{Status: "Other", Duration: metav1.Duration{Duration: time.Hour}}}
			})
			for second, want := range test.want {
				g.Expect(c.Images()[0].Status).To(Equal(want), "after %d s", second)
				g.Expect(c.list(t, keyA).Images.Image[0].Status).To(Equal(want), "after %d s", second)
				c.clock.advance(time.Second)
			}
		})
	}
}

func TestPinnedStatus(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	c := newCloud(t)
	id := c.imported(t, "golden")
	setStatus := func(status string) {
		g.Expect(c.UpdateImage(id, func(image *Image) { image.Status = status })).To(Succeed())
	}
	setStatus(StatusUploading)
	c.clock.advance(time.Hour)
	g.Expect(c.Images()[0].Status).To(Equal(StatusUploading))
	g.Expect(c.UpdateImage(id, func(image *Image) { image.InUse = true })).To(Succeed())
	g.Expect(c.Images()[0].Status).To(Equal(StatusUploading), "another change leaves it pinned")
	setStatus("")
	g.Expect(c.Images()[0].Status).To(Equal(StatusAvailable), "it moves by time again")

	g.Expect(c.UpdateImage(id, func(image *Image) { image.ImageID = "m-other" })).To(MatchError(ContainSubstring("id cannot change")))
	g.Expect(c.UpdateImage("m-gone", func(*Image) {})).To(MatchError(ContainSubstring(`"m-gone"`)))
	c.RemoveImage(id)
	g.Expect(c.Images()).To(BeEmpty())
}

func TestPutImage(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	c := newCloud(t)
	put := c.PutImage(Image{ImageName: "mine", AccountID: accountA, SharedWith: []string{accountB}})
	g.Expect(put.Status).To(Equal(StatusAvailable))
	put.SharedWith[0] = "changed"
	g.Expect(c.Images()[0].SharedWith).To(Equal([]string{accountB}), "the caller must not share memory with the simulator")
	c.clock.advance(time.Second)
	older := c.PutImage(Image{ImageName: "older", AccountID: accountA, CreationTime: c.clock.Now().Add(-time.Hour)})
	g.Expect(c.Images()[0].ImageID).To(Equal(older.ImageID), "sorted by creation")
}
