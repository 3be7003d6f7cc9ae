// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/types"

	"github.com/ens-image-operator/ens-image-operator/api/v1alpha1"
)

func TestClaimOf(t *testing.T) {
	t.Parallel()
	const none, plain, imported = "none", "plain", "imported"
	closedAs := func(why closure) change { return record(newIntent(time.Minute).closed(why, testNow)) }
	known := func(s *state) { s.obj.Status.ImageID = "m-1" }
	// The second epoch's image does not bear the token of the record.
	final, bearing, another := "ubuntu-golden", "ubuntu-golden"+testSuffix, "ubuntu-golden"+nameSuffix(testCluster, token(testCluster, testUID, 2))
	for name, c := range map[string]struct {
		object []change
		named  string
		want   string
	}{
		"nothing":                     {nil, final, none},
		"imported":                    {[]change{owns("m-1")}, final, imported},
		"imported another":            {[]change{owns("m-2")}, bearing, none},
		"adopted":                     {[]change{adopted("m-1")}, final, plain},
		"named":                       {[]change{imageID("m-1")}, final, plain},
		"named, only observed":        {[]change{imageID("m-1"), observeOnly}, final, none},
		"being imported":              {[]change{open(0), known}, final, imported},
		"being imported, not told":    {[]change{open(0)}, bearing, imported},
		"being imported, another one": {[]change{open(0)}, another, none},
		"failed":                      {[]change{closedAs(closedFailed)}, bearing, imported},
		"refused":                     {[]change{closedAs(closedRefused), known}, bearing, none},
		"record lost":                 {nil, bearing, imported},
		"another object's record":     {[]change{owns("m-1"), func(s *state) { s.intent.UID = "another" }}, bearing, imported},
		"another's record, renamed":   {[]change{owns("m-1"), func(s *state) { s.intent.UID = "another" }}, final, none},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newState(c.object...)
			if s.intent != nil {
				s.obj.Annotations[v1alpha1.ImportAnnotation] = s.intent.encode()
			}
			got := none
			if found := claimOf(s.obj, testCluster, named(c.named, image("m-1", "Available"))); found != nil {
				got = map[bool]string{false: plain, true: imported}[found.imported]
			}
			NewWithT(t).Expect(got).To(Equal(c.want))
		})
	}
}

// An object whose image has just been made may not know its ID yet: it is found by the token, among all objects.
func TestBearsAnotherToken(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		named string
		want  bool
	}{
		"without a token":      {"ubuntu-golden", false},
		"with its own token":   {"ubuntu-golden" + testSuffix, false},
		"with another's token": {"ubuntu-golden" + nameSuffix(testCluster, token(testCluster, "another", 1)), true},
		"of another cluster":   {"ubuntu-golden" + nameSuffix(types.UID("another"), testToken), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			NewWithT(t).Expect(newState().bearsAnotherToken(named(c.named, image("m-1", "Available")))).To(Equal(c.want))
		})
	}
}
