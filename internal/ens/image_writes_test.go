// SPDX-License-Identifier: Apache-2.0

package ens

import (
	"fmt"
	"net/http"
	"slices"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/ens-image-operator/ens-image-operator/internal/enssim"
)

func accounts(count int) []string {
	ids := make([]string, count)
	for i := range ids {
		ids[i] = fmt.Sprintf("20000000000%05d", i)
	}
	return ids
}

func TestShares(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	cloud := newCloud(t)
	cloud.PutImage(imageOne)
	client := cloud.client(t)
	g.Expect(client.ImageShares(t.Context(), "m-1")).To(BeEmpty())

	g.Expect(client.ShareImage(t.Context(), "m-1", "3", "1", "2")).To(Succeed())
	g.Expect(client.ImageShares(t.Context(), "m-1")).To(Equal([]string{"1", "2", "3"}))
	g.Expect(client.ShareImage(t.Context(), "m-1", "2")).To(Succeed(), "it may be called twice")

	cloud.ClearHistory()
	g.Expect(client.UnshareImage(t.Context(), "m-1", "2")).To(Succeed())
	g.Expect(cloud.History()).To(HaveLen(1))
	g.Expect(cloud.History()[0].Params).To(Equal(map[string]string{"ImageId": "m-1", "RemoveAccounts": "2"}))
	g.Expect(client.ImageShares(t.Context(), "m-1")).To(Equal([]string{"1", "3"}))
}

// TestManyShares needs more than the 100 accounts of one page.
func TestManyShares(t *testing.T) {
	t.Parallel()
	for _, count := range []int{99, 100, 101, 250} {
		t.Run(fmt.Sprint(count), func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			cloud := newCloud(t)
			cloud.PutImage(imageOne)
			client := cloud.client(t)
			shared := accounts(count)
			backwards := slices.Clone(shared)
			slices.Reverse(backwards)
			g.Expect(client.ShareImage(t.Context(), "m-1", backwards...)).To(Succeed())
			g.Expect(cloud.History()).To(HaveLen(1), "all accounts go in one call")
			g.Expect(client.ImageShares(t.Context(), "m-1")).To(Equal(shared))
			g.Expect(cloud.History()).To(HaveLen(1 + (count+99)/100))
		})
	}
}

// TestSharesAreNeverHalf : an answer that says nothing must not be taken for "shared with nobody".
func TestSharesAreNeverHalf(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		body string
		code string
	}{
		"no fields":             {`{"RequestId":"R"}`, CodeListingChanged},
		"another page":          {`{"RequestId":"R","PageNumber":2,"TotalCount":0}`, CodeListingChanged},
		"less than the total":   {`{"RequestId":"R","PageNumber":1,"TotalCount":2,"Accounts":{"Account":[{"AliyunUid":"1"}]}}`, CodeListingChanged},
		"an account twice":      {`{"RequestId":"R","PageNumber":1,"TotalCount":2,"Accounts":{"Account":[{"AliyunUid":"1"},{"AliyunUid":"1"}]}}`, CodeListingChanged},
		"more than the total":   {`{"RequestId":"R","PageNumber":1,"TotalCount":1,"Accounts":{"Account":[{"AliyunUid":"1"},{"AliyunUid":"2"}]}}`, CodeListingChanged},
		"an account without ID": {`{"RequestId":"R","PageNumber":1,"TotalCount":1,"Accounts":{"Account":[{}]}}`, CodeListingChanged},
		"empty":                 {``, CodeUnreadableAnswer},
		"null":                  {`null`, CodeUnreadableAnswer},
	}
	for name, test := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			shares, err := answering(t, http.StatusOK, test.body).client(t).ImageShares(t.Context(), "m-1")
			g.Expect(failed(t, err).Code).To(Equal(test.code))
			g.Expect(shares).To(BeEmpty())
		})
	}
}

func TestRefusedShares(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	cloud := newCloud(t, func(b *enssim.Behaviour) { b.InvalidAccounts = []string{"13"} })
	cloud.PutImage(imageOne)
	cloud.PutImage(enssim.Image{ImageID: "m-2", ImageName: "unfinished", AccountID: account, Status: "Packing"})
	client := cloud.client(t)
	g.Expect(failed(t, client.ShareImage(t.Context(), "m-1", "1", "13")).Class).To(Equal(ClassInvalid))
	g.Expect(client.ImageShares(t.Context(), "m-1")).To(BeEmpty())
	g.Expect(failed(t, client.ShareImage(t.Context(), "m-1")).Class).To(Equal(ClassInvalid))
	g.Expect(failed(t, client.UnshareImage(t.Context(), "m-1", "1,2")).Class).To(Equal(ClassInvalid))
	g.Expect(failed(t, client.ShareImage(t.Context(), "m-2", "1")).Class).To(Equal(ClassConflict))
	g.Expect(failed(t, client.ShareImage(t.Context(), "m-gone", "1")).Class).To(Equal(ClassGone))
}

func TestRenameAndDelete(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	cloud := newCloud(t)
	cloud.PutImage(imageOne)
	client := cloud.client(t)
	for range 2 {
		g.Expect(client.RenameImage(t.Context(), "m-1", "silver-中")).To(Succeed())
		g.Expect(cloud.Images()[0].ImageName).To(Equal("silver-中"))
	}
	g.Expect(failed(t, client.RenameImage(t.Context(), "m-1", "1")).Class).To(Equal(ClassInvalid))
	g.Expect(failed(t, client.RenameImage(t.Context(), "m-2", "silver")).Class).To(Equal(ClassGone))

	g.Expect(cloud.UpdateImage("m-1", func(i *enssim.Image) { i.InUse = true })).To(Succeed())
	for _, code := range []string{"Error.DeleteImage", "Forbidden.DelerrorteImage"} {
		cloud.SetBehaviour(func(b *enssim.Behaviour) { b.InUseCode = code })
		e := failed(t, client.DeleteImage(t.Context(), "m-1"))
		g.Expect(e.Code).To(Equal(code))
		g.Expect(e.Class).To(Equal(ClassConflict))
	}
	g.Expect(cloud.UpdateImage("m-1", func(i *enssim.Image) { i.InUse = false })).To(Succeed())
	g.Expect(client.DeleteImage(t.Context(), "m-1")).To(Succeed())
	g.Expect(cloud.Images()).To(BeEmpty())
	g.Expect(failed(t, client.DeleteImage(t.Context(), "m-1")).Class).To(Equal(ClassGone))
}
