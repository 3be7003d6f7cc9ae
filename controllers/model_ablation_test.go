// SPDX-License-Identifier: Apache-2.0

//go:build model

package controllers

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"
)

// ablation is a protection taken away.
type ablation struct {
	// noCAS : writes win over whatever was written before. noIntent : the import is recorded after it, not before.
	noCAS, noIntent bool
	// flicker : a listing may lack what an earlier one has shown.
	flicker bool
	// noNonce : the cloud forgets the nonces that it has seen.
	noNonce bool
	// randomToken : each controller has its own. partial : a look-up may lack any image. firstRow : a search takes the
	// first of the images that it gets for its own.
	randomToken, partial, firstRow bool
	// decision changes what decide says.
	decision func(*state, effect) effect
}

// letsGoEarly takes the finalizer off while an attempt is open.
func letsGoEarly(s *state, e effect) effect {
	deleting, opened := !s.obj.DeletionTimestamp.IsZero(), s.intent != nil && s.intent.Closed == "" && s.intent.ImageID == ""
	if e.verb == rest && deleting && opened {
		return s.letGo("")
	}
	return e
}

// What the model finds when a protection is missing: without this, its silence would mean nothing.
func TestModelAblations(t *testing.T) {
	t.Parallel()
	disturbed := budget{faults: 1, late: 1}
	deleted, delayed := budget{deletions: 1, pauses: 2}, budget{faults: 1, late: 1, deletions: 1}
	someoneElses := func(w *modelWorld) {
		w.images[0] = picture{used: true, there: true, uid: 1, epoch: 1, status: ready, name: 2, age: lag}
	}
	for name, c := range map[string]struct {
		left   budget
		weaken func(*model)
		begin  func(*modelWorld)
		finds  rule
	}{
		"no compare-and-swap":                    {budget{faults: 1, stale: 1}, func(m *model) { m.ablation.noCAS = true }, nil, brokenDuplicate},
		"no wait for an open attempt":            {disturbed, func(m *model) { m.timing.Settle = 0 }, nil, brokenDuplicate},
		"timestamps do not expire":               {disturbed, func(m *model) { m.validity = 127 }, nil, brokenDuplicate},
		"listings lag longer than the bound":     {disturbed, func(m *model) { m.lag = 4 }, nil, brokenDuplicate},
		"a token of its own for each controller": {disturbed, func(m *model) { m.ablation.randomToken = true }, nil, brokenDuplicate},
		"absence told from part of a listing":    {disturbed, func(m *model) { m.ablation.partial = true }, nil, brokenDuplicate},
		"the first row of a search":              {deleted, func(m *model) { m.ablation.firstRow = true }, someoneElses, brokenForeign},
		"import first, record later":             {disturbed, func(m *model) { m.ablation.noIntent, m.ablation.noNonce = true, true }, nil, brokenDuplicate},
		"listings flicker":                       {delayed, func(m *model) { m.ablation.flicker = true }, nil, brokenOrphan},
		"finalizer off while an attempt is open": {deleted, func(m *model) { m.ablation.decision = letsGoEarly }, nil, brokenOrphan},
		"a call long after its decision":         {deleted, func(m *model) { m.sendPause = 2 }, nil, brokenOrphan},
		"nonces are forgotten":                   {disturbed, func(m *model) { m.ablation.noNonce = true }, nil, brokenDuplicate},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m, began, first := newModel(c.left), time.Now(), start(c.left)
			c.weaken(m)
			if c.begin != nil {
				c.begin(&first)
			}
			m.explore(first, modelLimit(t), c.finds)
			t.Log(m.summary(name, time.Since(began)))
			NewWithT(t).Expect(m.found).To(HaveKey(c.finds))
			if testing.Verbose() {
				t.Logf("%v:\n%s", c.finds, m.trace(first, m.found[c.finds]))
			}
		})
	}
}
