// SPDX-License-Identifier: Apache-2.0

package ens

import (
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/ens-image-operator/ens-image-operator/internal/enssim"
)

// signedQuery is what every request carries, less the signature.
func signedQuery(action string, pin Pin, business map[string]string) map[string]string {
	query := map[string]string{
		"AccessKeyId": keys.AccessKeyID, "Action": action, "Format": "JSON", "RegionId": "cn-beijing",
		"SecurityToken": keys.SecurityToken, "SignatureMethod": "HMAC-SHA1", "SignatureNonce": pin.Nonce,
		"SignatureType": "", "SignatureVersion": "1.0", "Timestamp": pin.SignedAt.UTC().Format("2006-01-02T15:04:05Z"),
		"Version": "2017-11-10",
	}
	maps.Copy(query, business)
	return query
}

func withoutSignature(g *WithT, query url.Values) map[string]string {
	g.Expect(query.Get("Signature")).NotTo(BeEmpty())
	single := map[string]string{}
	for name, values := range query {
		g.Expect(values).To(HaveLen(1), name)
		if name != "Signature" {
			single[name] = values[0]
		}
	}
	return single
}

func TestImportImageOnTheWire(t *testing.T) {
	t.Parallel()
	system := OSSObject{Region: "cn-beijing", Bucket: "images", Object: "good.qcow2"}
	data := OSSObject{Bucket: "images", Object: "data & more/日志*~.qcow2"}
	cases := map[string]struct {
		in   Import
		sent map[string]string
	}{
		"every parameter": {
			in: Import{
				ImageName: "golden:1_中-", ComputeType: "ens_vm", OSType: "linux", OSVersion: "22.04 LTS+*~", Platform: "ubuntu",
				Architecture: "x86_64", ImageFormat: "qcow2", Source: system, DiskDeviceMappings: []OSSObject{data, system},
				TargetOSSRegionID: "ap-southeast-1", LicenseType: "BYOL",
			},
			sent: map[string]string{
				"ImageName": "golden:1_中-", "ComputeType": "ens_vm", "OSType": "linux", "OSVersion": "22.04 LTS+*~", "Platform": "ubuntu",
				"Architecture": "x86_64", "ImageFormat": "qcow2", "OSSRegion": "cn-beijing", "OSSBucket": "images", "OSSObject": "good.qcow2",
				"DiskDeviceMapping": `[{"OSSBucket":"images","OSSObject":"data \u0026 more/日志*~.qcow2"},` +
					`{"OSSRegion":"cn-beijing","OSSBucket":"images","OSSObject":"good.qcow2"}]`,
				"TargetOSSRegionId": "ap-southeast-1", "LicenseType": "BYOL",
			},
		},
		"empty values are absent": {
			in: Import{
				ImageName: "golden", ComputeType: "ens_vm", OSType: "linux", Architecture: "x86_64", ImageFormat: "qcow2",
				Source: OSSObject{Bucket: "images", Object: "good.qcow2"}, DiskDeviceMappings: []OSSObject{},
			},
			sent: map[string]string{
				"ImageName": "golden", "ComputeType": "ens_vm", "OSType": "linux", "Architecture": "x86_64", "ImageFormat": "qcow2",
				"OSSBucket": "images", "OSSObject": "good.qcow2",
			},
		},
		"disk device mapping only": {
			in: Import{
				ImageName: "golden", ComputeType: "ens_vm", OSType: "linux", Architecture: "x86_64", ImageFormat: "qcow2",
				DiskDeviceMappings: []OSSObject{system},
			},
			sent: map[string]string{
				"ImageName": "golden", "ComputeType": "ens_vm", "OSType": "linux", "Architecture": "x86_64", "ImageFormat": "qcow2",
				"DiskDeviceMapping": `[{"OSSRegion":"cn-beijing","OSSBucket":"images","OSSObject":"good.qcow2"}]`,
			},
		},
	}
	for name, test := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			// Not the time of the test's run: the SDK would use that one.
			signedAt := time.Date(2026, 3, 4, 5, 6, 7, 999, time.FixedZone("east", 8*3600))
			cloud := newCloudAt(t, func() time.Time { return signedAt })
			cloud.PutObject(enssim.Object{Bucket: "images", Key: data.Object})
			pin := Pin{Nonce: "the-nonce+/ as given", SignedAt: signedAt}
			config := func(c *Config) { c.UserAgent = "ens-image-operator" }
			imported, err := cloud.client(t, config).ImportImage(t.Context(), test.in, pin)
			g.Expect(err).NotTo(HaveOccurred())

			g.Expect(cloud.requests()).To(HaveLen(1))
			request := cloud.requests()[0]
			g.Expect(request.Method).To(Equal(http.MethodPost))
			g.Expect(request.URL.Path).To(Equal("/"))
			g.Expect(withoutSignature(g, request.URL.Query())).To(Equal(signedQuery("ImportImage", pin, test.sent)))
			g.Expect(request.URL.RawQuery).To(ContainSubstring("Timestamp=2026-03-03T21%3A06%3A07Z"))
			body, err := io.ReadAll(request.Body)
			g.Expect(body, err).To(BeEmpty())
			g.Expect(request.UserAgent()).To(And(HavePrefix("AlibabaCloud"), HaveSuffix("Extra/ens-image-operator")))

			history := cloud.History()
			g.Expect(history).To(HaveLen(1))
			g.Expect(history[0].Executed).To(BeTrue(), "the simulator has verified the signature")
			g.Expect(imported).To(Equal(Imported{ImageID: history[0].ImageID, RequestID: history[0].RequestID}))
			g.Expect(cloud.Images()).To(HaveLen(1))
		})
	}
}

// TestImportImageRequestCoversTheDocument compares the request type with the parameters of the page ImportImage.
func TestImportImageRequestCoversTheDocument(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	documented := []string{
		"ImageName", "ComputeType", "OSType", "ImageFormat", "Architecture", "Platform", "OSVersion", "OSSRegion", "OSSBucket",
		"OSSObject", "DiskDeviceMapping", "TargetOSSRegionId", "LicenseType",
	}
	g.Expect(slices.Collect(maps.Keys(specFields))).To(ConsistOf(documented), "each has a field of the spec to name in a hint")
}

func TestTheSamePinRunsOnce(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	cloud := newCloud(t)
	pin := pinNow("only-once")
	_, err := cloud.client(t).ImportImage(t.Context(), goodImport("golden"), pin)
	g.Expect(err).NotTo(HaveOccurred())
	_, err = cloud.client(t).ImportImage(t.Context(), goodImport("golden"), pin)
	e := failed(t, err)
	g.Expect(e.Code).To(Equal("SignatureNonceUsed"))
	g.Expect(e.Class).To(Equal(ClassUnknownOutcome))
	g.Expect(e.NotExecuted).To(BeFalse())
	g.Expect(cloud.Images()).To(HaveLen(1))
}

func TestARequestThatTheNetworkDoubledRunsOnce(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	cloud := newCloud(t)
	cloud.AddFault(enssim.Fault{Kind: enssim.Duplicate, Times: 1})
	g.Expect(failed(t, importGolden(t.Context(), cloud.client(t))).Class).To(Equal(ClassUnknownOutcome))
	g.Expect(cloud.Images()).To(HaveLen(1))
}

func TestAnExpiredPinIsNotExecuted(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	cloud := newCloud(t)
	pin := Pin{Nonce: "late", SignedAt: time.Now().Add(-time.Hour)}
	_, err := cloud.client(t).ImportImage(t.Context(), goodImport("golden"), pin)
	e := failed(t, err)
	g.Expect(e.Code).To(Equal("InvalidTimeStamp.Expired"))
	g.Expect(e.NotExecuted).To(BeTrue())
	g.Expect(cloud.Images()).To(BeEmpty())
}

// TestPinSignature uses a signature that another implementation has calculated.
func TestPinSignature(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	signedAt := time.Date(2026, 11, 23, 9, 26, 12, 0, time.UTC)
	query := url.Values{
		"AccessKeyId": {"AKID"}, "Action": {"ImportImage"}, "DiskDeviceMapping": {`[{"OSSBucket":"b","OSSObject":"k"}]`},
		"Format": {"JSON"}, "ImageName": {"a b*c~d中"}, "OSType": {"linux"}, "RegionId": {"cn-beijing"}, "SecurityToken": {"TOK/+="},
		"SignatureMethod": {"HMAC-SHA1"}, "SignatureNonce": {"of the SDK"}, "SignatureType": {""}, "SignatureVersion": {"1.0"},
		"Timestamp": {"of the SDK"}, "Version": {"2017-11-10"}, "Signature": {"of the SDK"},
	}
	u := &url.URL{Scheme: "https", Host: "ens.aliyuncs.com", Path: "/", RawQuery: query.Encode()}
	pin := Pin{Nonce: "8b87ea512147f33cb42b0bfc004230f4", SignedAt: signedAt}
	pin.sign(u, "SECRET")
	g.Expect(u.Query().Get("Signature")).To(Equal("WY6EodBj9PNdYNibHkJQgqjXX+A="))
	g.Expect(u.Query()).To(HaveLen(len(query)))
}

func TestImportImageAnswerWithoutImageID(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	requestID := "R-1 of " + keys.AccessKeyID + strings.Repeat("x", 500)
	e := failed(t, importGolden(t.Context(), answering(t, http.StatusOK, `{"RequestId":"`+requestID+`"}`).client(t)))
	g.Expect(e.Class).To(Equal(ClassUnknownOutcome))
	g.Expect(e.Code).To(Equal(CodeUnreadableAnswer))
	g.Expect(e.NotExecuted).To(BeFalse())
	g.Expect(e.HTTPStatus).To(Equal(http.StatusOK))
	g.Expect(e.RequestID).To(And(HavePrefix("R-1 of ***"), HaveLen(maxID)))
}
