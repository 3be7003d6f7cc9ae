// SPDX-License-Identifier: Apache-2.0

package enssim

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
)

// TestSignatureV1Vector compares with a signature made by the SDK.
func TestSignatureV1Vector(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	params := url.Values{
		"AccessKeyId": {"AKID"}, "Action": {"ImportImage"}, "DiskDeviceMapping": {`[{"OSSBucket":"b","OSSObject":"k"}]`},
		"Format": {"JSON"}, "ImageName": {"a b*c~d中"}, "OSType": {"linux"}, "RegionId": {"cn-beijing"},
		"SecurityToken": {"TOK/+="}, "SignatureMethod": {"HMAC-SHA1"}, "SignatureNonce": {"8b87ea512147f33cb42b0bfc004230f4"},
		"SignatureType": {""}, "SignatureVersion": {"1.0"}, "Timestamp": {"2026-11-23T09:26:12Z"}, "Version": {"2017-11-10"},
		"Signature": {"not signed"},
	}
	g.Expect(signV1(stringToSignV1(http.MethodPost, params), "SECRET")).To(Equal("WY6EodBj9PNdYNibHkJQgqjXX+A="))
	g.Expect(params).To(HaveKey("Signature"), "the parameters must stay as they are")
}

// TestSignatureV3Vector compares with a signature made by the newer SDK.
func TestSignatureV3Vector(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	req := &request{
		method: http.MethodPost, host: "127.0.0.1:34837", header: http.Header{},
		query: url.Values{"DiskDeviceMapping": {`[{"OSSBucket":"b"}]`}, "ImageName": {"a b*c~d中"}},
		authorization: parseV3Authorization("ACS3-HMAC-SHA256 Credential=AKID,SignedHeaders=host;x-acs-accesskey-id;x-acs-action;" +
			"x-acs-content-sha256;x-acs-credentials-provider;x-acs-date;x-acs-security-token;x-acs-signature-nonce;x-acs-version," +
			"Signature=d57694c62d814f0263ac1b1dc956578fb0b5b268b12befcebcdfcb44412ec757"),
	}
	for name, value := range map[string]string{
		"X-Acs-Accesskey-Id": "AKID", "X-Acs-Action": "ImportImage", "X-Acs-Version": "2017-11-10",
		"X-Acs-Date": "2026-11-23T09:29:28Z", "X-Acs-Signature-Nonce": "46cbcbac2b47c50ad8aea02bc2ff4420",
		"X-Acs-Credentials-Provider": "static_sts", "X-Acs-Security-Token": "TOK/+=",
		"X-Acs-Content-Sha256": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
	} {
		req.header.Set(name, value)
	}
	g.Expect(req.checkSignedHeaders()).To(BeNil())
	g.Expect(signV3(stringToSignV3(req.canonicalV3()), "SECRET")).To(Equal(req.authorization.signature))
	g.Expect(req.authorization.credential).To(Equal("AKID"))
}

func TestPercentEncode(t *testing.T) {
	t.Parallel()
	NewWithT(t).Expect(percentEncode("a b*c~d/中" + strings.ToUpper("é"))).To(Equal("a%20b%2Ac~d%2F%E4%B8%AD%C3%89"))
}
