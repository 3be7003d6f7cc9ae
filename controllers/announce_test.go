// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/events"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
)

// The last word about an object has to say what stays in the cloud.
func TestAnnounceKept(t *testing.T) {
	t.Parallel()
	now := metav1.NewTime(testNow)
	ending := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "ending", DeletionTimestamp: &now, Finalizers: []string{"kubernetes"}}}
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
		"an image, not told":     {[]change{owns("m-1")}, "kept", "Warning ImageKept image m-1: kept"},
		"an abandoned image":     {[]change{owns("m-1"), told("m-1"), inNamespace("ending")}, "left behind", "Warning ImageKept image m-1 of ImageImport golden: left behind"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g, recorder := NewWithT(t), events.NewFakeRecorder(2)
			r := &Reconciler{Events: recorder, APIReader: fake.NewClientBuilder().WithObjects(ending).Build()}
			r.announceKept(t.Context(), newState(c.given...), c.note)
			if c.want == "" {
				g.Expect(recorder.Events).To(BeEmpty())
				return
			}
			g.Expect(recorder.Events).To(Receive(Equal(c.want)))
		})
	}
}

func inNamespace(name string) change { return func(s *state) { s.obj.Namespace = name } }
