// SPDX-License-Identifier: Apache-2.0

package apivalidation

import (
	"os"
	"path/filepath"
	"testing"

	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/ens-image-operator/ens-image-operator/test/testenv"
)

// Every sample is accepted as it stands.
func TestSampleIsAccepted(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	namespace := testenv.Namespace(t)
	files, err := filepath.Glob("../../config/samples/ens_*.yaml")
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(len(files)).To(BeNumerically(">", 1))
	for _, file := range files {
		raw, err := os.ReadFile(file)
		g.Expect(err).NotTo(HaveOccurred())
		obj := &unstructured.Unstructured{}
		g.Expect(yaml.UnmarshalStrict(raw, &obj.Object)).To(Succeed(), file)
		obj.SetNamespace(namespace)
		g.Expect(kubectl().Create(t.Context(), obj)).To(Succeed(), file)
	}
}
