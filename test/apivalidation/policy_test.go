// SPDX-License-Identifier: Apache-2.0

package apivalidation

import (
	"fmt"
)

const secretNameMessage = "secretRef.name must be the name of a Secret: up to 253 lower case letters, digits, '-' and '.', " +
	"with a letter or digit first and last and on both sides of each '.'"

func policyRefusals() map[string]refusal {
	return map[string]refusal{
		"unknown imageNamePolicy": {
			rule:     bound("spec.imageNamePolicy", "enum"),
			refused:  edits{"spec.imageNamePolicy": "exact"},
			accepted: edits{"spec.imageNamePolicy": "Unique"},
			cause:    unsupported("spec.imageNamePolicy", "exact", "Exact", "Unique"),
		},
		"unknown deletionPolicy": {
			rule:     bound("spec.deletionPolicy", "enum"),
			refused:  edits{"spec.deletionPolicy": "Orphan"},
			accepted: edits{"spec.deletionPolicy": "Retain"},
			cause:    unsupported("spec.deletionPolicy", "Orphan", "Delete", "Retain"),
		},
		"unknown managementPolicy": {
			rule:     bound("spec.managementPolicy", "enum"),
			refused:  edits{"spec.managementPolicy": "Observe"},
			accepted: edits{"spec.managementPolicy": "Managed"},
			cause:    unsupported("spec.managementPolicy", "Observe", "Managed", "ObserveOnly"),
		},
		"unknown managementPolicy of an image": {
			rule:     bound("spec.managementPolicy", "enum"),
			refused:  adoption(edits{"spec.managementPolicy": "observeOnly"}),
			accepted: adoption(edits{"spec.managementPolicy": "ObserveOnly"}),
			cause:    unsupported("spec.managementPolicy", "observeOnly", "Managed", "ObserveOnly"),
		},
		"no time at all": {
			rule:     bound("spec.timeoutSeconds", "minimum"),
			refused:  edits{"spec.timeoutSeconds": int64(0)},
			accepted: edits{"spec.timeoutSeconds": int64(1)},
			cause:    tooSmall("spec.timeoutSeconds", 0, 1),
		},
		"more than a week": {
			rule:     bound("spec.timeoutSeconds", "maximum"),
			refused:  edits{"spec.timeoutSeconds": int64(604801)},
			accepted: edits{"spec.timeoutSeconds": int64(604800)},
			cause:    tooLarge("spec.timeoutSeconds", 604801, 604800),
		},
	}
}

func credentialsRefusals() map[string]refusal {
	const path = "spec.credentials.secretRef.name"
	table := map[string]refusal{
		"credentials without Secret": {
			rule:     bound("spec.credentials.secretRef", "required"),
			refused:  edits{"spec.credentials": map[string]any{}},
			accepted: edits{path: "ens"},
			cause:    missing("spec.credentials.secretRef"),
		},
		"Secret without name": {
			rule:     bound(path, "required"),
			refused:  edits{"spec.credentials.secretRef": map[string]any{}},
			accepted: edits{path: "ens"},
			cause:    missing(path),
		},
		"empty Secret name": {
			rule:     bound(path, "minLength"),
			refused:  edits{path: ""},
			accepted: edits{path: "e"},
			cause:    tooShort(path, "", 1),
		},
		"long Secret name": {
			rule:     bound(path, "maxLength"),
			refused:  edits{path: letters(254)},
			accepted: edits{path: letters(253)},
			cause:    tooLong(path, 253),
		},
	}
	for refused, accepted := range map[string]string{
		"ENS":      "ens",
		"other/ns": "other.ns",
		"my_key":   "my-key",
		"-ens":     "1ens",
		"ens-":     "ens1",
		".ens":     "e.ns",
		"e..ns":    "e.n.s",
	} {
		table[fmt.Sprintf("Secret name %q", refused)] = refusal{
			rule:    cel(path, secretNameMessage),
			refused: edits{path: refused}, accepted: edits{path: accepted},
			cause: invalid(path, fmt.Sprintf("%q: %s", refused, secretNameMessage)),
		}
	}
	return table
}
