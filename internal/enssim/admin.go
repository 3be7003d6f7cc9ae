// SPDX-License-Identifier: Apache-2.0

package enssim

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	strictjson "sigs.k8s.io/json"
)

// adminRoutes is the admin API. It asks for no credentials: it is meant for the
// loopback interface.
func (s *Simulator) adminRoutes() http.Handler {
	mux := http.NewServeMux()
	routes := map[string]func(*http.Request) (any, error){
		"GET /-/history":             func(*http.Request) (any, error) { return s.History(), nil },
		"DELETE /-/history":          func(*http.Request) (any, error) { s.ClearHistory(); return nil, nil },
		"GET /-/images":              func(*http.Request) (any, error) { return s.Images(), nil },
		"POST /-/images":             s.adminPostImage,
		"PATCH /-/images/{id}":       s.adminPatchImage,
		"DELETE /-/images/{id}":      s.adminDeleteImage,
		"GET /-/objects":             s.adminGetObjects,
		"PUT /-/objects":             s.adminPutObject,
		"DELETE /-/objects":          s.adminDeleteObject,
		"GET /-/access-keys":         func(*http.Request) (any, error) { return s.publicAccessKeys(), nil },
		"PUT /-/access-keys":         s.adminPutAccessKey,
		"DELETE /-/access-keys/{id}": func(r *http.Request) (any, error) { s.DeleteAccessKey(r.PathValue("id")); return nil, nil },
		"GET /-/faults":              func(*http.Request) (any, error) { return s.Faults(), nil },
		"POST /-/faults":             s.adminPostFault,
		"DELETE /-/faults":           func(*http.Request) (any, error) { s.ClearFaults(); return nil, nil },
		"GET /-/behaviour":           s.adminGetBehaviour,
		"PATCH /-/behaviour":         s.adminPatchBehaviour,
		"POST /-/reset":              func(*http.Request) (any, error) { s.Reset(); return nil, nil },
		"GET /-/healthz":             s.adminHealth,
	}
	for pattern, handle := range routes {
		mux.HandleFunc(pattern, adminHandler(handle))
	}
	return mux
}

// adminError is an error with an HTTP status of its own; other errors are 400.
type adminError struct {
	status int
	text   string
}

func (e *adminError) Error() string { return e.text }

func adminHandler(handle func(*http.Request) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		result, err := handle(r)
		if err == nil && result == nil {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		a := &answer{status: http.StatusOK}
		if err != nil {
			a.status = http.StatusBadRequest
			if coded, ok := errors.AsType[*adminError](err); ok {
				a.status = coded.status
			}
			result = map[string]string{"error": err.Error()}
		}
		a.body = append(mustEncode(result), '\n')
		write(w, a)
	}
}

// readBody decodes the body strictly: an unknown, misspelt or repeated field is
// an error that names it.
func readBody(r *http.Request, target any) error {
	text, err := io.ReadAll(r.Body)
	if err != nil {
		return fmt.Errorf("reading the body: %w", err)
	}
	return decodeStrictly(text, target)
}

func decodeStrictly(text []byte, target any) error {
	strictErrors, err := strictjson.UnmarshalStrict(text, target)
	if err := errors.Join(append(strictErrors, err)...); err != nil {
		return fmt.Errorf("decoding JSON: %w", err)
	}
	return nil
}

func (s *Simulator) adminGetBehaviour(*http.Request) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return json.RawMessage(mustEncode(s.behaviour)), nil
}

// adminPatchBehaviour reads the body before it takes the lock, so that a slow
// client holds nobody up.
func (s *Simulator) adminPatchBehaviour(r *http.Request) (any, error) {
	text, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, fmt.Errorf("reading the body: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	changed, err := s.behaviour.overlaid(func(b *Behaviour) error { return decodeStrictly(text, b) })
	if err != nil {
		return nil, err
	}
	s.behaviour = changed
	s.persist()
	return json.RawMessage(mustEncode(s.behaviour)), nil
}

func (s *Simulator) adminPostFault(r *http.Request) (any, error) {
	var fault Fault
	if err := readBody(r, &fault); err != nil {
		return nil, err
	}
	if err := fault.validate(); err != nil {
		return nil, err
	}
	s.AddFault(fault)
	return fault, nil
}

func (s *Simulator) adminHealth(*http.Request) (any, error) {
	if err := s.StateError(); err != nil {
		return nil, &adminError{http.StatusServiceUnavailable, err.Error()}
	}
	return map[string]string{"status": "ok"}, nil
}
