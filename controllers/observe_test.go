// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ens-image-operator/ens-image-operator/internal/ens"
)

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
