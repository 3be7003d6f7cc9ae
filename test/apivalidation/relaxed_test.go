// SPDX-License-Identifier: Apache-2.0

package apivalidation

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// relaxedGroup serves a copy of the CRD with all its CEL rules and without its bounds on spec.
const relaxedGroup = "relaxed." + group

// headroom is by how much the copy's strings and lists may be longer. CEL rules cost what their longest input costs, so
// the apiserver's consent to the copy shows how far the CRD stays under the cost limit.
const headroom = 8

// installRelaxedCRD makes relaxedGroup usable. It may be called more than once.
func installRelaxedCRD(t *testing.T) {
	t.Helper()
	g := NewWithT(t)
	crd := installedCRD(t)
	crd.SetName("imageimports." + relaxedGroup)
	crd.SetResourceVersion("")
	unstructured.RemoveNestedField(crd.Object, "status")
	g.Expect(unstructured.SetNestedField(crd.Object, relaxedGroup, "spec", "group")).To(Succeed())
	relax(schemaOf(g, crd)["properties"].(map[string]any)["spec"].(map[string]any))

	err := kubectl().Create(t.Context(), crd)
	g.Expect(client.IgnoreAlreadyExists(err)).To(Succeed())
	list := &unstructured.UnstructuredList{}
	list.SetAPIVersion(relaxedGroup + "/v1alpha1")
	list.SetKind("ImageImportList")
	g.Eventually(t.Context(), func() error { return kubectl().List(t.Context(), list) }).
		WithTimeout(time.Minute).WithPolling(100 * time.Millisecond).Should(Succeed())
}

// relaxed is obj as an object of relaxedGroup.
func relaxed(obj *unstructured.Unstructured) *unstructured.Unstructured {
	out := obj.DeepCopy()
	out.SetAPIVersion(relaxedGroup + "/v1alpha1")
	return out
}

func relax(schema map[string]any) {
	for _, keyword := range []string{
		"enum", "minLength", "minItems", "minimum", "maximum", "required", "format", "x-kubernetes-list-type",
	} {
		delete(schema, keyword)
	}
	for _, keyword := range []string{"maxLength", "maxItems"} {
		if limit, ok := schema[keyword].(int64); ok {
			schema[keyword] = headroom * limit
		}
	}
	for _, below := range schemasBelow(schema, "") {
		relax(below)
	}
}
