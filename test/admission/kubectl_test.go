// SPDX-License-Identifier: Apache-2.0

package admission

import (
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	"sigs.k8s.io/yaml"

	"github.com/ens-image-operator/ens-image-operator/api/v1alpha1"
	"github.com/ens-image-operator/ens-image-operator/test/testenv"
)

// manifest is what a tenant keeps in a file or in git.
func (w *world) manifest(name string, change ...manifestChange) string {
	w.t.Helper()
	obj := w.imageImport(append(change, named(name))...)
	out, err := yaml.Marshal(map[string]any{
		"apiVersion": obj.APIVersion, "kind": obj.Kind, "spec": obj.Spec,
		"metadata": map[string]any{"name": obj.Name, "namespace": obj.Namespace, "annotations": obj.Annotations},
	})
	w.Expect(err).NotTo(HaveOccurred())
	return string(out)
}

// kubectl runs kubectl as the tenant.
func (w *world) kubectl(stdin string, args ...string) (string, error) {
	w.t.Helper()
	return testenv.Kubectl(w.t, stdin, append([]string{"--as", tenant, "--namespace", w.ns}, args...)...)
}

// TestTenantsKeepTheirTools : the operator writes its record into objects that belong to people and their tools.
func TestTenantsKeepTheirTools(t *testing.T) {
	w := newWorld(t)
	recorded := annotate(v1alpha1.ImportAnnotation, ourRecord)
	tools := map[string]struct {
		create, change []string
		manifest       string
		refused        bool
	}{
		"apply": {
			create: []string{"apply", "-f", "-"}, change: []string{"apply", "-f", "-"},
			manifest: w.manifest("apply", retain),
		},
		"apply on the server": {
			create: []string{"apply", "--server-side", "-f", "-"}, change: []string{"apply", "--server-side", "-f", "-"},
			manifest: w.manifest("apply-on-the-server", retain),
		},
		"apply that forces": {
			create: []string{"apply", "--server-side", "-f", "-"}, change: []string{"apply", "--server-side", "--force-conflicts", "-f", "-"},
			manifest: w.manifest("apply-that-forces", retain),
		},
		"apply that forces another record": {
			create: []string{"apply", "--server-side", "-f", "-"}, change: []string{"apply", "--server-side", "--force-conflicts", "-f", "-"},
			manifest: w.manifest("apply-that-forces-another-record", retain, annotate(v1alpha1.ImportAnnotation, "forged")), refused: true,
		},
		"edit": {create: []string{"create", "-f", "-"}, change: []string{"edit", "imageimport", "edit"}},
		"annotate": {
			create: []string{"create", "-f", "-"}, refused: true,
			change: []string{"annotate", "imageimport", "annotate", v1alpha1.ImportAnnotation + "-"},
		},
		"replace": {
			create: []string{"create", "-f", "-"}, change: []string{"replace", "-f", "-"},
			manifest: w.manifest("replace", retain), refused: true,
		},
		"replace with the record": {
			create: []string{"create", "-f", "-"}, change: []string{"replace", "-f", "-"},
			manifest: w.manifest("replace-with-the-record", retain, recorded),
		},
	}
	for name, tool := range tools {
		t.Run(name, func(t *testing.T) {
			w := w.in(t)
			object := strings.ReplaceAll(name, " ", "-")
			out, err := w.kubectl(w.manifest(object), tool.create...)
			w.Expect(err).NotTo(HaveOccurred(), out)
			obj := w.get(w.imageImport(named(object)))
			w.Expect(w.edit(operator, obj, recorded)).To(Succeed())

			out, err = w.kubectl(tool.manifest, tool.change...)
			obj = w.get(obj)
			w.Expect(obj.Annotations).To(HaveKeyWithValue(v1alpha1.ImportAnnotation, ourRecord))
			if !tool.refused {
				w.Expect(err).NotTo(HaveOccurred(), out)
				w.Expect(obj.Spec.DeletionPolicy).To(Equal(v1alpha1.DeletionRetain))
				return
			}
			w.Expect(err).To(HaveOccurred())
			w.Expect(out).To(ContainSubstring("the annotation " + v1alpha1.ImportAnnotation + " "))
			for _, part := range advice[v1alpha1.ImportAnnotation] {
				w.Expect(out).To(ContainSubstring(part))
			}
		})
	}
}
