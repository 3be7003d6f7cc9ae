// SPDX-License-Identifier: Apache-2.0

package enssim

import (
	"net/http"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
)

// noOSS removes the three parameters of the system disk.
var noOSS = []string{"OSSRegion", "-", "OSSBucket", "-", "OSSObject", "-"}

func TestImportImageParameters(t *testing.T) {
	t.Parallel()
	const good = `{"OSSBucket":"images","OSSObject":"good.qcow2"}`
	mapping := func(value string) []string { return append([]string{"DiskDeviceMapping", value}, noOSS...) }
	cases := map[string]struct {
		change  []string
		code    string
		message string
	}{
		"complete":                 {nil, "", ""},
		"all optional ones":        {[]string{"Platform", "ubuntu", "OSVersion", "22.04", "TargetOSSRegionId", "ap-southeast-1", "LicenseType", "BYOL"}, "", ""},
		"empty optional one":       {[]string{"Platform", ""}, "", ""},
		"client token is ignored":  {[]string{"ClientToken", "t"}, "", ""},
		"Chinese name":             {[]string{"ImageName", "镜像:a_b-1"}, "", ""},
		"longest name":             {[]string{"ImageName", strings.Repeat("a", 128)}, "", ""},
		"name of one":              {[]string{"ImageName", "a"}, "InvalidParameter.ImageName", "ImageName"},
		"name too long":            {[]string{"ImageName", strings.Repeat("a", 129)}, "InvalidParameter.ImageName", "128"},
		"name with digit first":    {[]string{"ImageName", "1a"}, "InvalidParameter.ImageName", ""},
		"name with dot":            {[]string{"ImageName", "a.b"}, "InvalidParameter.ImageName", ""},
		"name like a URL":          {[]string{"ImageName", "http://a"}, "InvalidParameter.ImageName", ""},
		"no name":                  {[]string{"ImageName", "-"}, "MissingParameter", "ImageName"},
		"empty name":               {[]string{"ImageName", ""}, "MissingParameter", "ImageName"},
		"no compute type":          {[]string{"ComputeType", "-"}, "MissingParameter", "ComputeType"},
		"no OS type":               {[]string{"OSType", "-"}, "MissingParameter", "OSType"},
		"no format":                {[]string{"ImageFormat", "-"}, "MissingParameter", "ImageFormat"},
		"no architecture":          {[]string{"Architecture", "-"}, "MissingParameter", "Architecture"},
		"compute type":             {[]string{"ComputeType", "bare_metal"}, "InvalidParameter.ComputeType", "ens_vm"},
		"windows":                  {[]string{"OSType", "windows"}, "InvalidParameter.OSType", "linux"},
		"case of a word":           {[]string{"OSType", "Linux"}, "InvalidParameter.OSType", "linux"},
		"format":                   {[]string{"ImageFormat", "raw"}, "InvalidParameter.ImageFormat", "qcow2"},
		"architecture":             {[]string{"Architecture", "arm64"}, "InvalidParameter.Architecture", "x86_64"},
		"platform":                 {[]string{"Platform", "debian"}, "InvalidParameter.Platform", "centos, ubuntu"},
		"source region":            {[]string{"OSSRegion", "cn-shanghai"}, "InvalidParameter.OSSRegion", "cn-beijing"},
		"target region":            {[]string{"TargetOSSRegionId", "cn-hangzhou"}, "InvalidParameter.TargetOSSRegionId", "ap-southeast-1"},
		"misspelt parameter":       {[]string{"TargetOSSRegionID", "cn-beijing"}, "InvalidParameter.TargetOSSRegionID", ""},
		"numbered mapping":         {append([]string{"DiskDeviceMapping.1.OSSBucket", "images"}, noOSS...), "InvalidParameter.DiskDeviceMapping.1.OSSBucket", ""},
		"no source":                {noOSS, "MissingParameter", "OSSObject"},
		"object without bucket":    {[]string{"OSSBucket", "-"}, "MissingParameter", "OSSBucket"},
		"bucket without object":    {[]string{"OSSObject", "-"}, "MissingParameter", "OSSObject"},
		"missing object":           {[]string{"OSSObject", "gone"}, "InvalidParameter.OSSObject", "gone"},
		"missing bucket":           {[]string{"OSSBucket", "gone"}, "InvalidParameter.OSSObject", "gone"},
		"no source region":         {[]string{"OSSRegion", "-"}, "", ""},
		"mapping":                  {mapping("[" + good + "]"), "", ""},
		"both sources":             {[]string{"DiskDeviceMapping", "[" + good + "]"}, "", ""},
		"mapping null":             {mapping("null"), "InvalidParameter.DiskDeviceMapping", "JSON"},
		"mapping empty":            {mapping("[]"), "InvalidParameter.DiskDeviceMapping", "JSON"},
		"mapping with null":        {mapping("[null]"), "InvalidParameter.DiskDeviceMapping", "OSSBucket"},
		"mapping an object":        {mapping(good), "InvalidParameter.DiskDeviceMapping", "JSON"},
		"mapping not JSON":         {mapping("images"), "InvalidParameter.DiskDeviceMapping", "JSON"},
		"mapping with a tail":      {mapping("[" + good + "]]"), "InvalidParameter.DiskDeviceMapping", "JSON"},
		"mapping field unknown":    {mapping(`[{"OSSBucket":"images","OSSObject":"good.qcow2","Size":"1"}]`), "InvalidParameter.DiskDeviceMapping", "JSON"},
		"mapping field case":       {mapping(`[{"ossBucket":"images","OSSObject":"good.qcow2"}]`), "InvalidParameter.DiskDeviceMapping", "JSON"},
		"mapping without object":   {mapping(`[{"OSSBucket":"images"}]`), "InvalidParameter.DiskDeviceMapping", "OSSObject"},
		"mapping region":           {mapping(`[{"OSSRegion":"x","OSSBucket":"images","OSSObject":"good.qcow2"}]`), "InvalidParameter.DiskDeviceMapping", "OSSRegion"},
		"mapping missing object":   {mapping(`[` + good + `,{"OSSBucket":"images","OSSObject":"gone"}]`), "InvalidParameter.DiskDeviceMapping", "gone"},
		"system good, data absent": {[]string{"DiskDeviceMapping", `[{"OSSBucket":"images","OSSObject":"gone"}]`}, "InvalidParameter.DiskDeviceMapping", "gone"},
	}
	for name, test := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			c := newCloud(t)
			answer := c.call(t, keyA, "ImportImage", importParams("golden", test.change...))
			g.Expect(answer.code()).To(Equal(test.code), answer.text)
			if test.code == "" {
				g.Expect(answer.text).To(MatchRegexp(`^\{"RequestId":"[0-9A-F-]{36}","ImageId":"m-5[a-z2-7]{22}"\}$`))
				g.Expect(c.Images()).To(HaveLen(1))
				return
			}
			g.Expect(answer.status).To(Equal(http.StatusBadRequest))
			g.Expect(answer.text).To(ContainSubstring(test.message))
			g.Expect(c.Images()).To(BeEmpty())
		})
	}
}

func TestImportImageKeepsItsAttributes(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	c := newCloud(t)
	c.PutObject(Object{Bucket: "images", Key: "data.qcow2", SizeGiB: 100})
	id := c.imported(t, "golden", "Platform", "ubuntu", "OSVersion", "22.04", "LicenseType", "BYOL", "TargetOSSRegionId", "ap-southeast-1",
		"DiskDeviceMapping", `[{"OSSBucket":"images","OSSObject":"data.qcow2"}]`)
	g.Expect(c.Images()).To(Equal([]Image{{
		ImageID: id, ImageName: "golden", Status: StatusCreating, AccountID: accountA, Architecture: "x86_64", ComputeType: "ens_vm",
		OSType: "linux", Platform: "ubuntu", OSVersion: "22.04", ImageFormat: "qcow2", LicenseType: "BYOL",
		DiskSource:        DiskSource{"cn-beijing", "images", "good.qcow2"},
		DiskDeviceMapping: []DiskSource{{"cn-beijing", "images", "data.qcow2"}},
		TargetOSSRegionID: "ap-southeast-1", SizeGiB: 20, CreationTime: c.clock.Now(),
	}}))
}

func TestImportImageKnobs(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		change func(*Behaviour)
		params []string
		code   string
	}{
		"both sources refused": {
			func(b *Behaviour) { b.RejectBothSources = true },
			[]string{"DiskDeviceMapping", `[{"OSSBucket":"images","OSSObject":"good.qcow2"}]`},
			"InvalidParameter.DiskDeviceMapping",
		},
		"windows allowed":       {func(b *Behaviour) { b.AllowWindows = true }, []string{"OSType", "windows"}, ""},
		"missing object later":  {func(b *Behaviour) { b.MissingObject = MissingObjectFailLater }, []string{"OSSObject", "gone"}, ""},
		"any object":            {func(b *Behaviour) { b.AcceptAnyObject = true }, []string{"OSSObject", "gone"}, ""},
		"unique names":          {func(b *Behaviour) { b.UniqueNames = true }, []string{"ImageName", "taken"}, "InvalidParameter.ImageName"},
		"unique names, code":    {func(b *Behaviour) { b.UniqueNames, b.DuplicateNameCode = true, "Dup" }, []string{"ImageName", "taken"}, "Dup"},
		"names need no unicity": {func(*Behaviour) {}, []string{"ImageName", "taken"}, ""},
		"name of another":       {func(b *Behaviour) { b.UniqueNames = true }, []string{"ImageName", "taken-by-b"}, ""},
	}
	for name, test := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			c := newCloud(t, test.change)
			c.PutImage(Image{ImageName: "taken", AccountID: accountA})
			c.PutImage(Image{ImageName: "taken-by-b", AccountID: accountB})
			g.Expect(c.call(t, keyA, "ImportImage", importParams("golden", test.params...)).code()).To(Equal(test.code))
		})
	}
}
