// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
)

// outcome is an effect in the words of a table: what a case leaves out must be zero.
type outcome struct {
	verb  verb
	image string
	name  string
	// accounts are joined, so that outcomes can be compared.
	accounts string
	double   bool
	intent   intent
	starts   bool

	mood       mood
	reason     string
	wait       time.Duration
	due        time.Time
	retry      retryPolicy
	code       string
	unfrozen   bool
	keepsError bool
	silent     bool
}

func outcomeOf(e effect) outcome {
	o := outcome{
		verb: e.verb, image: e.image, name: e.name, starts: e.starts, accounts: strings.Join(e.accounts, ","), double: e.double,
		mood: e.report.mood, reason: e.report.reason, wait: e.report.wait, due: e.report.due, retry: e.report.retry,
		unfrozen: e.report.unfrozen, keepsError: e.report.keepsError, silent: e.report.silent,
	}
	if e.intent != nil {
		o.intent = *e.intent
	}
	if e.report.failure != nil {
		o.code = e.report.failure.Code
	}
	return o
}

// decision is one case: what is known, what is to be done, and a part of what is said about it.
type decision struct {
	given []change
	want  outcome
	says  string
}

func runDecisions(t *testing.T, cases map[string]decision) {
	t.Helper()
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			s := newState(c.given...)
			snapshot := s.obj.DeepCopy()
			e := decide(s)
			g.Expect(outcomeOf(e)).To(Equal(c.want))
			g.Expect(e.report.message).To(ContainSubstring(c.says))
			g.Expect(s.obj).To(Equal(snapshot), "decide changes nothing")
		})
	}
}

// writes is the outcome that records an intent, starts the one that also begins an attempt.
func writes(in *intent) outcome { return outcome{verb: writeIntent, intent: *in} }
func starts(in *intent) outcome { return outcome{verb: writeIntent, intent: *in, starts: true} }

func rests(mood mood, reason string, wait time.Duration) outcome {
	return outcome{mood: mood, reason: reason, wait: wait, keepsError: mood == moodIdle}
}

func (o outcome) editable() outcome              { o.unfrozen = true; return o }
func (o outcome) keeping() outcome               { o.keepsError = true; return o }
func (o outcome) failing(code string) outcome    { o.code = code; return o }
func (o outcome) retrying(p retryPolicy) outcome { o.retry = p; return o }
func (o outcome) dueAt(t time.Time) outcome      { o.due = t; return o }
