// SPDX-License-Identifier: Apache-2.0

package v1alpha1_test

import (
	"strings"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/ens-image-operator/ens-image-operator/api/v1alpha1"
)

func TestReconcileRequest(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ own, flux, want string }{
		"none":                   {"", "", ""},
		"own":                    {"a", "", "a"},
		"flux":                   {"", "b", "b"},
		"both":                   {"a", "b", "a,b"},
		"longer than status may": {strings.Repeat("a", 1025), "", strings.Repeat("a", 1024)},
		"cut in a character":     {strings.Repeat("a", 1023) + "中", "", strings.Repeat("a", 1023)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			obj := &v1alpha1.ImageImport{}
			obj.Annotations = map[string]string{v1alpha1.ReconcileRequestAnnotation: c.own, v1alpha1.FluxReconcileRequestAnnotation: c.flux}
			NewWithT(t).Expect(obj.ReconcileRequest()).To(Equal(c.want))
		})
	}
}
