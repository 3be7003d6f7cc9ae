// SPDX-License-Identifier: Apache-2.0

package ens

import (
	"net/http"
	"testing"

	. "github.com/onsi/gomega"
)

func TestNewEndpoint(t *testing.T) {
	t.Parallel()
	const (
		notAnEndpoint = "is not host, host:port or https://host:port"
		notHTTPS      = "must use https"
	)
	cases := map[string]struct{ scheme, host, refusal string }{
		"":                                 {scheme: "https", host: "ens.aliyuncs.com"},
		"ens.ap-southeast-1.aliyuncs.com":  {scheme: "https", host: "ens.ap-southeast-1.aliyuncs.com"},
		"ens.example.com:8443":             {scheme: "https", host: "ens.example.com:8443"},
		"https://ens.example.com:8443":     {scheme: "https", host: "ens.example.com:8443"},
		"https://ens.example.com/":         {scheme: "https", host: "ens.example.com"},
		"HTTPS://ens.example.com":          {scheme: "https", host: "ens.example.com"},
		"127.0.0.1:8443":                   {scheme: "https", host: "127.0.0.1:8443"},
		"[::1]:8443":                       {scheme: "https", host: "[::1]:8443"},
		"http://127.0.0.1:8080":            {scheme: "http", host: "127.0.0.1:8080"},
		"http://127.1.2.3":                 {scheme: "http", host: "127.1.2.3"},
		"http://[::1]:8080":                {scheme: "http", host: "[::1]:8080"},
		"http://localhost:8080":            {scheme: "http", host: "localhost:8080"},
		"http://ens.aliyuncs.com":          {refusal: notHTTPS},
		"HTTP://ens.aliyuncs.com":          {refusal: notHTTPS},
		"http://10.0.0.1":                  {refusal: notHTTPS},
		"http://0.0.0.0":                   {refusal: notHTTPS},
		"http://127.0.0.1.example.com":     {refusal: notHTTPS},
		"http://localhost.example.com":     {refusal: notHTTPS},
		"http://[::ffff:10.0.0.1]":         {refusal: notHTTPS},
		"ftp://127.0.0.1":                  {refusal: notHTTPS},
		"file:///etc/passwd":               {refusal: notAnEndpoint},
		"https://":                         {refusal: notAnEndpoint},
		"https://:8443":                    {refusal: notAnEndpoint},
		":8443":                            {refusal: notAnEndpoint},
		"//ens.example.com":                {refusal: notAnEndpoint},
		"https://ens.example.com/path":     {refusal: notAnEndpoint},
		"https://ens.example.com?a=b":      {refusal: notAnEndpoint},
		"https://ens.example.com#fragment": {refusal: notAnEndpoint},
		"ens.example.com:port":             {refusal: notAnEndpoint},
		"ens example.com":                  {refusal: notAnEndpoint},
		"ens.example.com\n":                {refusal: notAnEndpoint},
		"https://user:canary@ens.example":  {refusal: "must not hold a user name or password"},
		"canary@ens.example.com":           {refusal: "must not hold a user name or password"},
		"https://user:canary@ens:x":        {refusal: "must not hold a user name or password"},
	}
	for address, test := range cases {
		t.Run(address, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			endpoint, err := NewEndpoint(Config{Endpoint: address})
			if test.refusal != "" {
				g.Expect(err).To(MatchError(ContainSubstring(test.refusal)))
				g.Expect(err.Error()).NotTo(ContainSubstring(canary))
				return
			}
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(endpoint.scheme).To(Equal(test.scheme))
			g.Expect(endpoint.host).To(Equal(test.host))
			g.Expect(endpoint.insecure).To(Equal(test.scheme == "http"))
		})
	}
}

func TestRegion(t *testing.T) {
	t.Parallel()
	for configured, sent := range map[string]string{"": "cn-beijing", "ap-southeast-1": "ap-southeast-1"} {
		g := NewWithT(t)
		cloud := newCloud(t)
		client := cloud.client(t, func(c *Config) { c.Region = configured })
		g.Expect(readByID(t.Context(), client)).To(Succeed())
		g.Expect(cloud.requests()[0].URL.Query().Get("RegionId")).To(Equal(sent))
	}
}

// TestARegionThatTheSDKRefuses is an error before anything was sent.
func TestARegionThatTheSDKRefuses(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	cloud := newCloud(t)
	for name, call := range methods {
		e := failed(t, call(t.Context(), cloud.client(t, func(c *Config) { c.Region = "cn beijing" })))
		g.Expect(e.Code).To(Equal(CodeClientError), name)
		g.Expect(e.Class).To(Equal(ClassUnrecognised), name)
		g.Expect(e.NotExecuted).To(BeTrue(), name)
	}
	g.Expect(cloud.requests()).To(BeEmpty())
}

// TestEveryMethodPostsSigned looks at what each method sends, on an image that exists.
func TestEveryMethodPostsSigned(t *testing.T) {
	t.Parallel()
	for name, call := range methods {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			cloud := newCloud(t)
			cloud.PutImage(imageOne)
			g.Expect(call(t.Context(), cloud.client(t))).To(Succeed())
			g.Expect(cloud.requests()).To(HaveLen(1))
			request := cloud.requests()[0]
			g.Expect(request.Method).To(Equal(http.MethodPost))
			g.Expect(request.TLS).NotTo(BeNil())
			g.Expect(request.URL.Query().Get("SecurityToken")).To(Equal(keys.SecurityToken))
			g.Expect(request.Header.Get("Accept-Encoding")).To(Equal("identity"))
			g.Expect(cloud.History()[0].Executed).To(BeTrue(), "the simulator has verified the signature")
			g.Expect(cloud.History()[0].SignatureVersion).To(Equal("V1"))
		})
	}
}

func TestKeysWithoutSecurityToken(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	cloud := newCloud(t)
	lasting := Credentials{AccessKeyID: "LTAI-lasting", AccessKeySecret: "secret"}
	cloud.PutAccessKey(simulated(lasting))
	client := cloud.client(t).endpoint.Client(lasting)
	g.Expect(importGolden(t.Context(), client)).To(Succeed())
	g.Expect(cloud.requests()[0].URL.Query()).NotTo(HaveKey("SecurityToken"))
}

// TestProxySettingsOfTheEnvironment : the SDK reads NO_PROXY as regular expressions and fails when they are none. Go's
// own rules, which the connection follows, never use a proxy for loopback.
func TestProxySettingsOfTheEnvironment(t *testing.T) {
	for _, noProxy := range []string{"(", "*.example.com,+.example.org", "[::1]:443", "[z-a]"} {
		t.Setenv("NO_PROXY", noProxy)
		t.Setenv("HTTPS_PROXY", "http://user:canary@proxy.invalid:%zz")
		g := NewWithT(t)
		g.Expect(readByID(t.Context(), newCloud(t).client(t))).To(Succeed(), noProxy)
	}
}
