// SPDX-License-Identifier: Apache-2.0

package apivalidation

import (
	"fmt"
	"maps"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ens-image-operator/ens-image-operator/test/testenv"
)

// statusRefusals are mistakes that the operator could make: one status it must not be able to write for each bound.
func statusRefusals() map[string]refusal {
	table := conditionRefusals()
	for path, limit := range map[string]int{
		"status.imageID":                    128,
		"status.imageName":                  256,
		"status.imageStatus":                64,
		"status.requestID":                  128,
		"status.lastHandledReconcileAt":     1024,
		"status.credentialsResourceVersion": 128,
		"status.lastError.action":           64,
		"status.lastError.code":             128,
		"status.lastError.message":          1024,
		"status.lastError.hint":             1024,
		"status.lastError.requestID":        128,
	} {
		table["empty "+path] = refusal{
			rule:    bound(path, "minLength"),
			refused: edits{path: ""}, accepted: edits{path: "a"},
			cause: tooShort(path, "", 1),
		}
		table["long "+path] = refusal{
			rule:    bound(path, "maxLength"),
			refused: edits{path: chinese(limit + 1)}, accepted: edits{path: chinese(limit)},
			cause: tooLong(path, limit),
		}
	}
	for path, least := range map[string]int{
		"status.sizeGiB": 1, "status.attempts": 1, "status.lastError.count": 1, "status.lastError.httpStatus": 100,
	} {
		table["small "+path] = refusal{
			rule:    bound(path, "minimum"),
			refused: edits{path: int64(least - 1)}, accepted: edits{path: int64(least)},
			cause: tooSmall(path, least-1, least),
		}
	}
	table["large httpStatus"] = refusal{
		rule:     bound("status.lastError.httpStatus", "maximum"),
		refused:  edits{"status.lastError.httpStatus": int64(1000)},
		accepted: edits{"status.lastError.httpStatus": int64(999)},
		cause:    tooLarge("status.lastError.httpStatus", 1000, 999),
	}
	for _, path := range []string{"status.attempts", "status.lastError.count"} {
		table["no int32 "+path] = refusal{
			rule:     bound(path, "format"),
			refused:  edits{path: int64(1 << 31)},
			accepted: edits{path: int64(1<<31 - 1)},
			cause:    invalid("status", `"": Checked value must be of type integer with format int32 in `+strings.TrimPrefix(path, "status.")),
		}
	}
	for _, path := range []string{
		"status.creationTime", "status.startTime", "status.completionTime", "status.nextRetryTime", "status.lastError.time",
	} {
		table["no time "+path] = refusal{
			rule:    bound(path, "format"),
			refused: edits{path: "2026-01-02 03:04"}, accepted: edits{path: "2026-01-02T03:04:05Z"},
			cause: noTime(path),
		}
	}
	table["empty lastError"] = refusal{
		rule:     bound("status.lastError", "minProperties"),
		refused:  edits{"status.lastError": map[string]any{}},
		accepted: edits{"status.lastError": map[string]any{"code": "a"}},
		cause:    invalid("status.lastError", "0: lastError in body should have at least 1 properties"),
	}
	table["empty status"] = refusal{
		rule:     bound("status", "minProperties"),
		refused:  edits{"status": map[string]any{}},
		accepted: edits{"status": map[string]any{"imageID": "a"}},
		cause:    invalid("status", "0:  in body should have at least 1 properties"),
	}
	for _, ownership := range []string{"Imported", "Adopted", "Observed"} {
		unknown := strings.ToLower(ownership)
		table["unknown ownership "+unknown] = refusal{
			rule:    bound("status.ownership", "enum"),
			refused: edits{"status.ownership": unknown}, accepted: edits{"status.ownership": ownership},
			cause: unsupported("status.ownership", unknown, "Imported", "Adopted", "Observed"),
		}
	}
	maps.Copy(table, sharedWithRefusals())
	return table
}

func sharedWithRefusals() map[string]refusal {
	const path = "status.sharedWith"
	return map[string]refusal{
		"no accounts": {
			rule:    bound(path, "minItems"),
			refused: edits{path: []any{}}, accepted: edits{path: accounts(1)},
			cause: invalid(path, "0: sharedWith in body should have at least 1 items"),
		},
		"1001 accounts": {
			rule:    bound(path, "maxItems"),
			refused: edits{path: accounts(1001)}, accepted: edits{path: accounts(1000)},
			cause: tooMany(path, 1001, 1000),
		},
		"account twice": {
			rule:    bound(path, "x-kubernetes-list-type"),
			refused: edits{path: []any{"1", "1"}}, accepted: edits{path: []any{"1", "2"}},
			cause: duplicate(path+"[1]", `"1"`),
		},
		"empty account": {
			rule:    bound(path+"[]", "minLength"),
			refused: edits{path: []any{""}}, accepted: edits{path: []any{"a"}}, // whatever the cloud calls an account
			cause: tooShort(path+"[0]", "", 1),
		},
		"long account": {
			rule:    bound(path+"[]", "maxLength"),
			refused: edits{path: []any{chinese(65)}}, accepted: edits{path: []any{chinese(64)}},
			cause: tooLong(path+"[0]", 64),
		},
	}
}

func TestMistakeInStatusIsRefused(t *testing.T) {
	t.Parallel()
	namespace := testenv.Namespace(t)
	for name, tc := range statusRefusals() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			obj := imageImport(namespace, nil)
			g.Expect(kubectl().Create(t.Context(), obj)).To(Succeed())

			err := kubectl().Status().Update(t.Context(), edited(obj, tc.refused))
			g.Expect(causesOf(err)).To(ConsistOf(tc.cause), "%v", err)

			accepted := edited(obj, tc.accepted)
			wanted := accepted.DeepCopy()
			g.Expect(kubectl().Status().Update(t.Context(), accepted)).To(Succeed())
			g.Expect(accepted.Object["status"]).To(Equal(wanted.Object["status"]))
		})
	}
}

func noTime(path string) metav1.StatusCause {
	cause := invalid(path, fmt.Sprintf(`"2026-01-02 03:04": %s must be of type date-time: "2026-01-02 03:04"`, inBody(path)))
	cause.Type = metav1.CauseTypeTypeInvalid
	return cause
}
