// SPDX-License-Identifier: Apache-2.0

package ens

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"
)

// maxAnswer bounds what is read of an answer. A page of 50 images is about 40 KiB.
const maxAnswer = 4 << 20

var (
	errSecondSend = errors.New("a call is sent one time only")
	errNotPOST    = errors.New("only POST is sent: net/http replays other methods")
	errNotHTTPS   = errors.New("only https is sent")
	errTooLarge   = errors.New("the answer is larger than 4 MiB")
	errAnswered   = errors.New("the cloud answered with an error")
)

// exchange is one call on the wire, from the signed request to the verdict over its answer. It stands between the SDK
// and the connection pool as a RoundTripper of its own (the SDK reconfigures an *http.Transport in every call) and
// keeps the facts that the SDK loses: whether anything was sent, the HTTP status, the raw body. The SDK's own errors
// are never shown, since they contain the signed URL.
type exchange struct {
	ctx       context.Context //nolint:containedctx // the SDK's API takes no context; an exchange lives for one call
	transport http.RoundTripper
	creds     Credentials
	pin       *Pin
	insecure  bool

	used      bool
	connected atomic.Bool
	status    int
	body      []byte
	failure   error
}

// RoundTrip implements http.RoundTripper.
func (x *exchange) RoundTrip(request *http.Request) (*http.Response, error) {
	response, err := x.roundTrip(request)
	if err != nil {
		// The first failure is the call's: what the SDK tries afterwards is refused here, and says nothing about it.
		if x.failure == nil {
			x.failure = err
		}
		if request.Body != nil {
			_ = request.Body.Close()
		}
		return nil, err
	}
	return response, nil
}

func (x *exchange) roundTrip(request *http.Request) (*http.Response, error) {
	switch {
	case x.used:
		return nil, errSecondSend
	case request.Method != http.MethodPost:
		return nil, errNotPOST
	case request.URL.Scheme != "https" && !x.insecure:
		return nil, errNotHTTPS
	}
	x.used = true
	// The trace tells a request that never left from one whose fate is unknown.
	trace := &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { x.connected.Store(true) }}
	request = request.Clone(httptrace.WithClientTrace(x.ctx, trace))
	if x.pin != nil {
		x.pin.sign(request.URL, x.creds.AccessKeySecret)
	}
	response, err := x.transport.RoundTrip(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	x.status = response.StatusCode
	body, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	if err != nil {
		return nil, fmt.Errorf("reading the answer: %w", err)
	}
	if len(body) > maxAnswer {
		return nil, errTooLarge
	}
	x.body = body
	// Redirects end here, too: http.Client would follow them, with the signed request.
	if response.StatusCode != http.StatusOK {
		return nil, errAnswered
	}
	response.Body = io.NopCloser(bytes.NewReader(body))
	return response, nil
}
