// SPDX-License-Identifier: Apache-2.0

package enssim

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
)

// admin sends a request to the admin API.
func (c *cloud) admin(t *testing.T, method, path, body string) reply {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, c.server.URL+path, strings.NewReader(body))
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	answer, err := c.send(t, req)
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	return answer
}

func TestAdminRefusesBadBodies(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		method, path, body string
		status             int
		message            string
	}{
		"image field":            {"POST", "/-/images", `{"imageNmae":"a"}`, 400, `"imageNmae"`},
		"image field case":       {"POST", "/-/images", `{"ImageName":"a"}`, 400, `"ImageName"`},
		"image without account":  {"POST", "/-/images", `{"imageName":"a"}`, 400, "accountID"},
		"image patch field":      {"PATCH", "/-/images/m-1", `{"name":"a"}`, 400, `"name"`},
		"image patch of nothing": {"PATCH", "/-/images/m-2", `{"inUse":true}`, 404, "m-2"},
		"object field":           {"PUT", "/-/objects", `{"bucket":"b","object":"k"}`, 400, `"object"`},
		"object without key":     {"PUT", "/-/objects", `{"bucket":"b"}`, 400, "key"},
		"object to delete":       {"DELETE", "/-/objects?bucket=b", ``, 400, "key"},
		"access key field":       {"PUT", "/-/access-keys", `{"id":"a","password":"b"}`, 400, `"password"`},
		"access key in part":     {"PUT", "/-/access-keys", `{"id":"a"}`, 400, "secret"},
		"fault field":            {"POST", "/-/faults", `{"kind":"Delay","delya":"1s"}`, 400, `"delya"`},
		"fault kind":             {"POST", "/-/faults", `{"kind":"Explode"}`, 400, `"Explode"`},
		"fault delay":            {"POST", "/-/faults", `{"kind":"Delay","delay":"soon"}`, 400, "soon"},
		"behaviour field":        {"PATCH", "/-/behaviour", `{"listlag":"1s"}`, 400, `"listlag"`},
		"behaviour word":         {"PATCH", "/-/behaviour", `{"order":"Random"}`, 400, "order"},
		"behaviour step":         {"PATCH", "/-/behaviour", `{"steps":[{"duration":"1s"}]}`, 400, "steps"},
		"behaviour step field":   {"PATCH", "/-/behaviour", `{"steps":[{"state":"x"}]}`, 400, `"steps[0].state"`},
		"behaviour failure":      {"PATCH", "/-/behaviour", `{"failureStatus":"CreateFailed"}`, 400, "failureStatus"},
		"behaviour page size":    {"PATCH", "/-/behaviour", `{"maxPageSize":0}`, 400, "maxPageSize"},
		"behaviour throttle":     {"PATCH", "/-/behaviour", `{"throttleHTTPStatus":200}`, 400, "throttleHTTPStatus"},
		"behaviour final status": {"PATCH", "/-/behaviour", `{"finalStatus":""}`, 400, "finalStatus"},
		"no JSON":                {"POST", "/-/faults", `kind`, 400, "decoding"},
		"two documents":          {"POST", "/-/faults", `{"kind":"DropAfter"}{}`, 400, "decoding"},
		"too long":               {"POST", "/-/faults", strings.Repeat(" ", maxBody+1), 400, "too large"},
		"unknown path":           {"GET", "/-/nothing", ``, 404, ""},
		"unknown method":         {"POST", "/-/history", ``, 405, ""},
	}
	for name, test := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			c := newCloud(t)
			c.PutImage(Image{ImageID: "m-1", AccountID: accountA})
			before := c.admin(t, "GET", "/-/behaviour", "").text
			answer := c.admin(t, test.method, test.path, test.body)
			g.Expect(answer.status).To(Equal(test.status), answer.text)
			if test.message != "" {
				var body map[string]string
				g.Expect(json.Unmarshal([]byte(answer.text), &body)).To(Succeed())
				g.Expect(body["error"]).To(ContainSubstring(test.message))
			}
			g.Expect(c.admin(t, "GET", "/-/behaviour", "").text).To(Equal(before), "a refused change changes nothing")
			g.Expect(c.Faults()).To(BeEmpty())
			g.Expect(c.Images()).To(HaveLen(1))
		})
	}
}

func TestAdminAccessKeysNeverShowSecrets(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	c := newCloud(t)
	put := c.admin(t, "PUT", "/-/access-keys", `{"id":"STS.x","secret":"canary-1","securityToken":"canary-2","accountID":"1","deny":["*"]}`)
	g.Expect(put.text).To(MatchJSON(`{"id":"STS.x","accountID":"1","deny":["*"]}`))
	g.Expect(c.call(t, AccessKey{ID: "STS.x", Secret: "canary-1", SecurityToken: "canary-2"}, "DeleteImage", nil).code()).To(Equal("NoPermission"))
	for _, path := range []string{"/-/access-keys", "/-/history", "/-/images", "/-/objects", "/-/faults", "/-/behaviour", "/-/healthz"} {
		answer := c.admin(t, "GET", path, "")
		g.Expect(answer.status).To(Equal(http.StatusOK), path)
		g.Expect(answer.text).NotTo(Or(ContainSubstring("canary"), ContainSubstring(keyA.Secret)), path)
	}
	g.Expect(c.admin(t, "GET", "/-/access-keys", "").text).To(ContainSubstring(`"id":"STS.x"`))
	g.Expect(c.admin(t, "DELETE", "/-/access-keys/STS.x", "").status).To(Equal(http.StatusNoContent))
	g.Expect(c.admin(t, "GET", "/-/access-keys", "").text).NotTo(ContainSubstring("STS.x"))
}

func TestAdminImages(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	c := newCloud(t)
	created := c.admin(t, "POST", "/-/images", `{"imageID":"m-1","imageName":"mine","accountID":"`+accountA+`"}`)
	g.Expect(created.status).To(Equal(http.StatusOK), created.text)
	g.Expect(created.text).To(ContainSubstring(`"status":"Available"`))
	patched := c.admin(t, "PATCH", "/-/images/m-1", `{"imageName":"yours","status":"Unavailable","inUse":true,"sharedWith":["7"]}`)
	g.Expect(patched.status).To(Equal(http.StatusOK), patched.text)
	g.Expect(c.Images()[0]).To(And(HaveField("ImageName", "yours"), HaveField("Status", "Unavailable"),
		HaveField("InUse", true), HaveField("SharedWith", []string{"7"})))
	c.admin(t, "PATCH", "/-/images/m-1", `{"inUse":false}`)
	g.Expect(c.Images()[0]).To(And(HaveField("InUse", false), HaveField("ImageName", "yours")))
	g.Expect(c.admin(t, "GET", "/-/images", "").text).To(ContainSubstring(`"imageID":"m-1"`))
	g.Expect(c.admin(t, "DELETE", "/-/images/m-1", "").status).To(Equal(http.StatusNoContent))
	g.Expect(c.Images()).To(BeEmpty())
}

// TestAdminPinsTheStatusOfTheMoment: also the status that the image has anyway.
func TestAdminPinsTheStatusOfTheMoment(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	c := newCloud(t)
	id := c.imported(t, "golden")
	c.admin(t, "PATCH", "/-/images/"+id, `{"status":"Creating"}`)
	c.clock.advance(3600e9)
	g.Expect(c.Images()[0].Status).To(Equal(StatusCreating))
	c.admin(t, "PATCH", "/-/images/"+id, `{"status":""}`)
	g.Expect(c.Images()[0].Status).To(Equal(StatusAvailable))
}

func TestAdminObjects(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	c := newCloud(t)
	put := c.admin(t, "PUT", "/-/objects", `{"bucket":"b","key":"a/b c.qcow2","sizeGiB":40}`)
	g.Expect(put.text).To(MatchJSON(`{"region":"cn-beijing","bucket":"b","key":"a/b c.qcow2","format":"qcow2","sizeGiB":40}`))
	g.Expect(c.admin(t, "GET", "/-/objects", "").text).To(ContainSubstring("a/b c.qcow2"))
	g.Expect(c.call(t, keyA, "ImportImage", importParams("golden", "OSSBucket", "b", "OSSObject", "a/b c.qcow2")).code()).To(BeEmpty())
	g.Expect(c.Images()[0].SizeGiB).To(Equal(40))
	g.Expect(c.admin(t, "DELETE", "/-/objects?bucket=b&key=a%2Fb%20c.qcow2", "").status).To(Equal(http.StatusNoContent))
	g.Expect(c.admin(t, "GET", "/-/objects", "").text).NotTo(ContainSubstring("a/b c.qcow2"))
}

func TestAdminFaultsHistoryAndReset(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	c := newCloud(t)
	g.Expect(c.admin(t, "POST", "/-/faults", `{"kind":"ErrorBefore","code":"Busy","times":2}`).status).To(Equal(http.StatusOK))
	g.Expect(c.call(t, keyA, "ImportImage", importParams("golden")).code()).To(Equal("Busy"))
	g.Expect(c.admin(t, "GET", "/-/faults", "").text).To(MatchJSON(`[{"kind":"ErrorBefore","code":"Busy","times":1}]`))
	g.Expect(c.admin(t, "DELETE", "/-/faults", "").status).To(Equal(http.StatusNoContent))
	c.imported(t, "golden")

	var calls []Call
	c.admin(t, "GET", "/-/history", "").into(t, &calls)
	g.Expect(calls).To(Equal(c.History()))
	g.Expect(calls[1]).To(And(HaveField("Seq", 2), HaveField("AccountID", accountA), HaveField("HTTPStatus", 200),
		HaveField("Params", HaveKeyWithValue("OSSObject", "good.qcow2")), HaveField("Params", HaveLen(8))))
	g.Expect(c.admin(t, "DELETE", "/-/history", "").status).To(Equal(http.StatusNoContent))
	g.Expect(c.History()).To(BeEmpty())

	c.admin(t, "PATCH", "/-/behaviour", `{"order":"Creation","qps":{"*":1}}`)
	g.Expect(c.admin(t, "POST", "/-/reset", "").status).To(Equal(http.StatusNoContent))
	g.Expect(c.Images()).To(BeEmpty())
	var behaviour Behaviour
	c.admin(t, "GET", "/-/behaviour", "").into(t, &behaviour)
	g.Expect(behaviour).To(Equal(DefaultBehaviour()))
}

func TestAdminBehaviourKeepsWhatIsNotNamed(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	c := New(Options{})
	patch := func(text string) Behaviour {
		changed, err := c.behaviour.overlaid(func(b *Behaviour) error { return decodeStrictly([]byte(text), b) })
		g.Expect(err).NotTo(HaveOccurred())
		return changed
	}
	want := DefaultBehaviour()
	want.ListLag.Duration = 2e9
	g.Expect(patch(`{"listLag":"2s"}`)).To(Equal(want))
	want = DefaultBehaviour()
	want.Steps = []Step{{Status: "Baking"}}
	g.Expect(patch(`{"steps":[{"status":"Baking"}]}`)).To(Equal(want), "an old duration must not shine through")
	want.Steps = []Step{}
	g.Expect(patch(`{"steps":[]}`)).To(Equal(want))
	g.Expect(c.behaviour).To(Equal(DefaultBehaviour()))
}
