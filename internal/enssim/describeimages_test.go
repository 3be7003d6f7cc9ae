// SPDX-License-Identifier: Apache-2.0

package enssim

import (
	"fmt"
	"strconv"
	"testing"
	"time"

	. "github.com/onsi/gomega"
)

// TestListingOnTheWire pins nesting, names and the types of the documents.
func TestListingOnTheWire(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	c := newCloud(t)
	id := c.imported(t, "golden", "Platform", "ubuntu", "OSVersion", "22.04", "TargetOSSRegionId", "ap-southeast-1",
		"DiskDeviceMapping", `[{"OSSBucket":"images","OSSObject":"good.qcow2"}]`)
	answer := c.call(t, keyA, "DescribeSelfImages", nil)
	g.Expect(answer.text).To(MatchJSON(fmt.Sprintf(`{
		"Code": 0, "RequestId": %q, "PageNumber": "1", "PageSize": "10", "TotalCount": "1",
		"Images": {"Image": [{
			"ImageId": %q, "ImageName": "golden", "Status": "Creating", "ImageOwnerAlias": "self",
			"Architecture": "x86_64", "ComputeType": "ens_vm", "Platform": "ubuntu", "OsVersion": "22.04",
			"ImageSize": "20", "ImageStorageSize": "20", "CreationTime": "2026-11-23T09:00:00Z",
			"RegionId": "ap-southeast-1", "InstanceId": "", "SnapshotId": "",
			"DiskDeviceMappings": {"DiskDeviceMapping": [
				{"Format": "qcow2", "Size": "20", "Type": "system", "imageId": %q},
				{"Format": "qcow2", "Size": "20", "Type": "data", "imageId": %q}
			]}
		}]}
	}`, c.History()[1].RequestID, id, id, id)))
	g.Expect(answer.header.Get("Content-Type")).To(HavePrefix("application/json"))
	g.Expect(c.call(t, keyB, "DescribeSelfImages", nil).text).To(ContainSubstring(`"Images":{"Image":[]}`))
}

func TestPaging(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	c := newCloud(t, func(b *Behaviour) { b.Order = OrderCreation })
	for i := range 55 {
		c.PutImage(Image{ImageName: fmt.Sprintf("image-%02d", i), AccountID: accountA})
	}
	page := func(more ...string) listing { return c.list(t, keyA, more...) }
	g.Expect(page().names()).To(HaveLen(10))
	g.Expect(page().TotalCount).To(Equal("55"))
	g.Expect(page("PageSize", "50").names()).To(HaveLen(50))
	last := page("PageSize", "50", "PageNumber", "2")
	g.Expect(last.names()).To(Equal([]string{"image-50", "image-51", "image-52", "image-53", "image-54"}))
	g.Expect(last.PageNumber + "/" + last.PageSize).To(Equal("2/50"))
	g.Expect(page("PageNumber", "2147483647").names()).To(BeEmpty())

	refused := func(name, value string) string {
		return c.call(t, keyA, "DescribeSelfImages", map[string]string{name: value}).code()
	}
	for _, value := range []string{"0", "-1", "51", "x", "1.5", "99999999999"} {
		g.Expect(refused("PageSize", value)).To(Equal("InvalidParameter.PageSize"), value)
	}
	g.Expect(refused("PageNumber", "0")).To(Equal("InvalidParameter.PageNumber"))
	g.Expect(refused("Status", "Available")).To(Equal("InvalidParameter.Status"))

	c.SetBehaviour(func(b *Behaviour) { b.MaxPageSize, b.ClampPageSize = 20, true })
	g.Expect(page("PageSize", "50").names()).To(HaveLen(20))
	g.Expect(page("PageSize", "50").PageSize).To(Equal("20"))
}

func TestFuzzySearch(t *testing.T) {
	t.Parallel()
	everything := []string{"golden-10", "golden-1", "my-Golden"}
	cases := map[string]struct {
		change      func(*Behaviour)
		name, value string
		want        []string
	}{
		"substring":              {nil, "ImageName", "olden", everything},
		"any case":               {nil, "ImageName", "GOLDEN-1", []string{"golden-10", "golden-1"}},
		"a name is also a part":  {nil, "ImageName", "golden-1", []string{"golden-10", "golden-1"}},
		"nothing":                {nil, "ImageName", "silver", []string{}},
		"empty means all":        {nil, "ImageName", "", everything},
		"an id is also a part":   {nil, "ImageId", "m-5abc", []string{"golden-10", "golden-1"}},
		"id in any case":         {nil, "ImageId", "M-5ABCD", []string{"golden-10"}},
		"prefix":                 {func(b *Behaviour) { b.NameMatch = MatchPrefix }, "ImageName", "golden", []string{"golden-10", "golden-1"}},
		"not a prefix":           {func(b *Behaviour) { b.NameMatch = MatchPrefix }, "ImageName", "olden", []string{}},
		"case matters":           {func(b *Behaviour) { b.CaseSensitiveMatch = true }, "ImageName", "Golden", []string{"my-Golden"}},
		"a snapshot is compared": {nil, "SnapshotId", "s-1", []string{"my-Golden"}},
		"exactly":                {nil, "SnapshotId", "s-", []string{}},
	}
	for name, test := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCloud(t, func(b *Behaviour) { b.Order = OrderCreation })
			if test.change != nil {
				c.SetBehaviour(test.change)
			}
			c.PutImage(Image{ImageID: "m-5abcd", ImageName: "golden-10", AccountID: accountA})
			c.PutImage(Image{ImageID: "m-5abc", ImageName: "golden-1", AccountID: accountA})
			c.PutImage(Image{ImageID: "m-5x", ImageName: "my-Golden", AccountID: accountA, SnapshotID: "s-1"})
			NewWithT(t).Expect(c.list(t, keyA, test.name, test.value).names()).To(Equal(test.want))
		})
	}
}

func TestOrder(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	c := newCloud(t)
	var oldestFirst, newestFirst []string
	for i := range 20 {
		name := "image-" + strconv.Itoa(i)
		c.PutImage(Image{ImageName: name, AccountID: accountA})
		oldestFirst, newestFirst = append(oldestFirst, name), append([]string{name}, newestFirst...)
	}
	names := func() []string { return c.list(t, keyA, "PageSize", "50").names() }
	g.Expect(names()).To(Equal(newestFirst), "the default")
	c.SetBehaviour(func(b *Behaviour) { b.Order = OrderCreation })
	g.Expect(names()).To(Equal(oldestFirst))
	c.SetBehaviour(func(b *Behaviour) { b.Order = OrderShuffled })
	first := names()
	g.Expect(first).To(ConsistOf(oldestFirst))
	g.Expect([][]string{names(), names(), names()}).NotTo(HaveEach(first), "every request has an order of its own")
}

func TestImagesOfOthers(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	c := newCloud(t)
	c.PutImage(Image{ImageName: "private", AccountID: accountB})
	shared := c.PutImage(Image{ImageName: "shared", AccountID: accountB, SharedWith: []string{accountA}})
	rows := c.list(t, keyA).Images.Image
	g.Expect(rows).To(HaveLen(1))
	g.Expect(rows[0].ImageOwnerAlias).To(Equal("others"))
	for _, action := range []string{"DeleteImage", "ModifyImageAttribute", "ModifyImageSharePermission", "DescribeImageSharePermission"} {
		params := map[string]string{"ImageId": shared.ImageID}
		if action == "ModifyImageAttribute" {
			params["ImageName"] = "mine"
		}
		g.Expect(c.call(t, keyA, action, params).code()).To(Equal("NoPermission"), action)
	}
}

func TestFlicker(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	c := newCloud(t, func(b *Behaviour) { b.ListLag.Duration, b.ListFlicker = 2*time.Second, true })
	c.imported(t, "golden")
	shown := func() []string { return c.list(t, keyA).names() }
	g.Expect([][]string{shown(), shown(), shown(), shown()}).To(Equal([][]string{{"golden"}, {}, {}, {"golden"}}))
	c.clock.advance(2 * time.Second)
	g.Expect([][]string{shown(), shown()}).To(HaveEach([]string{"golden"}))
}

func TestLags(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	c := newCloud(t, func(b *Behaviour) {
		b.Steps = nil
		b.ListLag.Duration, b.RenameLag.Duration, b.DeleteLag.Duration = 2*time.Second, 3*time.Second, 4*time.Second
	})
	listed := func() []string { return c.list(t, keyA).names() }
	after := func(d time.Duration) []string { c.clock.advance(d); return listed() }

	id := c.imported(t, "first")
	g.Expect(listed()).To(BeEmpty())
	g.Expect(c.Images()).To(HaveLen(1), "Images looks behind the lag")
	g.Expect(after(2 * time.Second)).To(Equal([]string{"first"}))

	rename := func(name string) {
		g.Expect(c.call(t, keyA, "ModifyImageAttribute", map[string]string{"ImageId": id, "ImageName": name}).code()).To(BeEmpty())
	}
	rename("second")
	c.clock.advance(time.Second)
	rename("third")
	g.Expect(c.Images()[0].ImageName).To(Equal("third"))
	g.Expect(after(time.Second)).To(Equal([]string{"first"}))
	g.Expect(c.list(t, keyA, "ImageName", "third").names()).To(BeEmpty(), "the filter lags as well")
	g.Expect(after(time.Second)).To(Equal([]string{"second"}))
	g.Expect(after(time.Second)).To(Equal([]string{"third"}))

	g.Expect(c.call(t, keyA, "DeleteImage", map[string]string{"ImageId": id}).code()).To(BeEmpty())
	g.Expect(c.Images()).To(BeEmpty())
	g.Expect(after(3 * time.Second)).To(Equal([]string{"third"}))
	g.Expect(c.call(t, keyA, "DeleteImage", map[string]string{"ImageId": id}).code()).To(Equal("InvalidParameter.ImageId"))
	g.Expect(after(time.Second)).To(BeEmpty())
}
