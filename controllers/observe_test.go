// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"errors"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/ens-image-operator/ens-image-operator/internal/ens"
)

// listings answers one look-up after the other and remembers what was asked.
type listings struct {
	answers [][]ens.Image
	failsAt int
	asked   []string
}

var errListing = errors.New("no conclusion")

func (l *listings) next(what string) ([]ens.Image, error) {
	l.asked = append(l.asked, what)
	if len(l.asked) == l.failsAt {
		return nil, errListing
	}
	return l.answers[len(l.asked)-1], nil
}

func (l *listings) ImageByID(_ context.Context, id string) (*ens.Image, error) {
	images, err := l.next("ID " + id)
	if err != nil || len(images) == 0 {
		return nil, err
	}
	return &images[0], nil
}

func (l *listings) Images(context.Context) ([]ens.Image, error) { return l.next("all") }

func (l *listings) ImagesByNameSuffix(_ context.Context, suffix string) ([]ens.Image, error) {
	return l.next("suffix " + suffix)
}

// The object looks by token until the intent holds the ImageId. An absence takes a look through all images, an error is none.
func TestObserve(t *testing.T) {
	t.Parallel()
	there := []ens.Image{image("m-1", "Available")}
	const byToken, byID = "suffix " + testSuffix, "ID m-1"
	for name, c := range map[string]struct {
		given []change
		cloud listings
		asked []string
		want  []ens.Image
		fails bool
	}{
		"there":                   {[]change{open(0)}, listings{answers: [][]ens.Image{there}}, []string{byToken}, there, false},
		"absent":                  {[]change{open(0)}, listings{answers: [][]ens.Image{nil, {named("other", image("m-9", "Available"))}}}, []string{byToken, "all"}, nil, false},
		"the search misses it":    {[]change{open(0)}, listings{answers: [][]ens.Image{nil, there}}, []string{byToken, "all"}, there, false},
		"second look-up fails":    {[]change{open(0)}, listings{answers: [][]ens.Image{nil}, failsAt: 2}, []string{byToken, "all"}, nil, true},
		"look-up fails":           {[]change{open(0)}, listings{failsAt: 1}, []string{byToken}, nil, true},
		"without record":          {nil, listings{answers: [][]ens.Image{there}}, []string{"all"}, there, false},
		"failed, still by token":  {[]change{failedAs("Pack_failed", 0)}, listings{answers: [][]ens.Image{there}}, []string{byToken}, there, false},
		"owned":                   {[]change{owns("m-1")}, listings{answers: [][]ens.Image{there}}, []string{byID}, there, false},
		"owned, absent":           {[]change{owns("m-1")}, listings{answers: [][]ens.Image{nil, {named("other", image("m-9", "Available"))}}}, []string{byID, "all"}, nil, false},
		"owned, search misses it": {[]change{owns("m-1")}, listings{answers: [][]ens.Image{nil, there}}, []string{byID, "all"}, there, false},
		"owned, look-up fails":    {[]change{owns("m-1")}, listings{failsAt: 1}, []string{byID}, nil, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			s := newState(c.given...)
			s.now = testNow.Add(time.Minute)
			seen, err := observe(t.Context(), &c.cloud, s)
			g.Expect(c.cloud.asked).To(Equal(c.asked))
			if c.fails {
				g.Expect(err).To(MatchError(errListing))
				return
			}
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(seen.images).To(Equal(c.want))
			g.Expect(seen.begun).To(Equal(s.now))
		})
	}
}
