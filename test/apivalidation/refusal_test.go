// SPDX-License-Identifier: Apache-2.0

package apivalidation

import (
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ens-image-operator/ens-image-operator/test/testenv"
)

// refusal is a mistake that one rule of the CRD refuses, and its nearest neighbour that is allowed.
type refusal struct {
	rule     rule
	refused  edits
	accepted edits
	cause    metav1.StatusCause
}

// specRefusals are the mistakes that a user can make in one manifest.
func specRefusals() map[string]refusal {
	all := map[string]refusal{}
	for _, table := range []map[string]refusal{
		imageNameRefusals(), objectNameRefusals(), fileRefusals(), mappingRefusals(),
		importRefusals(), policyRefusals(), credentialsRefusals(),
		adoptionRefusals(), observationRefusals(), sharingRefusals(),
	} {
		maps.Copy(all, table)
	}
	return all
}

func TestMistakeInSpecIsRefused(t *testing.T) {
	t.Parallel()
	namespace := testenv.Namespace(t)
	for name, tc := range specRefusals() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)

			accepted := imageImport(namespace, tc.accepted)
			g.Expect(kubectl().Create(t.Context(), accepted)).To(Succeed())
			for field, value := range spec(imageImport(namespace, tc.accepted)) {
				g.Expect(spec(accepted)).To(HaveKeyWithValue(field, value))
			}

			err := kubectl().Create(t.Context(), imageImport(namespace, tc.refused))
			g.Expect(causesOf(err)).To(ConsistOf(tc.cause), "%v", err)
		})
	}
}

// TestBoundIsTheOnlyReason shows for each bound of the schema that no CEL rule refuses the same mistake. The causes
// cannot tell, because the apiserver evaluates CEL rules only once most bounds hold.
func TestBoundIsTheOnlyReason(t *testing.T) {
	t.Parallel()
	namespace := testenv.Namespace(t)
	installRelaxedCRD(t)

	for name, tc := range specRefusals() {
		switch tc.rule {
		case bound("spec", "required"): // CEL rules read it
			continue
		case bound("spec.credentials.secretRef.name", "maxLength"): // the DNS format has the same limit
			continue
		}
		if tc.rule.message != "" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			g.Expect(kubectl().Create(t.Context(), relaxed(imageImport(namespace, tc.refused)))).To(Succeed())
		})
	}
}

// causesOf returns why the apiserver called an object invalid, less its note that the CEL rules of such an object
// were not evaluated. It is empty for every other error and for none.
func causesOf(err error) []metav1.StatusCause {
	status, ok := errors.AsType[*apierrors.StatusError](err)
	if !ok || status.Status().Reason != metav1.StatusReasonInvalid {
		return nil
	}
	var causes []metav1.StatusCause
	for _, cause := range status.Status().Details.Causes {
		if !strings.Contains(cause.Message, "some validation rules were not checked") {
			causes = append(causes, cause)
		}
	}
	return causes
}

func invalid(field, message string) metav1.StatusCause {
	return metav1.StatusCause{Type: metav1.CauseTypeFieldValueInvalid, Field: field, Message: "Invalid value: " + message}
}

func missing(field string) metav1.StatusCause {
	return metav1.StatusCause{Type: metav1.CauseTypeFieldValueRequired, Field: field, Message: "Required value"}
}

// required is what a CEL rule says of a missing field.
func required(field, message string) metav1.StatusCause {
	cause := missing(field)
	cause.Message += ": " + message
	return cause
}

func tooLong(field string, limit int) metav1.StatusCause {
	return metav1.StatusCause{
		Type: metav1.CauseTypeTooLong, Field: field,
		Message: fmt.Sprintf("Too long: may not be more than %d bytes", limit), // the apiserver means characters
	}
}

func tooShort(field, value string, limit int) metav1.StatusCause {
	return invalid(field, fmt.Sprintf("%q: %s should be at least %d chars long", value, inBody(field), limit))
}

func tooSmall(field string, value, limit int) metav1.StatusCause {
	return invalid(field, fmt.Sprintf("%d: %s should be greater than or equal to %d", value, inBody(field), limit))
}

func tooLarge(field string, value, limit int) metav1.StatusCause {
	return invalid(field, fmt.Sprintf("%d: %s should be less than or equal to %d", value, inBody(field), limit))
}

func tooMany(field string, count, limit int) metav1.StatusCause {
	return metav1.StatusCause{
		Type: metav1.CauseTypeTooMany, Field: field,
		Message: fmt.Sprintf("Too many: %d: must have at most %d items", count, limit),
	}
}

func unsupported(field, value string, supported ...string) metav1.StatusCause {
	return metav1.StatusCause{
		Type: metav1.CauseTypeFieldValueNotSupported, Field: field,
		Message: fmt.Sprintf("Unsupported value: %q: supported values: \"%s\"", value, strings.Join(supported, `", "`)),
	}
}

// inBody names a field as the schema's own messages do: without "status", which is the whole body of its subresource.
func inBody(field string) string { return strings.TrimPrefix(field, "status.") + " in body" }
