// SPDX-License-Identifier: Apache-2.0

package apivalidation

import (
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const conditions = "status.conditions"

func conditionRefusals() map[string]refusal {
	table := map[string]refusal{
		"no conditions": {
			rule:     bound(conditions, "minItems"),
			refused:  edits{conditions: []any{}},
			accepted: edits{conditions: manyConditions(1)},
			cause:    invalid(conditions, "0: conditions in body should have at least 1 items"),
		},
		"9 conditions": {
			rule:     bound(conditions, "maxItems"),
			refused:  edits{conditions: manyConditions(9)},
			accepted: edits{conditions: manyConditions(8)},
			cause:    tooMany(conditions, 9, 8),
		},
		"condition twice": {
			rule:     bound(conditions, "x-kubernetes-list-type"),
			refused:  edits{conditions: []any{condition(nil), condition(edits{"status": "False"})}},
			accepted: edits{conditions: manyConditions(2)},
			cause:    duplicate(conditions+"[1]", `{"type":"Ready"}`),
		},
	}
	for _, name := range []string{"type", "status", "reason", "message", "lastTransitionTime"} {
		table["condition without "+name] = conditionRefusal(name, "required", nil, condition(nil)[name], missing)
	}

	longType, longReason := letters(317), letters(1025)
	table["condition of a long type"] = conditionRefusal("type", "maxLength", longType, longType[1:], limited(316))
	table["condition of a long reason"] = conditionRefusal("reason", "maxLength", longReason, longReason[1:], limited(1024))
	table["condition of a long message"] = conditionRefusal("message", "maxLength", chinese(32769), chinese(32768), limited(32768))
	const typePattern = `^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])$`
	const reasonPattern = `^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$`
	table["condition of an illegal type"] = conditionRefusal("type", "pattern", "not ready", "Not-Ready", unmatched("not ready", typePattern))
	table["condition of an illegal reason"] = conditionRefusal("reason", "pattern", "not ready", "NotReady", unmatched("not ready", reasonPattern))
	table["condition of an empty reason"] = conditionRefusal("reason", "minLength", "", "a",
		func(field string) metav1.StatusCause { return tooShort(field, "", 1) })
	table["condition of an unknown status"] = conditionRefusal("status", "enum", "true", "True",
		func(field string) metav1.StatusCause { return unsupported(field, "true", "True", "False", "Unknown") })
	table["condition of a negative generation"] = conditionRefusal("observedGeneration", "minimum", int64(-1), int64(0),
		func(field string) metav1.StatusCause { return tooSmall(field, -1, 0) })
	table["condition of no time"] = conditionRefusal("lastTransitionTime", "format", "2026-01-02 03:04", "2026-01-02T03:04:05Z", noTime)
	return table
}

// conditionRefusal is a mistake in one field of a condition. A nil value leaves the field out.
func conditionRefusal(name, keyword string, refused, accepted any, cause func(field string) metav1.StatusCause) refusal {
	return refusal{
		rule:     bound(conditions+"[]."+name, keyword),
		refused:  edits{conditions: []any{condition(edits{name: refused})}},
		accepted: edits{conditions: []any{condition(edits{name: accepted})}},
		cause:    cause(conditions + "[0]." + name),
	}
}

func limited(limit int) func(field string) metav1.StatusCause {
	return func(field string) metav1.StatusCause { return tooLong(field, limit) }
}

func unmatched(value, pattern string) func(field string) metav1.StatusCause {
	return func(field string) metav1.StatusCause {
		return invalid(field, fmt.Sprintf("%q: %s should match '%s'", value, inBody(field), pattern))
	}
}

// condition is a valid condition, with changes.
func condition(changes edits) map[string]any {
	out := map[string]any{
		"type": "Ready", "status": "True", "reason": "Available", "message": "The image is available.",
		"lastTransitionTime": "2026-01-02T03:04:05Z", "observedGeneration": int64(1),
	}
	for name, value := range changes {
		out[name] = value
		if value == nil {
			delete(out, name)
		}
	}
	return out
}

func manyConditions(n int) []any {
	var out []any
	for i := range n {
		out = append(out, condition(edits{"type": fmt.Sprintf("Type%d", i)}))
	}
	return out
}
