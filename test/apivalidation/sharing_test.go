// SPDX-License-Identifier: Apache-2.0

package apivalidation

import (
	"fmt"
	"testing"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ens-image-operator/ens-image-operator/test/testenv"
)

const accountMessage = "spec.shareWith must list account IDs: up to 20 digits and no 0 first, for example 1234567890123456"

// accounts are n different IDs of accounts.
func accounts(n int) []any {
	var out []any
	for i := range n {
		out = append(out, fmt.Sprint(1234567890123456+i))
	}
	return out
}

func sharingRefusals() map[string]refusal {
	const path = "spec.shareWith"
	table := map[string]refusal{
		"empty account": {
			rule:     bound(path+"[]", "minLength"),
			refused:  edits{path: []any{""}},
			accepted: edits{path: []any{}},
			cause:    tooShort(path+"[0]", "", 1),
		},
		"account of 21 digits": {
			rule:     bound(path+"[]", "maxLength"),
			refused:  edits{path: []any{"123456789012345678901"}},
			accepted: edits{path: []any{"12345678901234567890"}},
			cause:    tooLong(path+"[0]", 20),
		},
		"101 accounts": {
			rule:     bound(path, "maxItems"),
			refused:  edits{path: accounts(101)},
			accepted: edits{path: accounts(100)},
			cause:    tooMany(path, 101, 100),
		},
		"account twice": {
			rule:     bound(path, "x-kubernetes-list-type"),
			refused:  edits{path: []any{"1", "2", "1"}},
			accepted: edits{path: []any{"1", "2", "11"}},
			cause:    duplicate(path+"[2]", `"1"`),
		},
	}
	for refused, accepted := range map[string]string{
		"0":                  "1",
		"0123":               "1230",
		"1234-5678":          "12345678",
		"123 ":               "123",
		"-1":                 "10",
		"me@example.com":     "9",
		"１２３":                "321",
		"acs:ram::1:root":    "100",
		"1234567890123456\n": "1234567890123456",
	} {
		table[fmt.Sprintf("account %q", refused)] = refusal{
			rule:     cel(path+"[]", accountMessage),
			refused:  edits{path: []any{"5", refused}},
			accepted: edits{path: []any{"5", accepted}},
			cause:    invalid(path+"[1]", fmt.Sprintf("%q: %s", refused, accountMessage)),
		}
	}
	return table
}

func duplicate(field, value string) metav1.StatusCause {
	return metav1.StatusCause{Type: metav1.CauseTypeFieldValueDuplicate, Field: field, Message: "Duplicate value: " + value}
}

// TestAccountsAreAppliedOneByOne : each of two appliers answers for the accounts that it lists, and for no others.
func TestAccountsAreAppliedOneByOne(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	namespace := testenv.Namespace(t)
	apply := func(owner string, listed ...any) {
		obj := imageImport(namespace, edits{"metadata.name": "ubuntu", "spec.shareWith": listed})
		obj.SetGenerateName("")
		err := kubectl().Apply(t.Context(), client.ApplyConfigurationFromUnstructured(obj), client.FieldOwner(owner))
		g.Expect(err).NotTo(HaveOccurred())
	}
	shared := func() any {
		obj := imageImport(namespace, nil)
		g.Expect(kubectl().Get(t.Context(), client.ObjectKey{Namespace: namespace, Name: "ubuntu"}, obj)).To(Succeed())
		return spec(obj)["shareWith"]
	}
	apply("first", "1", "2")
	apply("second", "2", "3")
	g.Expect(shared()).To(ConsistOf("1", "2", "3"))
	apply("first", "4")
	g.Expect(shared()).To(ConsistOf("2", "3", "4"))
}
