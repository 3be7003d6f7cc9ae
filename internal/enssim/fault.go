// SPDX-License-Identifier: Apache-2.0

package enssim

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// FaultKind is what goes wrong with a call.
type FaultKind string

// The kinds of faults.
const (
	// DropBefore closes the connection; the request is not executed.
	DropBefore FaultKind = "DropBefore"
	// DropAfter executes the request and closes the connection without an answer.
	DropAfter FaultKind = "DropAfter"
	// ErrorBefore answers with HTTPStatus and Code; the request is not executed.
	ErrorBefore FaultKind = "ErrorBefore"
	// ErrorAfter executes the request and answers with HTTPStatus and Code.
	ErrorAfter FaultKind = "ErrorAfter"
	// Delay executes the request on arrival and holds the answer.
	Delay FaultKind = "Delay"
	// DelayExecution delivers the request late, also when the client has gone.
	// Signature, timestamp and nonce are checked then.
	DelayExecution FaultKind = "DelayExecution"
	// Duplicate delivers the request twice, each time with all checks.
	Duplicate FaultKind = "Duplicate"
	// RawBody answers with HTTPStatus and Body as they are.
	RawBody FaultKind = "RawBody"
	// Redirect answers with Location; the request is not executed.
	Redirect FaultKind = "Redirect"
)

var faultKinds = []FaultKind{
	DropBefore, DropAfter, ErrorBefore, ErrorAfter, Delay, DelayExecution, Duplicate, RawBody, Redirect,
}

// Fault is a planned disturbance. Of all faults that match a call, the oldest
// one that is not used up is applied, and only that one.
type Fault struct {
	// Action and AccessKeyID select the calls; empty matches every one.
	Action      string    `json:"action,omitempty"`
	AccessKeyID string    `json:"accessKeyID,omitempty"`
	Kind        FaultKind `json:"kind"`
	// Skip lets that many matching calls pass first.
	Skip int `json:"skip,omitempty"`
	// Times is how many calls are hit; 0 means every one until it is cleared.
	Times int `json:"times,omitempty"`
	// Delay of Delay and DelayExecution, in real time.
	Delay time.Duration `json:"-"`
	// Release ends the wait of Delay and DelayExecution when it is closed; Delay
	// is not looked at then. For tests in Go.
	Release <-chan struct{} `json:"-"`
	// HTTPStatus of the answer. Default 500 for ErrorBefore and ErrorAfter, 200
	// for RawBody, 307 for Redirect.
	HTTPStatus int `json:"httpStatus,omitempty"`
	// Code and Message of ErrorBefore and ErrorAfter. Default InternalError.
	Code    string `json:"code,omitempty"`
	Message string `json:"message,omitempty"`
	// Body and ContentType of RawBody.
	Body        string `json:"body,omitempty"`
	ContentType string `json:"contentType,omitempty"`
	// Location of Redirect.
	Location string `json:"location,omitempty"`
	// Execute makes RawBody execute the request first.
	Execute bool `json:"execute,omitempty"`
	// AnswerFirst makes Duplicate return the first answer instead of the second.
	AnswerFirst bool `json:"answerFirst,omitempty"`
}

// plannedFault counts what is left of a fault.
type plannedFault struct {
	Fault
	skip, times int
}

// AddFault plans a fault behind those that are planned already.
func (s *Simulator) AddFault(fault Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, &plannedFault{Fault: fault, skip: fault.Skip, times: fault.Times})
}

// ClearFaults forgets all planned faults. Calls that are held by one already
// stay held.
func (s *Simulator) ClearFaults() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = nil
}

// Faults returns the planned faults with what is left of Skip and Times.
func (s *Simulator) Faults() []Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	faults := []Fault{}
	for _, planned := range s.faults {
		fault := planned.Fault
		fault.Skip, fault.Times = planned.skip, planned.times
		faults = append(faults, fault)
	}
	return faults
}

// takeFault finds the fault for the request and uses one of its times up.
func (s *Simulator) takeFault(req *request) *Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, planned := range s.faults {
		if !planned.matches(req) {
			continue
		}
		if planned.skip > 0 {
			planned.skip--
			continue
		}
		if planned.times == 1 {
			s.faults = slices.Delete(s.faults, i, i+1)
		} else if planned.times > 1 {
			planned.times--
		}
		return &planned.Fault
	}
	return nil
}

func (f Fault) matches(req *request) bool {
	return (f.Action == "" || f.Action == req.action) && (f.AccessKeyID == "" || f.AccessKeyID == req.accessKeyID)
}

func (f Fault) validate() error {
	if !slices.Contains(faultKinds, f.Kind) {
		return fmt.Errorf("fault kind is %q, allowed are %q", f.Kind, faultKinds)
	}
	if f.Times < 0 || f.Skip < 0 || f.Delay < 0 {
		return fmt.Errorf("fault fields times, skip and delay must not be negative")
	}
	if f.HTTPStatus != 0 && (f.HTTPStatus < 200 || f.HTTPStatus > 599) {
		return fmt.Errorf("fault field httpStatus is %d, it must be between 200 and 599", f.HTTPStatus)
	}
	if f.Kind == Redirect && f.Location == "" {
		return fmt.Errorf("a fault of kind %s needs a location", Redirect)
	}
	return nil
}

// plainFault has the fields of Fault without its methods.
type plainFault Fault

// faultJSON writes the delay as a Go duration string.
type faultJSON struct {
	plainFault
	Delay metav1.Duration `json:"delay,omitzero"`
}

// MarshalJSON writes the delay as a Go duration string.
func (f Fault) MarshalJSON() ([]byte, error) {
	return json.Marshal(faultJSON{plainFault: plainFault(f), Delay: metav1.Duration{Duration: f.Delay}})
}

// UnmarshalJSON reads the delay as a Go duration string and refuses unknown fields.
func (f *Fault) UnmarshalJSON(text []byte) error {
	var read faultJSON
	if err := decodeStrictly(text, &read); err != nil {
		return err
	}
	*f = Fault(read.plainFault)
	f.Delay = read.Delay.Duration
	return nil
}
