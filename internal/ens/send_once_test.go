// SPDX-License-Identifier: Apache-2.0

package ens

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"strings"
	"sync/atomic"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/ens-image-operator/ens-image-operator/internal/enssim"
)

// TestEveryCallIsSentOnce breaks each call in the ways that make the SDK, or net/http, send it again.
func TestEveryCallIsSentOnce(t *testing.T) {
	t.Parallel()
	faults := map[string]enssim.Fault{
		"500":                {Kind: enssim.ErrorBefore},
		"500, but executed":  {Kind: enssim.ErrorAfter},
		"502 HTML":           {Kind: enssim.RawBody, HTTPStatus: 502, Body: "<html>"},
		"503":                {Kind: enssim.ErrorBefore, HTTPStatus: 503, Code: "ServiceUnavailable"},
		"throttled":          {Kind: enssim.ErrorBefore, HTTPStatus: 429, Code: "Throttling.User"},
		"dropped":            {Kind: enssim.DropBefore},
		"executed and lost":  {Kind: enssim.DropAfter},
		"unreadable":         {Kind: enssim.RawBody, Body: `{"RequestId":`, Execute: true},
		"temporary redirect": {Kind: enssim.Redirect, Location: "/"},
	}
	for faultName, fault := range faults {
		for name, call := range methods {
			t.Run(faultName+"/"+name, func(t *testing.T) {
				t.Parallel()
				g := NewWithT(t)
				cloud := newCloud(t, func(b *enssim.Behaviour) { b.NonceWindow.Duration = 0 })
				cloud.PutImage(imageOne)
				client := cloud.plainClient(t)
				// A used connection is the one that net/http replays on.
				g.Expect(readByID(t.Context(), client)).To(Succeed())
				cloud.ClearHistory()
				cloud.AddFault(fault)
				e := failed(t, call(t.Context(), client))
				g.Expect(cloud.History()).To(HaveLen(1))
				g.Expect(cloud.requests()).To(HaveLen(2), "the first is the one that went well")
				if name == "ImportImage" && fault.Code != "Throttling.User" {
					g.Expect(e.Class).To(Equal(ClassUnknownOutcome))
					g.Expect(e.NotExecuted).To(BeFalse())
				}
			})
		}
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	t.Parallel()
	elsewhere := serve(t, http.NotFoundHandler())
	plain := httptest.NewServer(elsewhere.server.Config.Handler)
	t.Cleanup(plain.Close)
	for _, status := range []int{301, 302, 303, 307, 308} {
		for name, call := range methods {
			g := NewWithT(t)
			cloud := newCloud(t)
			cloud.AddFault(enssim.Fault{Kind: enssim.Redirect, HTTPStatus: status, Location: plain.URL})
			// Nothing but the client itself stands in the way: no certificate, no proxy.
			e := failed(t, call(t.Context(), cloud.plainClient(t)))
			g.Expect(e.HTTPStatus).To(Equal(status), name)
			g.Expect(e.Code).To(HavePrefix("HTTP3"), name)
			g.Expect(elsewhere.requests()).To(BeEmpty(), name)
		}
	}
}

// TestABrokenKeepAliveConnectionIsNotReplayed uses a server that reads the second request of a connection and hangs up.
// The SDK sends with GET by default, and net/http then sends a second time.
func TestABrokenKeepAliveConnectionIsNotReplayed(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	g.Expect(err).NotTo(HaveOccurred())
	t.Cleanup(func() { _ = listener.Close() })
	var received atomic.Int32
	go acceptAll(listener, func(connection net.Conn) {
		reader := bufio.NewReader(connection)
		for number := 1; ; number++ {
			request, err := http.ReadRequest(reader)
			if err != nil {
				return
			}
			_, _ = io.Copy(io.Discard, request.Body)
			received.Add(1)
			if number > 1 {
				return
			}
			body := rows("0")
			answer := &http.Response{StatusCode: http.StatusOK, ProtoMajor: 1, ProtoMinor: 1, ContentLength: int64(len(body)), Body: io.NopCloser(strings.NewReader(body))}
			_ = answer.Write(connection)
		}
	})
	client := connect(t, Config{Endpoint: "http://" + listener.Addr().String()})
	g.Expect(readByID(t.Context(), client)).To(Succeed())
	e := failed(t, importGolden(t.Context(), client))
	g.Expect(e.Code).To(Equal(CodeNoAnswer))
	g.Expect(e.NotExecuted).To(BeFalse())
	g.Expect(received.Load()).To(BeEquivalentTo(2))
}

// acceptAll serves each connection and closes it.
func acceptAll(listener net.Listener, serve func(net.Conn)) {
	for {
		connection, err := listener.Accept()
		if err != nil {
			return
		}
		go func() {
			defer connection.Close()
			serve(connection)
		}()
	}
}

// TestHTTP1Only : HTTP/2 replays requests on connections that a server is about to close.
func TestHTTP1Only(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	protocols := make(chan string, 16)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		protocols <- r.Proto
		_, _ = io.WriteString(rw, rows("0"))
	}))
	server.EnableHTTP2 = true
	server.StartTLS()
	t.Cleanup(server.Close)
	client := (&wire{server: server}).client(t)
	g.Expect(readByID(t.Context(), client)).To(Succeed())
	g.Expect(protocols).To(Receive(Equal("HTTP/1.1")))
}

// TestExchangeRefuses looks at what the SDK may never make us send.
func TestExchangeRefuses(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		method, url string
		insecure    bool
		used        bool
		refusal     error
	}{
		"POST over https":             {method: http.MethodPost, url: "https://ens.invalid/"},
		"POST over http to loopback":  {method: http.MethodPost, url: "http://127.0.0.1/", insecure: true},
		"POST over http":              {method: http.MethodPost, url: "http://ens.invalid/", refusal: errNotHTTPS},
		"GET":                         {method: http.MethodGet, url: "https://ens.invalid/", refusal: errNotPOST},
		"PUT":                         {method: http.MethodPut, url: "https://ens.invalid/", refusal: errNotPOST},
		"a second POST":               {method: http.MethodPost, url: "https://ens.invalid/", used: true, refusal: errSecondSend},
		"a second POST to a loopback": {method: http.MethodPost, url: "http://127.0.0.1/", insecure: true, used: true, refusal: errSecondSend},
	}
	for name, test := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			sent := 0
			x := &exchange{ctx: t.Context(), insecure: test.insecure, used: test.used, transport: transportFunc(func(*http.Request) (*http.Response, error) {
				sent++
				return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader(`{}`))}, nil
			})}
			request, err := http.NewRequestWithContext(t.Context(), test.method, test.url, http.NoBody)
			g.Expect(err).NotTo(HaveOccurred())
			response, err := x.RoundTrip(request)
			if test.refusal == nil {
				g.Expect(err).NotTo(HaveOccurred())
				g.Expect(response.Body.Close()).To(Succeed())
				g.Expect(sent).To(Equal(1))
				return
			}
			g.Expect(err).To(MatchError(test.refusal))
			g.Expect(sent).To(BeZero())
			e := failed(t, x.verdict("ImportImage", err))
			g.Expect(e.Code).To(Equal(CodeClientError))
			g.Expect(e.NotExecuted).To(BeTrue())
		})
	}
}

// TestASecondSendDoesNotHideTheFirst : that nothing was sent the second time says nothing about the first.
func TestASecondSendDoesNotHideTheFirst(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	x := &exchange{ctx: t.Context(), transport: transportFunc(func(*http.Request) (*http.Response, error) { return nil, io.ErrUnexpectedEOF })}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://ens.invalid/", http.NoBody)
	g.Expect(err).NotTo(HaveOccurred())
	for range 2 {
		_, err = x.RoundTrip(request) //nolint:bodyclose // there is no answer
		g.Expect(err).To(HaveOccurred())
	}
	x.connected.Store(true)
	e := failed(t, x.verdict("ImportImage", err))
	g.Expect(e.Code).To(Equal(CodeNoAnswer))
	g.Expect(e.Class).To(Equal(ClassUnknownOutcome))
	g.Expect(e.NotExecuted).To(BeFalse())
}

// TestAPanicIsAnError : no answer may bring the operator down. Whether the request had left decides what it means.
func TestAPanicIsAnError(t *testing.T) {
	t.Parallel()
	for connected, class := range map[bool]Class{false: ClassUnrecognised, true: ClassUnknownOutcome} {
		g := NewWithT(t)
		client := connect(t, Config{})
		client.endpoint.transport = transportFunc(func(r *http.Request) (*http.Response, error) {
			if connected {
				httptrace.ContextClientTrace(r.Context()).GotConn(httptrace.GotConnInfo{})
			}
			panic("at " + r.URL.String())
		})
		e := failed(t, importGolden(t.Context(), client))
		g.Expect(e.Code).To(Equal(CodeClientError))
		g.Expect(e.Class).To(Equal(class))
		g.Expect(e.NotExecuted).To(Equal(!connected))
		expectNoSecret(t, printed(t, e), "ens.aliyuncs.com")
	}
}

type transportFunc func(*http.Request) (*http.Response, error)

func (f transportFunc) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
