// SPDX-License-Identifier: Apache-2.0

package enssim

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	. "github.com/onsi/gomega"
)

// TestFaults covers the kinds that need no waiting.
func TestFaults(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		fault   Fault
		dropped bool
		status  int
		body    any // matcher or string
		images  int
		codes   []string // of the history
	}{
		"DropBefore":  {fault: Fault{Kind: DropBefore}, dropped: true, codes: []string{""}},
		"DropAfter":   {fault: Fault{Kind: DropAfter}, dropped: true, images: 1, codes: []string{""}},
		"ErrorBefore": {fault: Fault{Kind: ErrorBefore}, status: 500, body: ContainSubstring(`"Code":"InternalError"`), codes: []string{"InternalError"}},
		"ErrorBefore with code": {
			fault:  Fault{Kind: ErrorBefore, HTTPStatus: 503, Code: "ServiceUnavailable", Message: "later"},
			status: 503, body: ContainSubstring(`"Code":"ServiceUnavailable","Message":"later"`), codes: []string{"ServiceUnavailable"},
		},
		"ErrorBefore with 200": {
			fault: Fault{Kind: ErrorBefore, HTTPStatus: 200, Code: "Busy"}, status: 200, body: ContainSubstring(`"Code":"Busy"`), codes: []string{"Busy"},
		},
		"ErrorAfter": {fault: Fault{Kind: ErrorAfter, HTTPStatus: 502}, status: 502, body: ContainSubstring("InternalError"), images: 1, codes: []string{"InternalError"}},
		"RawBody":    {fault: Fault{Kind: RawBody, HTTPStatus: 502, Body: "<html>", ContentType: "text/html"}, status: 502, body: Equal("<html>"), codes: []string{""}},
		"RawBody, executed": {
			fault: Fault{Kind: RawBody, Body: `{"RequestId":`, Execute: true}, status: 200, body: Equal(`{"RequestId":`), images: 1, codes: []string{""},
		},
		"RawBody, numeric code": {fault: Fault{Kind: RawBody, HTTPStatus: 400, Body: `{"Code":400}`}, status: 400, body: Equal(`{"Code":400}`), codes: []string{""}},
		"RawBody, empty":        {fault: Fault{Kind: RawBody, Execute: true}, status: 200, body: BeEmpty(), images: 1, codes: []string{""}},
		"Redirect":              {fault: Fault{Kind: Redirect, Location: "https://elsewhere.invalid/"}, status: 307, body: BeEmpty(), codes: []string{""}},
		"Duplicate":             {fault: Fault{Kind: Duplicate}, status: 400, body: ContainSubstring("SignatureNonceUsed"), images: 1, codes: []string{"", "SignatureNonceUsed"}},
		"Duplicate, first answer": {
			fault: Fault{Kind: Duplicate, AnswerFirst: true}, status: 200, body: ContainSubstring("ImageId"), images: 1, codes: []string{"", "SignatureNonceUsed"},
		},
	}
	for name, test := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			c := newCloud(t)
			test.fault.Times = 1
			c.AddFault(test.fault)
			answer, err := c.post(t, c.signed(keyA, "ImportImage", importParams("golden")))
			if test.dropped {
				g.Expect(errors.Is(err, io.EOF)).To(BeTrue(), "%v", err)
			} else {
				g.Expect(err).NotTo(HaveOccurred())
				g.Expect(answer.text).To(Satisfy(func(text string) bool { return matches(test.body, text) }))
			}
			g.Expect(answer.status).To(Equal(test.status))
			g.Expect(c.Images()).To(HaveLen(test.images))
			history := c.History()
			g.Expect(history).To(HaveLen(len(test.codes)))
			for i, call := range history {
				g.Expect(call.Code).To(Equal(test.codes[i]))
				g.Expect(call.Fault).To(Equal(test.fault.Kind))
			}
			g.Expect(history[0].Executed).To(Equal(test.images == 1))
			if test.images == 1 {
				g.Expect(history[0].ImageID).To(Equal(c.Images()[0].ImageID))
			}
			g.Expect(history[len(history)-1].HTTPStatus).To(Or(Equal(test.status), Equal(400)))
			g.Expect(c.call(t, keyA, "ImportImage", importParams("next")).code()).To(BeEmpty(), "the fault is used up")
		})
	}
}

func matches(matcher any, text string) bool {
	ok, err := matcher.(interface{ Match(any) (bool, error) }).Match(text)
	return ok && err == nil
}

func TestRedirectNamesItsTarget(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	c := newCloud(t)
	c.AddFault(Fault{Kind: Redirect, HTTPStatus: 302, Location: "https://elsewhere.invalid/"})
	answer := c.call(t, keyA, "DescribeSelfImages", nil)
	g.Expect(answer.status).To(Equal(http.StatusFound))
	g.Expect(answer.header.Get("Location")).To(Equal("https://elsewhere.invalid/"))
}

func TestDuplicateWithoutNonceMemory(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	c := newCloud(t, func(b *Behaviour) { b.NonceWindow.Duration = 0 })
	c.AddFault(Fault{Kind: Duplicate, Times: 1})
	c.imported(t, "twice")
	g.Expect(c.Images()).To(HaveLen(2))
}

func TestFaultsAreMatchedAndConsumedInOrder(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	c := newCloud(t)
	fail := func(code string) Fault { return Fault{Kind: ErrorBefore, Code: code, Times: 1} }
	onlyImport, onlyB, second, always := fail("Import"), fail("B"), fail("Second"), fail("Always")
	onlyImport.Action = "ImportImage"
	onlyB.AccessKeyID = keyB.ID
	second.Skip = 1
	second.Times = 2
	always.Times = 0
	for _, fault := range []Fault{onlyImport, onlyB, second} {
		c.AddFault(fault)
	}
	list := func(key AccessKey) string { return c.call(t, key, "DescribeSelfImages", nil).code() }
	g.Expect([]string{list(keyA), list(keyA)}).To(Equal([]string{"", "Second"}))
	g.Expect(c.Faults()).To(HaveLen(3))
	g.Expect(c.Faults()[2].Times).To(Equal(1))
	g.Expect([]string{list(keyB), list(keyB), list(keyB)}).To(Equal([]string{"B", "Second", ""}))
	c.AddFault(always)
	g.Expect([]string{list(keyA), list(keyA), list(keyA)}).To(HaveEach("Always"))
	g.Expect(c.call(t, keyA, "ImportImage", importParams("golden")).code()).To(Equal("Import"))
	c.ClearFaults()
	g.Expect(list(keyA)).To(BeEmpty())
}

func TestErrorBodyCarriesTheRequestIDOfTheHistory(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	c := newCloud(t)
	c.AddFault(Fault{Kind: ErrorAfter})
	var body struct{ RequestId string } //nolint:revive // the name on the wire
	g.Expect(json.Unmarshal([]byte(c.call(t, keyA, "ImportImage", importParams("golden")).text), &body)).To(Succeed())
	g.Expect(c.History()[0].RequestID).To(Equal(body.RequestId))
}

func TestDelayHoldsTheAnswerOnly(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	c := newCloud(t)
	release := make(chan struct{})
	c.AddFault(Fault{Kind: Delay, Release: release})
	answered := make(chan string, 1)
	go func() { answered <- c.call(t, keyA, "ImportImage", importParams("golden")).code() }()
	g.Eventually(c.Images).Should(HaveLen(1))
	g.Consistently(answered, 50*time.Millisecond).ShouldNot(Receive())
	close(release)
	g.Eventually(answered).Should(Receive(BeEmpty()))

	c.ClearFaults()
	c.AddFault(Fault{Kind: Delay, Delay: 30 * time.Millisecond, Times: 1})
	start := time.Now()
	c.imported(t, "second")
	g.Expect(time.Since(start)).To(BeNumerically(">=", 30*time.Millisecond))
}

// TestDelayedExecutionOutlivesTheClient is a request that was stuck in the
// network and arrives after its sender gave up.
func TestDelayedExecutionOutlivesTheClient(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		late time.Duration
		code string
	}{
		"in time":          {time.Minute, ""},
		"after its expiry": {16 * time.Minute, "InvalidTimeStamp.Expired"},
		"after a reset":    {0, "dropped"},
	}
	for name, test := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			c := newCloud(t)
			release := make(chan struct{})
			c.AddFault(Fault{Kind: DelayExecution, Release: release, Times: 1})
			ctx, cancel := context.WithCancel(t.Context())
			req, err := http.NewRequestWithContext(ctx, http.MethodPost,
				c.server.URL+"/?"+c.signed(keyA, "ImportImage", importParams("late")).Encode(), http.NoBody)
			g.Expect(err).NotTo(HaveOccurred())
			gone := make(chan error, 1)
			go func() { _, err := c.send(t, req); gone <- err }()
			g.Eventually(c.Faults).Should(BeEmpty(), "the request has arrived")
			g.Expect(c.Images()).To(BeEmpty())
			cancel()
			g.Eventually(gone).Should(Receive(MatchError(context.Canceled)))
			c.clock.advance(test.late)
			if test.code == "dropped" {
				c.Reset()
				close(release)
				g.Consistently(c.History, 50*time.Millisecond).Should(BeEmpty())
				return
			}
			close(release)
			g.Eventually(c.History).Should(HaveLen(1))
			g.Expect(c.History()[0].Code).To(Equal(test.code))
			g.Expect(c.History()[0].Executed).To(Equal(test.code == ""))
		})
	}
}

func TestDelayedExecutionIsAnsweredToAPatientClient(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	c := newCloud(t)
	c.AddFault(Fault{Kind: DelayExecution, Delay: 20 * time.Millisecond, Times: 1})
	g.Expect(c.imported(t, "late")).NotTo(BeEmpty())
}

// TestADropIsAClosedConnection looks at the wire: not a byte of an answer.
func TestADropIsAClosedConnection(t *testing.T) {
	t.Parallel()
	for _, kind := range []FaultKind{DropBefore, DropAfter} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			c := newCloud(t)
			c.AddFault(Fault{Kind: kind})
			connection, err := new(net.Dialer).DialContext(t.Context(), "tcp", c.server.Listener.Addr().String())
			g.Expect(err).NotTo(HaveOccurred())
			secured := tlsClient(c, connection)
			defer func() { _ = secured.Close() }()
			_, err = fmt.Fprintf(secured, "POST /?%s HTTP/1.1\r\nHost: %s\r\nContent-Length: 0\r\n\r\n",
				c.signed(keyA, "ImportImage", importParams("golden")).Encode(), c.server.Listener.Addr())
			g.Expect(err).NotTo(HaveOccurred())
			answer, err := io.ReadAll(secured)
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(answer).To(BeEmpty())
		})
	}
}

func TestFaultJSON(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	var fault Fault
	g.Expect(json.Unmarshal([]byte(`{"kind":"Delay","action":"ImportImage","delay":"1m30s","times":2}`), &fault)).To(Succeed())
	g.Expect(fault).To(Equal(Fault{Kind: Delay, Action: "ImportImage", Delay: 90 * time.Second, Times: 2}))
	g.Expect(json.Marshal(fault)).To(MatchJSON(`{"kind":"Delay","action":"ImportImage","delay":"1m30s","times":2}`))
	g.Expect(json.Marshal(Fault{Kind: DropAfter})).To(MatchJSON(`{"kind":"DropAfter"}`))
	for text, message := range map[string]string{
		`{"kind":"Delay","delya":"1s"}`: `"delya"`,
		`{"kind":"Delay","delay":5}`:    "delay",
	} {
		g.Expect(json.Unmarshal([]byte(text), &fault)).To(MatchError(ContainSubstring(message)), text)
	}
	for _, bad := range []Fault{{}, {Kind: "Explode"}, {Kind: Delay, Times: -1}, {Kind: RawBody, HTTPStatus: 99}, {Kind: Redirect}} {
		g.Expect(bad.validate()).NotTo(Succeed(), "%+v", bad)
	}
}
