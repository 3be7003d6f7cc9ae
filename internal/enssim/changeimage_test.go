// SPDX-License-Identifier: Apache-2.0

package enssim

import (
	"fmt"
	"testing"

	. "github.com/onsi/gomega"
)

func TestDeleteImage(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		image  Image
		change func(*Behaviour)
		code   string
	}{
		"available":            {Image{}, nil, ""},
		"unavailable":          {Image{Status: StatusUnavailable}, nil, ""},
		"failed":               {Image{Status: StatusPackFailed}, nil, ""},
		"failed in upload":     {Image{Status: StatusUploadFailed}, nil, ""},
		"creating":             {Image{Status: StatusCreating}, nil, "IncorrectStatus.Image"},
		"packing":              {Image{Status: StatusPacking}, nil, "IncorrectStatus.Image"},
		"uploading":            {Image{Status: StatusUploading}, nil, "IncorrectStatus.Image"},
		"copying":              {Image{Status: StatusCopying}, nil, "IncorrectStatus.Image"},
		"unknown status":       {Image{Status: "Baking"}, nil, "IncorrectStatus.Image"},
		"creating, allowed":    {Image{Status: StatusCreating}, func(b *Behaviour) { b.AllowDeleteUnfinished = true }, ""},
		"in use":               {Image{InUse: true}, nil, "Error.DeleteImage"},
		"in use, other code":   {Image{InUse: true}, func(b *Behaviour) { b.InUseCode = "Forbidden.DelerrorteImage" }, "Forbidden.DelerrorteImage"},
		"shared":               {Image{SharedWith: []string{accountB}}, nil, "ImageUseShared"},
		"shared, allowed":      {Image{SharedWith: []string{accountB}}, func(b *Behaviour) { b.DeleteSharedCode = "" }, ""},
		"of another":           {Image{AccountID: accountB}, nil, "InvalidParameter.ImageId"},
		"gone":                 {Image{ImageID: "m-other"}, nil, "InvalidParameter.ImageId"},
		"gone, other code":     {Image{ImageID: "m-other"}, func(b *Behaviour) { b.NotFoundCode = "InvalidImageId.NotFound" }, "InvalidImageId.NotFound"},
		"gone, success":        {Image{ImageID: "m-other"}, func(b *Behaviour) { b.NotFoundCode = NotFoundSuccess }, ""},
		"of another, success":  {Image{AccountID: accountB}, func(b *Behaviour) { b.NotFoundCode = NotFoundSuccess }, ""},
		"part of an id":        {Image{ImageID: "m-5abcd"}, nil, "InvalidParameter.ImageId"},
		"shared by another":    {Image{AccountID: accountB, SharedWith: []string{accountA}}, nil, "NoPermission"},
		"same, success of all": {Image{AccountID: accountB, SharedWith: []string{accountA}}, func(b *Behaviour) { b.NotFoundCode = NotFoundSuccess }, "NoPermission"},
	}
	for name, test := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			c := newCloud(t)
			if test.change != nil {
				c.SetBehaviour(test.change)
			}
			const id = "m-5abc"
			if test.image.ImageID == "" {
				test.image.ImageID = id
			}
			if test.image.AccountID == "" {
				test.image.AccountID = accountA
			}
			c.PutImage(test.image)
			answer := c.call(t, keyA, "DeleteImage", map[string]string{"ImageId": id})
			g.Expect(answer.code()).To(Equal(test.code), answer.text)
			if test.code != "" {
				g.Expect(answer.status).To(Equal(400))
				g.Expect(c.Images()).To(HaveLen(1))
				return
			}
			g.Expect(answer.text).To(MatchJSON(fmt.Sprintf(`{"Code": 0, "RequestId": %q}`, c.History()[0].RequestID)))
			if test.image.ImageID == id && test.image.AccountID == accountA {
				g.Expect(c.Images()).To(BeEmpty())
			} else {
				g.Expect(c.Images()).To(HaveLen(1), "a foreign image must survive")
			}
		})
	}
}

func TestModifyImageAttribute(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		status, name string
		change       func(*Behaviour)
		code         string
	}{
		"available":            {StatusAvailable, "renamed", nil, ""},
		"same name":            {StatusAvailable, "golden", nil, ""},
		"unique, same name":    {StatusAvailable, "golden", func(b *Behaviour) { b.UniqueNames = true }, ""},
		"name of another":      {StatusAvailable, "taken", nil, ""},
		"unique, taken":        {StatusAvailable, "taken", func(b *Behaviour) { b.UniqueNames = true }, "InvalidParameter.ImageName"},
		"bad name":             {StatusAvailable, "1", nil, "InvalidParameter.ImageName"},
		"no name":              {StatusAvailable, "", nil, "MissingParameter"},
		"creating":             {StatusCreating, "renamed", nil, "IncorrectStatus.Image"},
		"failed":               {StatusPackFailed, "renamed", nil, "IncorrectStatus.Image"},
		"creating, allowed":    {StatusCreating, "renamed", func(b *Behaviour) { b.AllowRenameUnfinished = true }, ""},
		"success is not found": {"", "renamed", func(b *Behaviour) { b.NotFoundCode = NotFoundSuccess }, "InvalidParameter.ImageId"},
	}
	for name, test := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			c := newCloud(t)
			if test.change != nil {
				c.SetBehaviour(test.change)
			}
			c.PutImage(Image{ImageName: "taken", AccountID: accountA})
			if test.status != "" {
				c.PutImage(Image{ImageID: "m-1", ImageName: "golden", AccountID: accountA, Status: test.status})
			}
			answer := c.call(t, keyA, "ModifyImageAttribute", map[string]string{"ImageId": "m-1", "ImageName": test.name})
			g.Expect(answer.code()).To(Equal(test.code), answer.text)
			if test.code == "" {
				g.Expect(answer.text).To(ContainSubstring(`"Code":0`))
				g.Expect(c.Images()[1].ImageName).To(Equal(test.name))
			}
		})
	}
}
