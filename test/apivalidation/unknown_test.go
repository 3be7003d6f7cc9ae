// SPDX-License-Identifier: Apache-2.0

package apivalidation

import (
	"testing"

	. "github.com/onsi/gomega"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ens-image-operator/ens-image-operator/test/testenv"
)

// TestUnknownFieldIsRefused covers every level of the schema: none of them lets unknown fields through.
func TestUnknownFieldIsRefused(t *testing.T) {
	t.Parallel()
	namespace := testenv.Namespace(t)
	for field, changes := range map[string]edits{
		"metadata.owner":                        {"metadata.owner": "me"},
		"data":                                  {"data": "x"},
		"spec.ostype":                           {"spec.ostype": "linux"},
		"spec.ossBucket":                        {"spec.ossBucket": "images"},
		"spec.source.url":                       {"spec.source.url": "https://example.com/ubuntu.qcow2"},
		"spec.source.oss.key":                   {"spec.source.oss.key": "ubuntu.qcow2"},
		"spec.diskDeviceMappings[0].size":       {"spec.diskDeviceMappings": []any{map[string]any{"oss": file(nil)["oss"], "size": int64(1)}}},
		"spec.diskDeviceMappings[0].oss.prefix": {"spec.diskDeviceMappings": []any{file(edits{"prefix": "x"})}},
		"spec.credentials.accessKeyID":          {"spec.credentials.secretRef.name": "ens", "spec.credentials.accessKeyID": "x"},
		"spec.credentials.secretRef.namespace":  {"spec.credentials.secretRef.name": "ens", "spec.credentials.secretRef.namespace": "other"},
		"status.phase":                          {"status.phase": "Ready"},
		"status.lastError.stack":                {"status.lastError.stack": "x"},
		"status.conditions[0].severity":         {"status.conditions": []any{condition(edits{"severity": "Info"})}},
	} {
		t.Run(field, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			err := kubectl().Create(t.Context(), imageImport(namespace, changes))
			g.Expect(err).To(MatchError(apierrors.IsBadRequest, "IsBadRequest"))
			g.Expect(err).To(MatchError(ContainSubstring(`unknown field "` + field + `"`)))
		})
	}
}

// TestValueOfWrongTypeIsRefused has the mistakes that YAML invites.
func TestValueOfWrongTypeIsRefused(t *testing.T) {
	t.Parallel()
	namespace := testenv.Namespace(t)
	for name, tc := range map[string]struct {
		refused      edits
		field, types string
	}{
		"version without quotes": {edits{"spec.osVersion": 22.04}, "spec.osVersion", `string: "number"`},
		"boolean in quotes":      {edits{"spec.suspend": "true"}, "spec.suspend", `boolean: "string"`},
		"duration":               {edits{"spec.timeoutSeconds": "2h"}, "spec.timeoutSeconds", `integer: "string"`},
		"account without quotes": {edits{"spec.shareWith": []any{int64(1)}}, "spec.shareWith[0]", `string: "integer"`},
		"account without list":   {edits{"spec.shareWith": "1"}, "spec.shareWith", `array: "string"`},
		"URL instead of source":  {edits{"spec.source": "oss://images/ubuntu.qcow2"}, "spec.source", `object: "string"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			err := kubectl().Create(t.Context(), imageImport(namespace, tc.refused))
			g.Expect(causesOf(err)).To(ConsistOf(And(
				HaveField("Type", metav1.CauseTypeTypeInvalid),
				HaveField("Field", tc.field),
				HaveField("Message", HaveSuffix(tc.field+" in body must be of type "+tc.types)),
			)), "%v", err)
		})
	}
}
