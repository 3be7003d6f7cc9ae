// SPDX-License-Identifier: Apache-2.0

package apivalidation

import (
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// TestEveryRuleHasACase fails when a rule of the CRD has no case that it refuses, and when a case names a rule that
// the CRD does not have.
func TestEveryRuleHasACase(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	rules, err := rulesOf(schemaOf(g, installedCRD(t)), "")
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(uncovered(rules)).To(BeEmpty())
}

// TestNewRuleNeedsACase shows that the test above notices every kind of rule.
func TestNewRuleNeedsACase(t *testing.T) {
	t.Parallel()
	crd := installedCRD(t)
	for keyword, value := range map[string]any{
		"minLength":              int64(1),
		"maxLength":              int64(9),
		"minItems":               int64(1),
		"maxItems":               int64(9),
		"minProperties":          int64(1),
		"minimum":                int64(0),
		"maximum":                int64(9),
		"enum":                   []any{"a"},
		"pattern":                "a",
		"format":                 "date-time",
		"required":               []any{"a"},
		"x-kubernetes-list-type": "set",
		celKeyword:               []any{map[string]any{"rule": "true", "message": "a"}},
		"additionalProperties":   map[string]any{"type": "string"}, // stands for everything unknown
	} {
		t.Run(keyword, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			schema := runtime.DeepCopyJSON(schemaOf(g, crd))
			path := []string{"properties", "spec", "properties", "suspend", keyword}
			g.Expect(unstructured.SetNestedField(schema, value, path...)).To(Succeed())

			rules, err := rulesOf(schema, "")
			if keyword == "additionalProperties" {
				g.Expect(err).To(MatchError(ContainSubstring(`"additionalProperties" of "spec.suspend"`)))
				return
			}
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(uncovered(rules)).To(ConsistOf(HavePrefix("no case for spec.suspend")))
		})
	}
}

// TestRuleMessageNamesTheField holds what a CEL rule owes its reader.
func TestRuleMessageNamesTheField(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	rules, err := rulesOf(schemaOf(g, installedCRD(t)), "")
	g.Expect(err).NotTo(HaveOccurred())
	for _, r := range rules {
		if r.keyword == celKeyword {
			field := strings.TrimSuffix(r.path[strings.LastIndex(r.path, ".")+1:], "[]") // an item has no name of its own
			g.Expect(r.message).To(ContainSubstring(field), r.String())
		}
	}
}

// uncovered tells the rules that have no case and the cases that have no rule. Rules that cannot be told apart count
// as having a single case.
func uncovered(rules []rule) []string {
	cases := map[rule]bool{}
	for _, table := range []map[string]refusal{specRefusals(), statusRefusals()} {
		for _, tc := range table {
			cases[tc.rule] = true
		}
	}
	for _, tc := range importFieldChanges() {
		cases[tc.rule()] = true
	}

	var out []string
	for _, r := range rules {
		if !cases[r] {
			out = append(out, "no case for "+r.String())
		}
		delete(cases, r)
	}
	for r := range cases {
		out = append(out, "no rule for "+r.String())
	}
	return out
}

// installedCRD is the CRD as the apiserver has it.
func installedCRD(t *testing.T) *unstructured.Unstructured {
	t.Helper()
	crd := &unstructured.Unstructured{}
	crd.SetAPIVersion("apiextensions.k8s.io/v1")
	crd.SetKind("CustomResourceDefinition")
	crd.SetName("imageimports." + group)
	NewWithT(t).Expect(kubectl().Get(t.Context(), client.ObjectKeyFromObject(crd), crd)).To(Succeed())
	return crd
}

// schemaOf returns the schema of the only version of a CRD: a part of it, not a copy.
func schemaOf(g Gomega, crd *unstructured.Unstructured) map[string]any {
	versions, _, err := unstructured.NestedFieldNoCopy(crd.Object, "spec", "versions")
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(versions).To(HaveLen(1))
	schema, _, err := unstructured.NestedFieldNoCopy(versions.([]any)[0].(map[string]any), "schema", "openAPIV3Schema")
	g.Expect(err).NotTo(HaveOccurred())
	return schema.(map[string]any)
}
