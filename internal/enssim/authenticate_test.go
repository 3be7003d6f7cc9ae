// SPDX-License-Identifier: Apache-2.0

package enssim

import (
	"crypto/rand"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
)

func TestV1Refusals(t *testing.T) {
	t.Parallel()
	sign := func(values url.Values, secret string) {
		values.Set("Signature", signV1(stringToSignV1(http.MethodPost, values), secret))
	}
	set := func(name, value string) func(url.Values) {
		return func(values url.Values) { values.Set(name, value); sign(values, keyA.Secret) }
	}
	remove := func(name string) func(url.Values) {
		return func(values url.Values) { values.Del(name); sign(values, keyA.Secret) }
	}
	cases := map[string]struct {
		spoil  func(url.Values)
		status int
		code   string
	}{
		"wrong secret":             {func(v url.Values) { sign(v, "wrong") }, 400, "SignatureDoesNotMatch"},
		"changed after signing":    {func(v url.Values) { v.Set("PageSize", "11") }, 400, "SignatureDoesNotMatch"},
		"added after signing":      {func(v url.Values) { v.Set("ImageName", "x") }, 400, "SignatureDoesNotMatch"},
		"signature of another":     {func(v url.Values) { sign(v, keyB.Secret) }, 400, "SignatureDoesNotMatch"},
		"unknown access key":       {set("AccessKeyId", "LTAIx"), 404, "InvalidAccessKeyId.NotFound"},
		"inactive access key":      {set("AccessKeyId", "LTAIoff"), 400, "InvalidAccessKeyId.Inactive"},
		"no signature":             {func(v url.Values) { v.Del("Signature") }, 400, "MissingSignature"},
		"no access key":            {remove("AccessKeyId"), 400, "MissingAccessKeyId"},
		"no timestamp":             {remove("Timestamp"), 400, "MissingTimestamp"},
		"no nonce":                 {remove("SignatureNonce"), 400, "MissingSignatureNonce"},
		"no action":                {remove("Action"), 400, "MissingAction"},
		"no version":               {remove("Version"), 400, "MissingVersion"},
		"no format":                {remove("Format"), 400, "InvalidParameter.Format"},
		"format XML":               {set("Format", "XML"), 400, "InvalidParameter.Format"},
		"signature method":         {set("SignatureMethod", "HMAC-SHA256"), 400, "IncompleteSignature"},
		"signature version":        {set("SignatureVersion", "2.0"), 400, "IncompleteSignature"},
		"signature type":           {set("SignatureType", "BEARERTOKEN"), 400, "IncompleteSignature"},
		"unknown action":           {set("Action", "DescribeImages"), 404, "InvalidAction.NotFound"},
		"unknown version":          {set("Version", "2014-05-26"), 404, "InvalidVersion"},
		"timestamp format":         {set("Timestamp", "2026-11-23 09:00:00"), 400, "InvalidTimeStamp.Format"},
		"timestamp with fractions": {set("Timestamp", "2026-11-23T09:00:00.5Z"), 400, "InvalidTimeStamp.Format"},
		"timestamp in the past":    {set("Timestamp", "2026-11-23T08:44:59Z"), 400, "InvalidTimeStamp.Expired"},
		"timestamp in the future":  {set("Timestamp", "2026-11-23T09:15:01Z"), 400, "InvalidTimeStamp.Expired"},
		"token where none belongs": {set("SecurityToken", "t"), 400, "InvalidSecurityToken.Malformed"},
		"token of another key":     {set("SecurityToken", "known"), 400, "InvalidSecurityToken.MismatchWithAccessKey"},
		"oldest timestamp":         {set("Timestamp", "2026-11-23T08:45:00Z"), 200, ""},
		"newest timestamp":         {set("Timestamp", "2026-11-23T09:15:00Z"), 200, ""},
		"untouched":                {func(url.Values) {}, 200, ""},
	}
	for name, test := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			c := newCloud(t)
			c.PutAccessKey(AccessKey{ID: "LTAIoff", Secret: keyA.Secret, AccountID: accountA, Inactive: true})
			c.PutAccessKey(AccessKey{ID: "STS.x", Secret: "x", SecurityToken: "known", AccountID: accountA})
			values := c.signed(keyA, "DescribeSelfImages", nil)
			test.spoil(values)
			answer, err := c.post(t, values)
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(answer.code()).To(Equal(test.code), answer.text)
			g.Expect(answer.status).To(Equal(test.status))
			g.Expect(c.History()).To(HaveLen(1))
			g.Expect(c.History()[0].Code).To(Equal(test.code))
			g.Expect(c.History()[0].Executed).To(Equal(test.code == ""))
		})
	}
}

func TestSecurityTokens(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	c := newCloud(t)
	end := c.clock.Now().Add(time.Minute)
	key := AccessKey{ID: "STS.a", Secret: "s", SecurityToken: "TOK/+=", AccountID: accountA, Expires: &end}
	c.PutAccessKey(key)
	code := func(key AccessKey) string { return c.call(t, key, "DescribeSelfImages", nil).code() }

	g.Expect(code(key)).To(BeEmpty())
	without := key
	without.SecurityToken = ""
	g.Expect(code(without)).To(Equal("MissingSecurityToken"))
	other := key
	other.SecurityToken = "something"
	g.Expect(code(other)).To(Equal("InvalidSecurityToken.Malformed"))
	c.clock.advance(time.Minute)
	g.Expect(code(key)).To(Equal("InvalidSecurityToken.Expired"))
	for _, call := range c.History() {
		g.Expect(call.Params).To(BeEmpty(), "neither token nor signature belong into the history")
	}
}

func TestClockSkew(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	c := newCloud(t)
	for skew, code := range map[time.Duration]string{
		15 * time.Minute: "", 16 * time.Minute: "InvalidTimeStamp.Expired", -16 * time.Minute: "InvalidTimeStamp.Expired",
	} {
		c.SetBehaviour(func(b *Behaviour) { b.ClockSkew.Duration = skew })
		g.Expect(c.call(t, keyA, "DescribeSelfImages", nil).code()).To(Equal(code), "%s", skew)
	}
}

func TestNonceIsUsedOnce(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	c := newCloud(t)
	values := c.signed(keyA, "ImportImage", importParams("once"))
	send := func() string {
		answer, err := c.post(t, values)
		g.Expect(err).NotTo(HaveOccurred())
		return answer.code()
	}
	g.Expect(send()).To(BeEmpty())
	g.Expect(send()).To(Equal("SignatureNonceUsed"))
	c.clock.advance(15 * time.Minute)
	g.Expect(send()).To(Equal("SignatureNonceUsed"))
	c.clock.advance(time.Second)
	g.Expect(send()).To(Equal("InvalidTimeStamp.Expired"))
	g.Expect(c.Images()).To(HaveLen(1))

	c.SetBehaviour(func(b *Behaviour) { b.NonceWindow.Duration, b.TimestampWindow.Duration = 0, time.Hour })
	g.Expect(send()).To(BeEmpty(), "the nonce memory is off")
	g.Expect(c.Images()).To(HaveLen(2))
}

func TestWrongSignatureDoesNotUseTheNonceUp(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	c := newCloud(t)
	nonce := map[string]string{"SignatureNonce": "the-same"}
	g.Expect(c.call(t, AccessKey{ID: keyA.ID, Secret: "wrong"}, "DescribeSelfImages", nonce).code()).To(Equal("SignatureDoesNotMatch"))
	g.Expect(c.call(t, keyA, "DescribeSelfImages", nonce).code()).To(BeEmpty())
	g.Expect(c.call(t, keyB, "DescribeSelfImages", nonce).code()).To(BeEmpty(), "nonces are remembered per access key")
}

func TestSignatureDoesNotMatchEchoesTheStringToSign(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	c := newCloud(t)
	answer := c.call(t, AccessKey{ID: keyA.ID, Secret: "wrong", SecurityToken: "canary"}, "DescribeSelfImages", nil)
	var body map[string]string
	g.Expect(json.Unmarshal([]byte(answer.text), &body)).To(Succeed())
	g.Expect(body["Message"]).To(And(ContainSubstring("server string to sign is:POST&%2F&AccessKeyId%3D"), ContainSubstring("canary")))
	g.Expect(body["RequestId"]).To(Equal(c.History()[0].RequestID))
	g.Expect(body["HostId"]).To(Equal(c.server.Listener.Addr().String()))
	g.Expect(body["Recommend"]).To(ContainSubstring("q=SignatureDoesNotMatch&product=Ens&requestId=" + body["RequestId"]))
}

// signedV3 builds a request that the newer SDK would send.
func (c *cloud) signedV3(t *testing.T, key AccessKey, action, query, body string) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, c.server.URL+"/?"+query, strings.NewReader(body))
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	headers := map[string]string{
		"x-acs-action": action, "x-acs-version": "2017-11-10", "x-acs-date": c.clock.Now().Format("2006-01-02T15:04:05Z"),
		"x-acs-signature-nonce": rand.Text(), "x-acs-content-sha256": hashHex([]byte(body)),
	}
	if body != "" {
		headers["content-type"] = "application/x-www-form-urlencoded"
	}
	if key.SecurityToken != "" {
		headers["x-acs-security-token"], headers["x-acs-accesskey-id"] = key.SecurityToken, key.ID
	}
	for name, value := range headers {
		req.Header.Set(name, value)
	}
	resignV3(req, key, body)
	return req
}

func resignV3(req *http.Request, key AccessKey, body string) {
	names := []string{"host"}
	for name := range req.Header {
		if name != "Authorization" {
			names = append(names, strings.ToLower(name))
		}
	}
	slices.Sort(names)
	received := &request{
		method: req.Method, host: req.URL.Host, header: req.Header, query: req.URL.Query(), body: []byte(body),
		authorization: v3Authorization{signedHeaders: names},
	}
	req.Header.Set("Authorization", "ACS3-HMAC-SHA256 Credential="+key.ID+",SignedHeaders="+strings.Join(names, ";")+
		",Signature="+signV3(stringToSignV3(received.canonicalV3()), key.Secret))
}

func TestV3Refusals(t *testing.T) {
	t.Parallel()
	set := func(name, value string) func(*http.Request) {
		return func(req *http.Request) { req.Header.Set(name, value); resignV3(req, keyA, "") }
	}
	authorization := func(old, replacement string) func(*http.Request) {
		return func(req *http.Request) {
			req.Header.Set("Authorization", strings.Replace(req.Header.Get("Authorization"), old, replacement, 1))
		}
	}
	cases := map[string]struct {
		spoil  func(*http.Request)
		status int
		code   string
	}{
		"untouched":              {func(*http.Request) {}, 200, ""},
		"wrong secret":           {func(r *http.Request) { resignV3(r, AccessKey{ID: keyA.ID, Secret: "x"}, "") }, 400, "SignatureDoesNotMatch"},
		"changed query":          {func(r *http.Request) { r.URL.RawQuery = "PageSize=11" }, 400, "SignatureDoesNotMatch"},
		"changed header":         {func(r *http.Request) { r.Header.Set("X-Acs-Action", "DeleteImage") }, 400, "SignatureDoesNotMatch"},
		"unsigned header":        {func(r *http.Request) { r.Header.Set("X-Acs-Extra", "1") }, 400, "IncompleteSignature"},
		"host not signed":        {authorization("SignedHeaders=host;", "SignedHeaders="), 400, "IncompleteSignature"},
		"unsorted headers":       {authorization("SignedHeaders=host;x-acs-action", "SignedHeaders=x-acs-action;host"), 400, "IncompleteSignature"},
		"no signature":           {authorization(",Signature=", ",Other="), 400, "IncompleteSignature"},
		"no credential":          {authorization("Credential=", "Other="), 400, "IncompleteSignature"},
		"other key in header":    {set("x-acs-accesskey-id", keyB.ID), 400, "IncompleteSignature"},
		"wrong body hash":        {set("x-acs-content-sha256", hashHex([]byte("x"))), 400, "InvalidContentSha256"},
		"no nonce":               {set("x-acs-signature-nonce", ""), 400, "MissingSignatureNonce"},
		"timestamp format":       {set("x-acs-date", "now"), 400, "InvalidTimeStamp.Format"},
		"timestamp in the past":  {set("x-acs-date", "2026-11-23T08:44:59Z"), 400, "InvalidTimeStamp.Expired"},
		"unknown access key":     {func(r *http.Request) { resignV3(r, AccessKey{ID: "LTAIx", Secret: "x"}, "") }, 404, "InvalidAccessKeyId.NotFound"},
		"unknown action":         {set("x-acs-action", "RunInstances"), 404, "InvalidAction.NotFound"},
		"unknown version":        {set("x-acs-version", "1"), 404, "InvalidVersion"},
		"token of no key at all": {set("x-acs-security-token", "t"), 400, "InvalidSecurityToken.Malformed"},
	}
	for name, test := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			c := newCloud(t)
			req := c.signedV3(t, keyA, "DescribeSelfImages", "PageSize=10&ImageName=a+b%2Ac~d", "")
			test.spoil(req)
			answer, err := c.send(t, req)
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(answer.code()).To(Equal(test.code), answer.text)
			g.Expect(answer.status).To(Equal(test.status))
			g.Expect(c.History()[0].SignatureVersion).To(Equal("V3"))
		})
	}
}

func TestV3MergesQueryAndForm(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	c := newCloud(t)
	key := AccessKey{ID: "STS.a", Secret: "s", SecurityToken: "TOK/+=", AccountID: accountA}
	c.PutAccessKey(key)
	query, form := url.Values{}, url.Values{}
	for name, value := range importParams("golden") {
		if strings.HasPrefix(name, "OSS") {
			form.Set(name, value)
		} else {
			query.Set(name, value)
		}
	}
	answer, err := c.send(t, c.signedV3(t, key, "ImportImage", query.Encode(), form.Encode()))
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(answer.status).To(Equal(http.StatusOK), answer.text)
	g.Expect(c.Images()).To(HaveLen(1))
	g.Expect(c.Images()[0].OSSBucket).To(Equal("images"))

	c.SetBehaviour(func(b *Behaviour) { b.RejectV3 = true })
	answer, err = c.send(t, c.signedV3(t, key, "ImportImage", query.Encode(), form.Encode()))
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(answer.code()).To(Equal("IncompleteSignature"))
}
