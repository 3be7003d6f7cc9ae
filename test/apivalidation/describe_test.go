// SPDX-License-Identifier: Apache-2.0

package apivalidation

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"k8s.io/client-go/discovery"

	"github.com/ens-image-operator/ens-image-operator/test/testenv"
)

// TestExplainReadsLikeAManual holds the texts that the apiserver publishes, which are what "kubectl explain" prints.
func TestExplainReadsLikeAManual(t *testing.T) {
	t.Parallel()
	schema := publishedSchema(t)
	fields := map[string]map[string]any{}
	collectFields(fields, schema, "")
	NewWithT(t).Expect(len(fields)).To(BeNumerically(">", 50))

	for path, field := range fields {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			description, _ := field["description"].(string)
			if !strings.HasSuffix(path, "[]") || field["type"] == "object" { // the list tells what its plain items are
				g.Expect(description).NotTo(BeEmpty())
			}
			if strings.Contains(path, ".") && !strings.HasSuffix(path, "[]") {
				g.Expect(description).To(HavePrefix(path[strings.LastIndex(path, ".")+1:] + " "))
			}
			values, _ := field["enum"].([]any)
			for _, value := range values {
				g.Expect(description).To(ContainSubstring(value.(string)))
			}
			if value, ok := field["default"]; ok && field["type"] != "object" {
				g.Expect(description).To(ContainSubstring(fmt.Sprintf("Default: %v.", value)))
			}
		})
	}
}

// TestOptionalFieldOfSpecNamesItsDefault : who leaves a field out wants to know what then happens.
func TestOptionalFieldOfSpecNamesItsDefault(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	schema := specSchema(t)
	required, _ := schema["required"].([]any)
	for path, field := range schemasBelow(schema, "") {
		if !slices.Contains(required, any(path)) {
			g.Expect(field).To(HaveKeyWithValue("description", ContainSubstring("Default: ")), path)
		}
	}
}

func collectFields(fields map[string]map[string]any, schema map[string]any, path string) {
	below := schemasBelow(schema, path)
	delete(below, "metadata") // Kubernetes describes it
	maps.Copy(fields, below)
	for childPath, childSchema := range below {
		collectFields(fields, childSchema, childPath)
	}
}

// publishedSchema is the schema of ImageImport in the apiserver's OpenAPI document, which follows a new CRD with a
// delay.
func publishedSchema(t *testing.T) map[string]any {
	t.Helper()
	g := NewWithT(t)
	client, err := discovery.NewDiscoveryClientForConfig(testenv.Config())
	g.Expect(err).NotTo(HaveOccurred())

	var document struct {
		Components struct {
			Schemas map[string]map[string]any
		}
	}
	const name = "com.alibabacloud.ens.v1alpha1.ImageImport"
	g.Eventually(t.Context(), func(g Gomega) {
		raw, err := client.RESTClient().Get().AbsPath("/openapi/v3/apis/" + apiVersion).DoRaw(t.Context())
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(json.Unmarshal(raw, &document)).To(Succeed())
		g.Expect(document.Components.Schemas).To(HaveKey(name))
	}).WithTimeout(time.Minute).WithPolling(100 * time.Millisecond).Should(Succeed())
	return document.Components.Schemas[name]
}
