// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"k8s.io/client-go/tools/events"
)

// The last word about an object has to say what stays in the cloud.
func TestAnnounceKept(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		given []change
		note  string
		want  string
	}{
		"nothing is left":        {[]change{owns("m-1"), told("m-1")}, "", ""},
		"nothing was ever there": {[]change{refused}, "kept", ""},
		"no record, no image":    {nil, "kept", ""},
		"an image":               {[]change{owns("m-1"), told("m-1")}, "kept", "Warning ImageKept image m-1: kept"},
		"an import under way":    {[]change{open(time.Minute)}, "kept", "Warning ImageKept the image that may still be made as ubuntu-golden" + testSuffix + ": kept"},
		"an abandoned image":     {[]change{owns("m-1"), told("m-1"), abandoned}, "left behind", "Warning ImageKept image m-1 of ImageImport golden: left behind"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			recorder := events.NewFakeRecorder(2)
			(&Reconciler{Events: recorder}).announceKept(newState(c.given...), c.note)
			g := NewWithT(t)
			if c.want == "" {
				g.Expect(recorder.Events).To(BeEmpty())
				return
			}
			g.Expect(recorder.Events).To(Receive(Equal(c.want)))
		})
	}
}

func abandoned(s *state) { s.abandoned = true }
