// SPDX-License-Identifier: Apache-2.0

package ens

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"unicode"
)

const maxText = 1024

// answer is what all bodies of the API may hold. Code is a string in errors and a number (0) in some successes.
type answer struct {
	RequestID, Code, Message string
}

// decodeAnswer reads a body of any shape. What is missing, of another type, or not JSON at all stays empty.
func decodeAnswer(body []byte) answer {
	var fields map[string]json.RawMessage
	if json.Unmarshal(body, &fields) != nil {
		return answer{}
	}
	return answer{RequestID: text(fields["RequestId"]), Code: text(fields["Code"]), Message: text(fields["Message"])}
}

func text(raw json.RawMessage) string {
	var value any
	if json.Unmarshal(raw, &value) != nil {
		return ""
	}
	switch value := value.(type) {
	case string:
		return value
	case float64:
		return fmt.Sprint(value)
	}
	return ""
}

// succeeded tells whether the Code of an answer with HTTP status 200 means success. The API also reports failures so.
func (a answer) succeeded() bool {
	switch strings.ToLower(a.Code) {
	case "", "0", "200", "ok", "success":
		return true
	}
	return false
}

// verdict judges the exchange. err is what the SDK made of it, and only says that there was a failure.
func (x *exchange) verdict(action string, err error) error {
	reply := decodeAnswer(x.body)
	if err == nil && reply.succeeded() {
		return nil
	}
	e := &Error{Action: action, RequestID: reply.RequestID, HTTPStatus: x.status, Code: reply.Code, Message: reply.Message}
	switch {
	case x.status != 0 && x.status != http.StatusOK:
		e.describeRefusal()
	case x.status == http.StatusOK && !reply.succeeded():
	case x.status == http.StatusOK:
		e.Code, e.Message = CodeUnreadableAnswer, "the cloud's answer could not be read"
	case x.failure != nil:
		x.describeFailure(e)
	default:
		// Nothing was sent: the SDK refused the request. Its text may contain the request, so it is not shown.
		e.Code, e.Message = CodeClientError, "the request could not be built"
	}
	x.finish(e)
	return e
}

// describeRefusal gives a name to an answer without one, such as the HTML page of a proxy.
func (e *Error) describeRefusal() {
	if e.Code == "" {
		e.Code = fmt.Sprintf("HTTP%d", e.HTTPStatus)
	}
	if e.Message == "" {
		e.Message = fmt.Sprintf("the answer was HTTP %d %s and no message", e.HTTPStatus, http.StatusText(e.HTTPStatus))
	}
}

// describeFailure names what happened on the network. The text of the error is not shown: it may hold addresses of
// proxies with their passwords.
func (x *exchange) describeFailure(e *Error) {
	refusedHere := errors.Is(x.failure, errSecondSend) || errors.Is(x.failure, errNotPOST) || errors.Is(x.failure, errNotHTTPS)
	switch {
	case refusedHere:
		e.Code, e.Message = CodeClientError, x.failure.Error()
	case errors.Is(x.failure, context.Canceled):
		e.Code, e.Message = CodeCanceled, "the call was interrupted"
	case !x.connected.Load():
		e.Code, e.Message = CodeConnectFailed, "no connection to the endpoint: "+networkCause(x.failure)
	default:
		e.Code, e.Message = CodeNoAnswer, "the connection broke before the answer had arrived: "+networkCause(x.failure)
	}
}

func (x *exchange) finish(e *Error) {
	known := meaningOf(e.Action, e.Code, e.HTTPStatus)
	e.Class, e.Hint, e.NotExecuted = known.class, known.hint, known.refused
	if !x.connected.Load() && e.HTTPStatus == 0 {
		e.NotExecuted = true
		if e.Class == ClassUnknownOutcome {
			e.Class, e.Hint = ClassUnavailable, retryHint
		}
	}
	if e.Code == "SignatureDoesNotMatch" {
		// The cloud echoes the string to sign, which holds the access key ID, the token and every parameter.
		e.Message = "the signature does not match"
	}
	e.Code = x.clean(e.Code, 128)
	e.Message = x.clean(e.Message, maxText)
	e.RequestID = x.clean(e.RequestID, 128)
}

// clean takes credentials and control characters out of a text of the cloud's and bounds it.
func (x *exchange) clean(s string, limit int) string {
	for _, secret := range []string{x.creds.AccessKeyID, x.creds.AccessKeySecret, x.creds.SecurityToken} {
		if secret != "" {
			s = strings.ReplaceAll(s, secret, "***")
		}
	}
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == unicode.ReplacementChar {
			return ' '
		}
		return r
	}, s)
	if len(s) > limit {
		s = strings.ToValidUTF8(s[:limit-3], "") + "..."
	}
	return s
}
