// SPDX-License-Identifier: Apache-2.0

package enssim

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	. "github.com/onsi/gomega"
)

func TestThrottling(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	c := newCloud(t, func(b *Behaviour) { b.QPS = map[string]float64{"DescribeSelfImages": 2} })
	list := func(key AccessKey) string { return c.call(t, key, "DescribeSelfImages", nil).code() }
	g.Expect([]string{list(keyA), list(keyA), list(keyA)}).To(Equal([]string{"", "", "Throttling.User"}))
	g.Expect(list(keyB)).To(BeEmpty(), "another account has a limit of its own")
	sibling := AccessKey{ID: "LTAIa2", Secret: "s", AccountID: accountA}
	c.PutAccessKey(sibling)
	g.Expect(list(sibling)).To(Equal("Throttling.User"), "another key of the account shares the limit")
	g.Expect(c.call(t, keyA, "ImportImage", importParams("golden")).code()).To(BeEmpty(), "another action is not limited")
	c.clock.advance(500 * time.Millisecond)
	g.Expect([]string{list(keyA), list(keyA)}).To(Equal([]string{"", "Throttling.User"}))

	c.SetBehaviour(func(b *Behaviour) {
		b.QPS, b.ThrottleHTTPStatus, b.ThrottleHeader = map[string]float64{"*": 0}, http.StatusTooManyRequests, true
	})
	c.clock.advance(time.Hour)
	list(keyA)
	c.imported(t, "golden-2")
	answer := c.call(t, keyA, "ImportImage", importParams("golden-3"))
	g.Expect(answer.status).To(Equal(http.StatusTooManyRequests))
	g.Expect(answer.header.Get("X-Acs-Retry-After")).To(Equal("1000"))
	g.Expect(answer.header.Get("X-Ratelimit-User-Api")).To(HavePrefix("Limit:0,Remain:0,TimeLeft:"))
}

func TestDeniedActions(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	c := newCloud(t)
	reader := AccessKey{ID: "LTAIr", Secret: "s", AccountID: accountA, Deny: []string{"ImportImage"}}
	c.PutAccessKey(reader)
	g.Expect(c.call(t, reader, "DescribeSelfImages", nil).code()).To(BeEmpty())
	denied := c.call(t, reader, "ImportImage", importParams("golden"))
	g.Expect(denied.code()).To(Equal("NoPermission"))
	g.Expect(denied.status).To(Equal(http.StatusBadRequest))
	g.Expect(denied.text).NotTo(ContainSubstring("AccessDeniedDetail"))

	c.SetBehaviour(func(b *Behaviour) { b.DenialCode = DenialForbiddenRAM })
	reader.Deny = []string{"*"}
	c.PutAccessKey(reader)
	denied = c.call(t, reader, "DescribeSelfImages", nil)
	g.Expect(denied.code()).To(Equal("Forbidden.RAM"))
	g.Expect(denied.status).To(Equal(http.StatusForbidden))
	var body struct{ AccessDeniedDetail map[string]string }
	g.Expect(json.Unmarshal([]byte(denied.text), &body)).To(Succeed())
	g.Expect(body.AccessDeniedDetail).To(And(
		HaveKeyWithValue("AuthAction", "ens:DescribeSelfImages"), HaveKeyWithValue("AuthPrincipalOwnerId", accountA)))

	c.DeleteAccessKey(reader.ID)
	g.Expect(c.call(t, reader, "DescribeSelfImages", nil).code()).To(Equal("InvalidAccessKeyId.NotFound"))
}
