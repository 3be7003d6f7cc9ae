// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	. "github.com/onsi/gomega"

	"github.com/ens-image-operator/ens-image-operator/api/v1alpha1"
	"github.com/ens-image-operator/ens-image-operator/internal/ens"
)

func fullSpec() v1alpha1.ImageImportSpec {
	oss := func(name string) v1alpha1.OSSObject {
		return v1alpha1.OSSObject{Region: "cn-beijing", Bucket: "golden", Object: name}
	}
	return v1alpha1.ImageImportSpec{
		ImageName: "ubuntu-golden", ImageNamePolicy: v1alpha1.ImageNameUnique, Source: v1alpha1.ImageSource{OSS: oss("system.qcow2")},
		ComputeType: "ens_vm", OSType: "linux", Platform: "ubuntu", OSVersion: "22.04", Architecture: "x86_64", ImageFormat: "qcow2",
		LicenseType: "BYOL", DiskDeviceMappings: []v1alpha1.DiskDeviceMapping{{OSS: oss("a.qcow2")}, {OSS: oss("b.qcow2")}},
		TargetOSSRegionID: "ap-southeast-1", DeletionPolicy: v1alpha1.DeletionRetain, Suspend: true, TimeoutSeconds: 60,
		ImageID: "m-1", ManagementPolicy: v1alpha1.ManagementManaged, ShareWith: []string{"1"},
		Credentials: v1alpha1.Credentials{SecretRef: v1alpha1.SecretReference{Name: "keys"}},
	}
}

func TestImportRequest(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	spec := fullSpec()
	g.Expect(reflect.ValueOf(spec)).To(WithTransform(zeroFields, BeEmpty()), "fullSpec sets every field")
	g.Expect(importRequest(&spec)).To(Equal(ens.Import{
		ComputeType: "ens_vm", OSType: "linux", OSVersion: "22.04", Platform: "ubuntu", Architecture: "x86_64", ImageFormat: "qcow2",
		LicenseType: "BYOL", TargetOSSRegionID: "ap-southeast-1",
		Source: ens.OSSObject{Region: "cn-beijing", Bucket: "golden", Object: "system.qcow2"},
		DiskDeviceMappings: []ens.OSSObject{
			{Region: "cn-beijing", Bucket: "golden", Object: "a.qcow2"}, {Region: "cn-beijing", Bucket: "golden", Object: "b.qcow2"},
		},
	}))
	g.Expect(zeroFields(reflect.ValueOf(importRequest(&spec)))).To(Equal([]string{"ImageName"}), "the name is not the spec's to give")
	g.Expect(importRequest(&v1alpha1.ImageImportSpec{})).To(BeZero())
}

func zeroFields(v reflect.Value) []string {
	var names []string
	for i := range v.NumField() {
		if v.Field(i).IsZero() {
			names = append(names, v.Type().Field(i).Name)
		}
	}
	return names
}

func TestTargetRegion(t *testing.T) {
	t.Parallel()
	source := v1alpha1.ImageSource{OSS: v1alpha1.OSSObject{Region: "cn-beijing"}}
	disks := []v1alpha1.DiskDeviceMapping{{OSS: v1alpha1.OSSObject{Region: "cn-shanghai"}}, {OSS: v1alpha1.OSSObject{Region: "cn-hangzhou"}}}
	for name, c := range map[string]struct {
		spec v1alpha1.ImageImportSpec
		want string
	}{
		"given":                 {v1alpha1.ImageImportSpec{Source: source, DiskDeviceMappings: disks, TargetOSSRegionID: "ap-southeast-1"}, "ap-southeast-1"},
		"the source's":          {v1alpha1.ImageImportSpec{Source: source, DiskDeviceMappings: disks}, "cn-beijing"},
		"the first data disk's": {v1alpha1.ImageImportSpec{DiskDeviceMappings: disks}, "cn-shanghai"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			NewWithT(t).Expect(importRequest(&c.spec).TargetOSSRegionID).To(Equal(c.want))
		})
	}
}

// Every field of the spec either defines the import, and then changes the hash, or it does not. A new field fails here
// until somebody has decided which.
func TestImportHash(t *testing.T) {
	t.Parallel()
	defines := map[string]bool{
		"Source": true, "ComputeType": true, "OSType": true, "Platform": true, "OSVersion": true, "Architecture": true,
		"ImageFormat": true, "LicenseType": true, "DiskDeviceMappings": true, "TargetOSSRegionID": true,
		"ImageID": true, "ManagementPolicy": false, "ShareWith": false,
		"ImageName": false, "ImageNamePolicy": false, "DeletionPolicy": false, "Suspend": false, "TimeoutSeconds": false, "Credentials": false,
	}
	spec := fullSpec()
	before := importHash(&spec)
	// Recorded hashes outlive the version that wrote them: another value would stall every object that was imported before.
	NewWithT(t).Expect(before).To(Equal("e0efd4e76ed92d8a"))
	NewWithT(t).Expect(importHash(&newObject().Spec)).To(Equal("99f36c8690dc09c3"))
	kind := reflect.TypeFor[v1alpha1.ImageImportSpec]()
	NewWithT(t).Expect(defines).To(HaveLen(kind.NumField()))
	for i := range kind.NumField() {
		t.Run(kind.Field(i).Name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			g.Expect(defines).To(HaveKey(kind.Field(i).Name))
			changed := fullSpec()
			reflect.ValueOf(&changed).Elem().Field(i).SetZero()
			wanted := Equal(before)
			if defines[kind.Field(i).Name] {
				wanted = Not(wanted)
			}
			g.Expect(importHash(&changed)).To(wanted)
		})
	}
}

func TestImportHashOfParts(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*v1alpha1.ImageImportSpec){
		"region":         func(s *v1alpha1.ImageImportSpec) { s.Source.OSS.Region = "x" },
		"bucket":         func(s *v1alpha1.ImageImportSpec) { s.Source.OSS.Bucket = "x" },
		"object":         func(s *v1alpha1.ImageImportSpec) { s.Source.OSS.Object = "x" },
		"order of disks": func(s *v1alpha1.ImageImportSpec) { d := s.DiskDeviceMappings; d[0], d[1] = d[1], d[0] },
		"fewer disks":    func(s *v1alpha1.ImageImportSpec) { s.DiskDeviceMappings = s.DiskDeviceMappings[:1] },
		"moved text":     func(s *v1alpha1.ImageImportSpec) { s.Platform, s.OSVersion = s.Platform+s.OSVersion, "" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			spec, changed := fullSpec(), fullSpec()
			change(&changed)
			NewWithT(t).Expect(importHash(&changed)).NotTo(Equal(importHash(&spec)))
		})
	}
	spec, same := fullSpec(), fullSpec()
	spec.TargetOSSRegionID, same.TargetOSSRegionID = "", "cn-beijing"
	NewWithT(t).Expect(importHash(&same)).To(Equal(importHash(&spec)), "writing the default down is no change")
}

func TestNames(t *testing.T) {
	t.Parallel()
	const suffix = testSuffix
	for name, c := range map[string]struct {
		change        func(*v1alpha1.ImageImport)
		unique, final string
	}{
		"exact":          {func(*v1alpha1.ImageImport) {}, "ubuntu-golden" + suffix, "ubuntu-golden"},
		"unset policy":   {func(o *v1alpha1.ImageImport) { o.Spec.ImageNamePolicy = "" }, "ubuntu-golden" + suffix, "ubuntu-golden"},
		"unique":         {func(o *v1alpha1.ImageImport) { o.Spec.ImageNamePolicy = v1alpha1.ImageNameUnique }, "ubuntu-golden" + suffix, "ubuntu-golden" + suffix},
		"the object's":   {func(o *v1alpha1.ImageImport) { o.Spec.ImageName = "" }, "golden" + suffix, "golden"},
		"longest uncut":  {func(o *v1alpha1.ImageImport) { o.Spec.ImageName = strings.Repeat("a", 94) }, strings.Repeat("a", 94) + suffix, strings.Repeat("a", 94)},
		"cut":            {func(o *v1alpha1.ImageImport) { o.Spec.ImageName = strings.Repeat("a", 95) }, strings.Repeat("a", 94) + suffix, strings.Repeat("a", 95)},
		"cut in Chinese": {func(o *v1alpha1.ImageImport) { o.Spec.ImageName = strings.Repeat("镜像", 64) }, strings.Repeat("镜像", 47) + suffix, strings.Repeat("镜像", 64)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			obj := newObject()
			c.change(obj)
			g.Expect(uniqueName(obj, newIntent(0))).To(Equal(c.unique))
			g.Expect(finalName(obj, newIntent(0), "present")).To(Equal(c.final))
			g.Expect(utf8.RuneCountInString(c.unique)).To(BeNumerically("<=", 128))
		})
	}
}

// legalName is the rule of ImportImage's ImageName; CEL enforces it on spec.imageName.
const legalName = `^[A-Za-z\p{Han}][A-Za-z0-9\p{Han}:_-]{1,127}$`

func FuzzUniqueName(f *testing.F) {
	for _, name := range []string{"ab", "ubuntu-22:04_x", strings.Repeat("镜", 128), strings.Repeat("a-", 64), "a\x00", "\xff\xfe"} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		g := NewWithT(t)
		obj := newObject()
		obj.Spec.ImageName = name
		unique := uniqueName(obj, newIntent(0))
		g.Expect(unique).To(HaveSuffix(testSuffix))
		g.Expect(utf8.RuneCountInString(unique)).To(BeNumerically("<=", maxImageName))
		if legal, _ := MatchRegexp(legalName).Match(name); legal {
			g.Expect(unique).To(MatchRegexp(legalName))
			cut := strings.TrimSuffix(unique, testSuffix)
			g.Expect(name).To(HavePrefix(cut))
			g.Expect(cut == name || utf8.RuneCountInString(unique) == maxImageName).To(BeTrue(), "nothing is cut without need")
		}
	})
}
