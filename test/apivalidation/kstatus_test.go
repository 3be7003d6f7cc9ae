// SPDX-License-Identifier: Apache-2.0

package apivalidation

import (
	"testing"

	. "github.com/onsi/gomega"
	"sigs.k8s.io/cli-utils/pkg/kstatus/status"

	"github.com/ens-image-operator/ens-image-operator/test/testenv"
)

// TestKstatus reads objects as Flux, Argo CD and "kubectl wait" style tools do, without knowing the kind.
func TestKstatus(t *testing.T) {
	t.Parallel()
	namespace := testenv.Namespace(t)
	ready := func(value string) map[string]any { return condition(edits{"type": "Ready", "status": value}) }
	for name, tc := range map[string]struct {
		written, edited edits
		want            status.Status
	}{
		"fresh": {want: status.InProgressStatus},
		"importing": {
			written: edits{"status.observedGeneration": int64(1), "status.conditions": []any{
				ready("False"), condition(edits{"type": "Reconciling"}),
			}},
			want: status.InProgressStatus,
		},
		"available": {
			written: edits{"status.observedGeneration": int64(1), "status.conditions": []any{ready("True")}},
			want:    status.CurrentStatus,
		},
		"stalled": {
			written: edits{"status.observedGeneration": int64(1), "status.conditions": []any{
				ready("False"), condition(edits{"type": "Stalled"}),
			}},
			want: status.FailedStatus,
		},
		"edited": {
			written: edits{"status.observedGeneration": int64(1), "status.conditions": []any{ready("True")}},
			edited:  edits{"spec.imageName": "ubuntu"},
			want:    status.InProgressStatus,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			obj := imageImport(namespace, nil)
			g.Expect(kubectl().Create(t.Context(), obj)).To(Succeed())
			if tc.written != nil {
				obj = edited(obj, tc.written)
				g.Expect(kubectl().Status().Update(t.Context(), obj)).To(Succeed())
			}
			if tc.edited != nil {
				obj = edited(obj, tc.edited)
				g.Expect(kubectl().Update(t.Context(), obj)).To(Succeed())
			}
			got, err := status.Compute(obj)
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(got.Status).To(Equal(tc.want), got.Message)
		})
	}
}
