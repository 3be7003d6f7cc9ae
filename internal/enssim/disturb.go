// SPDX-License-Identifier: Apache-2.0

package enssim

import (
	"cmp"
	"context"
	"net/http"
	"time"
)

// applyFault delivers the request in the way of the fault. A nil answer means
// that the connection has to be dropped.
func (s *Simulator) applyFault(ctx context.Context, req *request, fault Fault) *answer {
	how := delivery{fault: fault.Kind}
	switch fault.Kind {
	case DropBefore:
		how.skip, how.drop = true, true
	case DropAfter:
		how.drop = true
	case ErrorBefore:
		how.skip, how.replace = true, fault.errorAnswer(req.host)
	case ErrorAfter:
		how.replace = fault.errorAnswer(req.host)
	case RawBody:
		how.skip, how.replace = !fault.Execute, fault.rawAnswer
	case Redirect:
		how.skip, how.replace = true, fault.redirectAnswer
	case Duplicate:
		return s.deliverTwice(req, fault, how)
	case DelayExecution:
		return s.deliverLate(ctx, req, fault, how)
	case Delay:
		answer := s.deliver(req, how)
		fault.wait(ctx)
		return answer
	}
	return s.deliver(req, how)
}

func (s *Simulator) deliverTwice(req *request, fault Fault, how delivery) *answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	first := s.deliverLocked(req, how)
	second := s.deliverLocked(req, how)
	if fault.AnswerFirst {
		return first
	}
	return second
}

// deliverLate does not depend on the client's connection: a request that is
// stuck in the network arrives although nobody waits for the answer any more.
func (s *Simulator) deliverLate(ctx context.Context, req *request, fault Fault, how delivery) *answer {
	s.mu.Lock()
	epoch := s.epoch
	s.mu.Unlock()
	answered := make(chan *answer, 1)
	late := context.WithoutCancel(ctx)
	go func() {
		fault.wait(late)
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.epoch != epoch {
			answered <- nil
			return
		}
		answered <- s.deliverLocked(req, how)
	}()
	select {
	case answer := <-answered:
		return answer
	case <-ctx.Done():
		return nil
	}
}

func (f Fault) wait(ctx context.Context) {
	if f.Release != nil {
		select {
		case <-f.Release:
		case <-ctx.Done():
		}
		return
	}
	timer := time.NewTimer(f.Delay)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

func (f Fault) errorAnswer(host string) func(string) *answer {
	refusal := &apiError{
		status:  cmp.Or(f.HTTPStatus, http.StatusInternalServerError),
		code:    cmp.Or(f.Code, "InternalError"),
		message: cmp.Or(f.Message, "The request processing has failed due to some unknown error."),
	}
	return func(requestID string) *answer { return refusal.answer(requestID, host) }
}

func (f Fault) rawAnswer(string) *answer {
	header := http.Header{}
	if f.ContentType != "" {
		header.Set("Content-Type", f.ContentType)
	}
	return &answer{status: cmp.Or(f.HTTPStatus, http.StatusOK), header: header, body: []byte(f.Body)}
}

func (f Fault) redirectAnswer(string) *answer {
	header := http.Header{}
	header.Set("Location", f.Location)
	return &answer{status: cmp.Or(f.HTTPStatus, http.StatusTemporaryRedirect), header: header}
}
