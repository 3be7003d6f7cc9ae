// SPDX-License-Identifier: Apache-2.0

package enssim

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
)

// TestCommandLineClient sends what the official command line client sends: all
// parameters in the query of a POST with an empty body, and headers to ignore.
func TestCommandLineClient(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	c := newCloud(t)
	values := c.signed(keyA, "ImportImage", importParams("from-cli", "OSSRegion", "-", "OSSBucket", "-", "OSSObject", "-",
		"DiskDeviceMapping", `[{"OSSRegion":"cn-beijing","OSSBucket":"images","OSSObject":"good.qcow2"}]`,
		"SignatureNonce", "8b87ea512147f33cb42b0bfc004230f4"))
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, c.server.URL+"/?"+values.Encode(), http.NoBody)
	g.Expect(err).NotTo(HaveOccurred())
	for name, value := range map[string]string{
		"Content-Type": "application/x-www-form-urlencoded", "x-acs-action": "ImportImage", "x-acs-version": "2017-11-10",
		"x-acs-credentials-provider": "static_ak", "x-sdk-client": "golang/1.0.0", "x-sdk-invoke-type": "common",
	} {
		req.Header.Set(name, value)
	}
	answer, err := c.send(t, req)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(answer.status).To(Equal(http.StatusOK), answer.text)
	g.Expect(c.Images()).To(HaveLen(1))
	g.Expect(c.Images()[0].DiskDeviceMapping).To(Equal([]DiskSource{{"cn-beijing", "images", "good.qcow2"}}))
}

func TestMalformedRequests(t *testing.T) {
	t.Parallel()
	const form = "application/x-www-form-urlencoded"
	cases := map[string]struct {
		method, target, contentType, body string
		status                            int
		code                              string
	}{
		"method":              {http.MethodPut, "/", "", "", 403, "UnsupportedHTTPMethod"},
		"path":                {http.MethodPost, "/v1", "", "", 404, "InvalidApi.NotFound"},
		"query encoding":      {http.MethodPost, "/?a=%zz", "", "", 400, "InvalidParameter"},
		"form encoding":       {http.MethodPost, "/", form, "a=%zz", 400, "InvalidParameter"},
		"body type":           {http.MethodPost, "/", "application/json", "{}", 415, "UnsupportedContentType"},
		"body size":           {http.MethodPost, "/", form, strings.Repeat("a", maxBody+1), 413, "RequestEntityTooLarge"},
		"twice in the query":  {http.MethodPost, "/?Action=a&Action=b", "", "", 400, "InvalidParameter.Action"},
		"in query and form":   {http.MethodPost, "/?Action=a", form, "Action=a", 400, "InvalidParameter.Action"},
		"empty":               {http.MethodPost, "/", "", "", 400, "MissingAction"},
		"body just in bounds": {http.MethodPost, "/", form, strings.Repeat("a", maxBody), 400, "MissingAction"},
	}
	for name, test := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			c := newCloud(t)
			req, err := http.NewRequestWithContext(t.Context(), test.method, c.server.URL+test.target, strings.NewReader(test.body))
			g.Expect(err).NotTo(HaveOccurred())
			req.Header.Set("Content-Type", test.contentType)
			answer, err := c.send(t, req)
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(answer.code()).To(Equal(test.code), answer.text)
			g.Expect(answer.status).To(Equal(test.status))
		})
	}
}

// TestGetIsSigned covers the method in the string to sign.
func TestGetIsSigned(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	c := newCloud(t)
	values := c.signed(keyA, "DescribeSelfImages", nil)
	send := func(values url.Values) string {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, c.server.URL+"/?"+values.Encode(), http.NoBody)
		g.Expect(err).NotTo(HaveOccurred())
		answer, err := c.send(t, req)
		g.Expect(err).NotTo(HaveOccurred())
		return answer.code()
	}
	g.Expect(send(values)).To(Equal("SignatureDoesNotMatch"), "it was signed for POST")
	values.Set("Signature", signV1(stringToSignV1(http.MethodGet, values), keyA.Secret))
	g.Expect(send(values)).To(BeEmpty())
}
