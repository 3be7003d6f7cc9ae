// SPDX-License-Identifier: Apache-2.0

package enssim

import (
	"maps"
	"net/http"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/util/uuid"
)

// apiVersion is the only version of the product Ens.
const apiVersion = "2017-11-10"

// answer is what goes back to the client. A nil answer drops the connection.
type answer struct {
	status int
	code   string
	header http.Header
	body   []byte
}

// call is a request that is being executed, under the simulator's lock.
type call struct {
	now       time.Time
	requestID string
	key       AccessKey
	params    map[string]string
	// imageID is filled in by the action, for the history.
	imageID string
}

func (c *call) account() string { return c.key.AccountID }

func (s *Simulator) serveCloud(w http.ResponseWriter, r *http.Request) {
	req := readRequest(w, r)
	if req.malformed == nil {
		req.malformed = checkTarget(r)
	}
	fault := s.takeFault(req)
	if fault == nil {
		write(w, s.deliver(req, delivery{}))
		return
	}
	answer := s.applyFault(r.Context(), req, *fault)
	if answer == nil {
		panic(http.ErrAbortHandler)
	}
	write(w, answer)
}

func checkTarget(r *http.Request) *apiError {
	if r.URL.Path != "/" && r.URL.Path != "" {
		return refuse(http.StatusNotFound, "InvalidApi.NotFound", "The API is served at the path / only.")
	}
	if r.Method != http.MethodGet && r.Method != http.MethodPost {
		return refuse(http.StatusForbidden, "UnsupportedHTTPMethod", "This HTTP method is not supported.")
	}
	return nil
}

// delivery says what a fault changes about a delivered request. The zero value
// is a delivery without a fault.
type delivery struct {
	fault FaultKind
	// skip leaves the request unread: neither proven nor executed.
	skip bool
	// replace stands in for the answer, drop withholds it.
	replace func(requestID string) *answer
	drop    bool
}

// deliver lets the request take effect and records it in one step, so that the
// order of the history is the order of the effects.
func (s *Simulator) deliver(req *request, how delivery) *answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.deliverLocked(req, how)
}

func (s *Simulator) deliverLocked(req *request, how delivery) *answer {
	entry := Call{
		Time: s.now(), Action: req.action, AccessKeyID: req.accessKeyID, SignatureVersion: req.signatureVersion,
		Params: req.businessParameters(), RequestID: strings.ToUpper(string(uuid.NewUUID())), Fault: how.fault,
	}
	var sent *answer
	if !how.skip {
		sent = s.execute(req, &entry)
	}
	switch {
	case how.drop:
		sent = nil
	case how.replace != nil:
		sent = how.replace(entry.RequestID)
	}
	if sent != nil {
		entry.HTTPStatus, entry.Code = sent.status, sent.code
	}
	s.record(entry)
	return sent
}

func (s *Simulator) execute(req *request, entry *Call) *answer {
	c := &call{now: entry.Time, requestID: entry.RequestID, params: entry.Params}
	result, refusal := s.admit(req, c, entry)
	if refusal != nil {
		return refusal.answer(entry.RequestID, req.host)
	}
	entry.Executed, entry.ImageID = true, c.imageID
	return &answer{status: http.StatusOK, body: mustEncode(result)}
}

// admit goes through the gateway's checks in their order and then runs the action.
func (s *Simulator) admit(req *request, c *call, entry *Call) (any, *apiError) {
	if req.malformed != nil {
		return nil, req.malformed
	}
	todo, refusal := findAction(req)
	if refusal != nil {
		return nil, refusal
	}
	if c.key, refusal = s.authenticate(req, c.now); refusal != nil {
		return nil, refusal
	}
	entry.AccountID = c.account()
	if refusal := s.throttle(req.action, c); refusal != nil {
		return nil, refusal
	}
	if c.key.denies(req.action) {
		return nil, s.deny(req.action, c)
	}
	if refusal := todo.checkNames(c.params); refusal != nil {
		return nil, refusal
	}
	result, refusal := todo.run(s, c)
	if refusal == nil && todo.writes {
		s.persist()
	}
	return result, refusal
}

// deny refuses an action for lack of permission, in one of the two documented shapes.
func (s *Simulator) deny(action string, c *call) *apiError {
	if s.behaviour.DenialCode != DenialForbiddenRAM {
		return refuse(http.StatusBadRequest, DenialNoPermission, "Permission denied.")
	}
	refusal := refuse(http.StatusForbidden, DenialForbiddenRAM, "User not authorized to operate on the specified resource, or this API does not support RAM.")
	refusal.denied = &accessDeniedDetail{
		AuthAction: "ens:" + action, AuthPrincipalDisplayName: c.key.ID, AuthPrincipalOwnerID: c.account(),
		AuthPrincipalType: "SubUser", EncodedDiagnosticMessage: "AQEAAAAA", NoPermissionType: "ExplicitDeny",
		PolicyType: "AccountLevelIdentityBasedPolicy",
	}
	return refusal
}

func write(w http.ResponseWriter, a *answer) {
	maps.Copy(w.Header(), a.header)
	if w.Header().Get("Content-Type") == "" {
		w.Header().Set("Content-Type", "application/json;charset=utf-8")
	}
	w.WriteHeader(a.status)
	// The client may be gone; nothing is left to do then.
	_, _ = w.Write(a.body)
}
