// SPDX-License-Identifier: Apache-2.0

package ens

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// answer is what all bodies of the API may hold. Code is a string in errors and a number (0) in some successes.
type answer struct {
	RequestID, Code, Message, ImageID string
}

// decodeAnswer reads a body of any shape. What is missing, of another type, or not JSON at all stays empty.
func decodeAnswer(body []byte) answer {
	var fields map[string]json.RawMessage
	if json.Unmarshal(body, &fields) != nil {
		return answer{}
	}
	return answer{
		RequestID: text(fields["RequestId"]), Code: text(fields["Code"]), Message: text(fields["Message"]), ImageID: text(fields["ImageId"]),
	}
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
	// Every answer of the API has a request ID: what has none is the word of something in between.
	if err == nil && reply.succeeded() && reply.RequestID != "" {
		return nil
	}
	e := &Error{Action: action, RequestID: reply.RequestID, HTTPStatus: x.status, Code: reply.Code, Message: reply.Message}
	interrupted := x.failure != nil && !errors.Is(x.failure, errAnswered)
	if !interrupted && x.status != 0 && (x.status != http.StatusOK || !reply.succeeded()) {
		e.describeRefusal()
		known := meaningOf(e.Code, e.HTTPStatus)
		// An image that the cloud has named exists, whatever the code says.
		e.Class, e.Hint, e.NotExecuted = known.class, known.hint, known.refused && reply.ImageID == ""
	} else {
		e.Code, e.Message = x.describeFailure()
		known := ownMeanings[e.Code]
		e.Class, e.Hint, e.NotExecuted = known.class, known.hint, !x.connected.Load()
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

// describeFailure gives code and message to a call to which the cloud gave none. The text of the failure is not shown:
// it may hold the signed request, and the addresses of proxies with their passwords.
func (x *exchange) describeFailure() (code, message string) {
	// A context may have been ended with a cause of its own, which is then all that the failure shows.
	failure := errors.Join(x.failure, x.ctx.Err())
	switch {
	case x.failure == nil && x.status == http.StatusOK:
		return CodeUnreadableAnswer, "the cloud's answer could not be read"
	case x.failure == nil:
		return CodeClientError, "the request could not be built"
	case errors.Is(failure, errSecondSend), errors.Is(failure, errNotPOST), errors.Is(failure, errNotHTTPS):
		return CodeClientError, x.failure.Error()
	case errors.Is(failure, context.Canceled):
		return CodeCanceled, "the call was interrupted"
	case errors.Is(failure, errTooLarge):
		return CodeUnreadableAnswer, errTooLarge.Error()
	case !x.connected.Load():
		return CodeConnectFailed, "no connection to the endpoint: " + networkCause(failure)
	}
	return CodeNoAnswer, "the connection broke before the answer had arrived: " + networkCause(failure)
}

func (x *exchange) finish(e *Error) {
	if e.Action == actionImportImage && !e.NotExecuted {
		hint := unknownOutcomeHint
		if e.Class == ClassUnrecognised {
			hint = e.Hint + "; the operator looks for the image before it tries again, so that there is never a second one"
		}
		e.Class, e.Hint = ClassUnknownOutcome, hint
	}
	if e.Code == "SignatureDoesNotMatch" {
		// The cloud echoes the string to sign, which holds the access key ID, the token and every parameter.
		e.Message = "the signature does not match"
	}
	e.Code = x.creds.scrub(e.Code, maxID)
	e.Message = x.creds.scrub(e.Message, maxText)
	e.RequestID = x.creds.scrub(e.RequestID, maxID)
}
