// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	. "github.com/onsi/gomega"
)

// The files model_*_test.go are a model checker: they play the shipped decide, readIntent, observe, findClaims, recorded
// and report.apply in a small world, and visit every state that this world can get into.
//
//	model_test.go             Plays the scenarios and the ablations, and prints the table.
//	model_object_test.go      Objects, as small values that can be compared, and as what decide reads.
//	model_world_test.go       The world: objects, controllers, cloud; how time passes.
//	model_run_test.go         A reconcile under way, as a small value, and as the state that decide reads.
//	model_controller_test.go  A controller's steps. What an effect does to an object mirrors perform.go.
//	model_look_test.go        What a controller sees of the cloud and of other objects.
//	model_cloud_test.go       What an effect does to the cloud, with all that can go wrong.
//	model_user_test.go        What users and others do.
//	model_explore_test.go     Visits all states, and tells the way to one that breaks a rule.
//	model_rules_test.go       The rules that are checked in every state.
//	model_settle_test.go      From every state: does it come to a good end once nothing goes wrong any more?
//	model_scenarios_test.go   What may happen how often.
//	model_ablation_test.go    Each protection taken away must lead to a broken rule.

// modelLimit bounds the states of one scenario, so that a mistake does not eat the machine. No scenario gets near it.
func modelLimit() int {
	if n, err := strconv.Atoi(os.Getenv("MODEL_LIMIT")); err == nil {
		return n
	}
	return 20_000_000
}

// Whatever happens, in every order: no second image, nothing left behind, nothing of others touched, and a way out. And
// each protection that is taken away is missed: without this, the silence of the model would mean nothing.
func TestModel(t *testing.T) {
	t.Parallel()
	list := smallScenarios
	if os.Getenv("MODEL") == "full" { // make model
		list = fullScenarios
	}
	broken, result := ablations(), &table{rows: map[string]string{}}
	t.Cleanup(func() { t.Logf("\n%s", result.print(list, broken)) })
	t.Run("scenarios", func(t *testing.T) {
		t.Parallel()
		for _, sc := range list {
			t.Run(sc.name, func(t *testing.T) {
				t.Parallel()
				playScenario(t, sc, result)
			})
		}
	})
	t.Run("ablations", func(t *testing.T) {
		t.Parallel()
		for _, a := range broken {
			t.Run(a.name, func(t *testing.T) {
				t.Parallel()
				playAblation(t, a, result)
			})
		}
	})
}

func playScenario(t *testing.T, sc scenario, result *table) {
	t.Helper()
	g, m, began := NewWithT(t), newModel(t, sc.left), time.Now()
	m.explore(start(sc), modelLimit(), brokenNone)
	result.scenario(sc.name, m, time.Since(began))
	for rule, h := range m.found {
		t.Errorf("%v, the shortest way:\n%s%s", rule, m.trace(start(sc), h), m.stuck)
	}
	if m.cut > 0 {
		t.Log(m.trace(start(sc), m.overflow))
	}
	g.Expect(m.complete).To(BeTrue(), "the limit was too low")
	g.Expect(m.cut).To(BeZero(), "the world was too small")
	for _, s := range sc.sees {
		g.Expect(m.saw[s]).To(BeNumerically(">", 0), "the scenario never shows: %v", s)
	}
}

func playAblation(t *testing.T, a ablated, result *table) {
	t.Helper()
	m, began := newModel(t, a.left), time.Now()
	a.weaken(m)
	m.explore(start(a.scenario), modelLimit(), a.finds)
	result.ablation(a, m, time.Since(began))
	NewWithT(t).Expect(m.found).To(HaveKey(a.finds))
	if os.Getenv("MODEL") == "traces" {
		t.Logf("%v:\n%s", a.finds, m.trace(start(a.scenario), m.found[a.finds]))
	}
}

// table is what the exploration found.
type table struct {
	lock sync.Mutex
	// rows are by name.
	rows map[string]string
}

func (l *table) scenario(name string, m *model, took time.Duration) {
	l.add(name, fmt.Sprintf("| %-26s | %9d | %10d | %7d | %7d | %4d | %5d | %6d | %6.1f s |",
		name, len(m.parents), m.bad[brokenDuplicate], m.bad[brokenOrphan], m.bad[brokenForeign], m.bad[brokenLost],
		m.bad[brokenSettle], m.bad[brokenPermit]+m.bad[brokenGrowth], took.Seconds()))
}

func (l *table) ablation(a ablated, m *model, took time.Duration) {
	found := "nothing"
	if m.bad[a.finds] > 0 {
		found = a.finds.String()
	}
	l.add(a.name, fmt.Sprintf("| %-46s | %-9s | %9d | %6.1f s |", a.name, found, len(m.parents), took.Seconds()))
}

func (l *table) add(name, row string) {
	l.lock.Lock()
	defer l.lock.Unlock()
	l.rows[name] = row
}

func (l *table) print(scenarios []scenario, ablations []ablated) string {
	lines := []string{"", "| scenario                   |    states | duplicates | orphans | foreign | lost | stuck | permit |     time |"}
	add := func(name string) {
		if row, played := l.rows[name]; played {
			lines = append(lines, row)
		}
	}
	for _, sc := range scenarios {
		add(sc.name)
	}
	lines = append(lines, "", "| protection taken away                          | found     |     after |     time |")
	for _, a := range ablations {
		add(a.name)
	}
	return strings.Join(lines, "\n")
}
