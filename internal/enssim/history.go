// SPDX-License-Identifier: Apache-2.0

package enssim

import (
	"maps"
	"slices"
	"time"
)

// Call is one delivery of a request to the simulated cloud. Refused calls and
// calls that a fault swallowed are in the history as well.
type Call struct {
	// Seq counts from 1 in the order in which the calls took effect.
	Seq    int       `json:"seq"`
	Time   time.Time `json:"time"`
	Action string    `json:"action"`
	// AccessKeyID is what the request claimed, proven or not.
	AccessKeyID string `json:"accessKeyID"`
	// AccountID is empty until the caller has proven who it is.
	AccountID string `json:"accountID,omitempty"`
	// SignatureVersion is V1 or V3.
	SignatureVersion string `json:"signatureVersion"`
	// Params are the parameters of the action, without those of the gateway.
	Params map[string]string `json:"params"`
	// HTTPStatus of the answer; 0 when a fault dropped the connection.
	HTTPStatus int `json:"httpStatus"`
	// Code of the answer; empty for success.
	Code      string `json:"code,omitempty"`
	RequestID string `json:"requestID"`
	// Executed tells that the call changed the state or was answered from it,
	// whatever the client got to see.
	Executed bool   `json:"executed"`
	ImageID  string `json:"imageID,omitempty"`
	// Fault that was applied to the call, if any.
	Fault FaultKind `json:"fault,omitempty"`
}

// History returns all calls since the start or the last reset.
func (s *Simulator) History() []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	calls := make([]Call, 0, len(s.history))
	for _, call := range s.history {
		call.Params = maps.Clone(call.Params)
		calls = append(calls, call)
	}
	return slices.Clip(calls)
}

// ClearHistory forgets the calls so far; Seq goes on.
func (s *Simulator) ClearHistory() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.history = nil
}

func (s *Simulator) record(call Call) {
	s.seq++
	call.Seq = s.seq
	s.history = append(s.history, call)
	if s.onCall != nil {
		s.onCall(call)
	}
}
