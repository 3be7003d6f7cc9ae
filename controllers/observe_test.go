// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"errors"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

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

// What bears the wanted name and was made since the record was signed may be this object's.
func TestResembles(t *testing.T) {
	t.Parallel()
	made := func(ago time.Duration) ens.Image {
		found := named("ubuntu-golden", image("m-5", "Available"))
		found.CreationTime = testNow.Add(-ago)
		return found
	}
	anHourOld := func(s *state) { s.obj.CreationTimestamp = metav1.NewTime(testNow.Add(-time.Hour)) }
	for name, c := range map[string]struct {
		given []change
		image ens.Image
		want  bool
	}{
		"without record, younger":          {[]change{anHourOld}, made(time.Hour), true},
		"without record, older":            {[]change{anHourOld}, made(time.Hour + clockSkew), false},
		"open, younger":                    {[]change{open(time.Minute)}, made(time.Minute), true},
		"open, older":                      {[]change{open(time.Minute)}, made(time.Minute + clockSkew), false},
		"restored, made before the object": {[]change{foreign, fresh}, made(30 * time.Minute), true},
		"restored, made before the record": {[]change{foreign, fresh}, made(2 * time.Hour), false},
		"owned":                            {[]change{owns("m-1")}, made(0), false},
		"another name":                     {[]change{open(time.Minute)}, named("another", made(0)), false},
		"another name, to be adopted":      {[]change{open(time.Minute), adoptAnnotated("m-5")}, named("another", made(0)), true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			NewWithT(t).Expect(newState(c.given...).resembles(c.image)).To(Equal(c.want))
		})
	}
}
