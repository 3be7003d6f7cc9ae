// SPDX-License-Identifier: Apache-2.0

//go:build model

package controllers

import (
	"os"
	"strconv"
	"testing"
	"time"

	. "github.com/onsi/gomega"
)

// scenario is what may happen, and how often.
type scenario struct {
	name string
	left budget
}

// smallScenarios run with every make test. In all of them two controllers are at work, and read versions that may be
// old; with stale, a cache travels back in time.
var smallScenarios = []scenario{
	{"create", budget{faults: 1, late: 1}},
	{"delete", budget{deletions: 1}},
	{"rename and Retain", budget{renames: 1, retains: 1}},
	{"failed import", budget{failures: 1}},
	{"vanished image", budget{requests: 1, thefts: 1}},
}

// fullScenarios are as large as a few minutes of two cores allow: MODEL=full.
var fullScenarios = []scenario{
	{"create", budget{crashes: 1, faults: 1, late: 1, pauses: 2}},
	{"create, long pauses", budget{faults: 1, late: 1, pauses: 3}},
	{"create, two faults", budget{faults: 2, late: 1, refusals: 1}},
	{"time travel", budget{faults: 1, late: 1, stale: 1}},
	{"delete", budget{faults: 1, late: 1, deletions: 1, pauses: 1}},
	{"Retain", budget{faults: 1, late: 1, retains: 1, deletions: 1}},
	{"rename", budget{crashes: 1, faults: 1, renames: 1, pauses: 1}},
	{"suspend", budget{faults: 1, late: 1, suspends: 2}},
	{"other source", budget{faults: 1, late: 1, sources: 1}},
	{"vanished image", budget{crashes: 1, requests: 2, thefts: 1}},
	{"failed import", budget{crashes: 1, requests: 1, failures: 1, deletions: 1}},
	{"stuck deletion", budget{failures: 1, stuck: 1, deletions: 1}},
}

func start(left budget) modelWorld {
	w := modelWorld{left: left}
	w.objects[0].now = newBrief()
	return w
}

// modelLimit bounds the states of one scenario, so that a mistake does not eat the machine. No scenario gets near it.
func modelLimit(t *testing.T) int {
	t.Helper()
	if n, err := strconv.Atoi(os.Getenv("MODEL_LIMIT")); err == nil {
		return n
	}
	return 20_000_000
}

// Whatever happens, in every order: no second image, nothing left behind, nothing of others touched, and a way out.
func TestModel(t *testing.T) {
	t.Parallel()
	list := smallScenarios
	if os.Getenv("MODEL") == "full" {
		list = fullScenarios
	}
	for _, sc := range list {
		t.Run(sc.name, func(t *testing.T) {
			t.Parallel()
			g, m, began := NewWithT(t), newModel(sc.left), time.Now()
			m.explore(start(sc.left), modelLimit(t), brokenNone)
			t.Log(m.summary(sc.name, time.Since(began)))
			for rule, h := range m.found {
				t.Errorf("%v, the shortest way:\n%s%s", rule, m.trace(start(sc.left), h), m.stuck)
			}
			if m.cut > 0 {
				t.Log(m.trace(start(sc.left), m.overflow))
			}
			g.Expect(m.complete).To(BeTrue(), "the limit was too low")
			g.Expect(m.cut).To(BeZero(), "the world was too small")
		})
	}
}
