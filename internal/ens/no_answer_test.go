// SPDX-License-Identifier: Apache-2.0

package ens

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	. "github.com/onsi/gomega"
	"github.com/onsi/gomega/gleak"

	"github.com/ens-image-operator/ens-image-operator/internal/enssim"
)

// TestNoAnswer : once the request may have left, only the cloud knows what became of it.
func TestNoAnswer(t *testing.T) {
	t.Parallel()
	held := make(chan struct{})
	t.Cleanup(func() { close(held) })
	cause := errors.New("a cause with " + canary)
	half := 500 * time.Millisecond
	cases := map[string]struct {
		fault   enssim.Fault
		raw     http.HandlerFunc
		config  func(*Config)
		context func(context.Context) (context.Context, context.CancelFunc)
		message string
		images  int
	}{
		"dropped before execution": {fault: enssim.Fault{Kind: enssim.DropBefore}, message: "connection closed"},
		"dropped after execution":  {fault: enssim.Fault{Kind: enssim.DropAfter}, message: "connection closed", images: 1},
		"call timeout, executed": {
			fault: enssim.Fault{Kind: enssim.Delay, Release: held}, config: callTimeout(half), message: "timeout", images: 1,
		},
		"deadline of the context": {
			fault:   enssim.Fault{Kind: enssim.Delay, Release: held},
			context: func(ctx context.Context) (context.Context, context.CancelFunc) { return context.WithTimeout(ctx, half) },
			message: "timeout", images: 1,
		},
		"deadline with a cause": {
			fault: enssim.Fault{Kind: enssim.Delay, Release: held},
			context: func(ctx context.Context) (context.Context, context.CancelFunc) {
				return context.WithTimeoutCause(ctx, half, cause)
			},
			message: "timeout", images: 1,
		},
		"closed in the middle of the answer": {raw: func(rw http.ResponseWriter, _ *http.Request) {
			rw.Header().Set("Content-Length", "100")
			_, _ = io.WriteString(rw, `{"RequestId":`)
		}, message: "connection closed"},
		"closed in the middle of a refusal": {raw: func(rw http.ResponseWriter, _ *http.Request) {
			rw.Header().Set("Content-Length", "100")
			rw.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(rw, `{"Code":"NoPermission"}`)
		}, message: "connection closed"},
		"stuck in the middle of the answer": {raw: func(rw http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(rw, `{"RequestId":`)
			rw.(http.Flusher).Flush()
			<-r.Context().Done()
		}, config: callTimeout(half), message: "timeout"},
		"not HTTP": {raw: func(rw http.ResponseWriter, _ *http.Request) {
			connection, _, _ := rw.(http.Hijacker).Hijack()
			_, _ = io.WriteString(connection, "no HTTP\r\n\r\n")
			_ = connection.Close()
		}, message: "network error"},
	}
	for name, test := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			cloud := newCloud(t)
			server := cloud.wire
			if test.raw != nil {
				server = serve(t, test.raw)
			} else {
				cloud.AddFault(test.fault)
			}
			client := server.plainClient(t, func(c *Config) {
				if test.config != nil {
					test.config(c)
				}
			})
			ctx, cancel := t.Context(), context.CancelFunc(func() {})
			if test.context != nil {
				ctx, cancel = test.context(ctx)
			}
			defer cancel()
			ended := make(chan error, 2)
			go func() { ended <- importGolden(ctx, client) }()
			go func() { ended <- readByID(ctx, client) }()
			for range 2 {
				e := failed(t, <-ended)
				g.Expect(e.Code).To(Equal(CodeNoAnswer))
				g.Expect(e.Message).To(Equal("the connection broke before the answer had arrived: " + test.message))
				g.Expect(e.NotExecuted).To(BeFalse())
				if e.Action == "ImportImage" {
					g.Expect(e.Class).To(Equal(ClassUnknownOutcome))
				} else {
					g.Expect(e.Class).To(Equal(ClassUnavailable))
				}
			}
			g.Expect(cloud.Images()).To(HaveLen(test.images))
			g.Expect(server.requests()).To(HaveLen(2))
		})
	}
}

// TestCancel ends calls in the middle. It runs alone, so that every goroutine that is left over is one of its own.
func TestCancel(t *testing.T) {
	arrived := make(chan struct{}, 16)
	cases := map[string]func(rw http.ResponseWriter, r *http.Request){
		"before the answer": func(_ http.ResponseWriter, r *http.Request) {
			arrived <- struct{}{}
			<-r.Context().Done()
		},
		"in the middle of the answer": func(rw http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(rw, `{"RequestId":`)
			rw.(http.Flusher).Flush()
			arrived <- struct{}{}
			<-r.Context().Done()
		},
	}
	for name, handle := range cases {
		for _, cause := range []error{nil, errors.New("a cause of its own")} {
			t.Run(fmt.Sprint(name, cause != nil), func(t *testing.T) {
				g := NewWithT(t)
				server := serve(t, http.HandlerFunc(handle))
				client := server.plainClient(t, callTimeout(time.Hour))
				before := gleak.Goroutines()
				ctx, cancel := context.WithCancelCause(t.Context())
				ended := make(chan error, 1)
				go func() { ended <- importGolden(ctx, client) }()
				g.Eventually(arrived, time.Minute).Should(Receive())
				cancel(cause)
				var err error
				g.Eventually(ended, 10*time.Second).Should(Receive(&err), "a cancelled call returns at once")
				e := failed(t, err)
				g.Expect(e.Code).To(Equal(CodeCanceled))
				g.Expect(e.Class).To(Equal(ClassUnknownOutcome))
				g.Expect(e.NotExecuted).To(BeFalse())
				g.Expect(server.requests()).To(HaveLen(1))
				g.Eventually(gleak.Goroutines, 10*time.Second).ShouldNot(gleak.HaveLeaked(before))
			})
		}
	}
}

func TestCancelledBeforeTheCall(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	cloud := newCloud(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, call := range methods {
		e := failed(t, call(ctx, cloud.client(t)))
		g.Expect(e.Code).To(Equal(CodeCanceled))
		g.Expect(e.Class).To(Equal(ClassUnavailable))
		g.Expect(e.NotExecuted).To(BeTrue())
	}
	g.Expect(cloud.requests()).To(BeEmpty())
}

// TestCallTimeouts measures on a virtual clock when a call without an answer ends. The SDK has timers of its own.
func TestCallTimeouts(t *testing.T) {
	t.Parallel()
	for configured, expected := range map[time.Duration]time.Duration{0: 30 * time.Second, time.Second: time.Second, time.Hour: time.Hour} {
		t.Run(expected.String(), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				g := NewWithT(t)
				client := connect(t, Config{Endpoint: "http://127.0.0.1", CallTimeout: configured})
				client.endpoint.transport.(*http.Transport).DialContext = func(context.Context, string, string) (net.Conn, error) {
					ours, theirs := net.Pipe()
					go silent(theirs)
					return ours, nil
				}
				start := time.Now()
				e := failed(t, importGolden(t.Context(), client))
				g.Expect(time.Since(start)).To(Equal(expected))
				g.Expect(e.Code).To(Equal(CodeNoAnswer))
				g.Expect(e.Message).To(HaveSuffix(": timeout"))
			})
		})
	}
}
