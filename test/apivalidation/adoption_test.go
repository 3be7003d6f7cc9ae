// SPDX-License-Identifier: Apache-2.0

package apivalidation

import (
	"fmt"
	"maps"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/ens-image-operator/ens-image-operator/test/testenv"
)

const (
	imageIDMessage = "spec.imageID must be the ID of an image: a letter or digit, followed by letters, digits, '-' and '_' only, " +
		"for example m-5wn1dhxyz"
	adoptedFileMessage = "spec.imageID names an existing image, so nothing is imported: " +
		"it excludes spec.source and spec.diskDeviceMappings"
	adoptedNameMessage = "spec.imageNamePolicy must be Exact where spec.imageID is set: Unique is for imports, " +
		"and an existing image keeps its name or gets spec.imageName"
	observedFileMessage = "spec.managementPolicy ObserveOnly needs spec.imageID, the image to observe, " +
		"in place of spec.source and spec.diskDeviceMappings; an import is always Managed"
	observedWriteMessage = "spec.managementPolicy ObserveOnly never writes to the cloud: " +
		"it excludes spec.imageName, spec.shareWith and spec.deletionPolicy Delete"
)

// adoption makes the shortest object that adopts an image of the one that imports one, with changes.
func adoption(changes edits) edits {
	out := edits{"spec.source": nil, "spec.osType": nil, "spec.imageID": "m-1"}
	maps.Copy(out, changes)
	return out
}

// observation makes the shortest object that only observes an image of the one that imports one, with changes.
func observation(changes edits) edits {
	out := adoption(edits{"spec.managementPolicy": "ObserveOnly"})
	maps.Copy(out, changes)
	return out
}

func adoptionRefusals() map[string]refusal {
	table := map[string]refusal{
		"empty imageID": {
			rule:     bound("spec.imageID", "minLength"),
			refused:  adoption(edits{"spec.imageID": ""}),
			accepted: adoption(edits{"spec.imageID": "m"}),
			cause:    tooShort("spec.imageID", "", 1),
		},
		"long imageID": {
			rule:     bound("spec.imageID", "maxLength"),
			refused:  adoption(edits{"spec.imageID": letters(129)}),
			accepted: adoption(edits{"spec.imageID": letters(128)}),
			cause:    tooLong("spec.imageID", 128),
		},
		"adoption under a unique name": {
			rule:     cel("spec.imageNamePolicy", adoptedNameMessage),
			refused:  adoption(edits{"spec.imageNamePolicy": "Unique"}),
			accepted: adoption(edits{"spec.imageNamePolicy": "Exact"}),
			cause:    invalid("spec.imageNamePolicy", adoptedNameMessage),
		},
	}
	for refused, accepted := range map[string]string{
		"-m":            "m-",
		"_m":            "m_",
		"m-1 ":          "m-1",
		"m-1,m-2":       "m-1-m-2",
		"m.1":           "m1",
		"m-1\n":         "m-1n",
		"镜像":            "1",
		"oss://images/": "M-images",
	} {
		table[fmt.Sprintf("imageID %q", refused)] = refusal{
			rule:     cel("spec.imageID", imageIDMessage),
			refused:  adoption(edits{"spec.imageID": refused}),
			accepted: adoption(edits{"spec.imageID": accepted}),
			cause:    invalid("spec.imageID", fmt.Sprintf("%q: %s", refused, imageIDMessage)),
		}
	}
	for name, imported := range map[string]edits{
		"source":                    {"spec.source": file(nil)},
		"mappings":                  {"spec.diskDeviceMappings": files(1)},
		"source and mappings":       {"spec.source": file(nil), "spec.diskDeviceMappings": files(1)},
		"source and osType":         {"spec.source": file(nil), "spec.osType": "linux"},
		"source, unfit object name": {"spec.source": file(nil), "metadata.name": "1.adopted"},
	} {
		accepted := maps.Clone(imported)
		accepted["spec.source"], accepted["spec.diskDeviceMappings"] = nil, nil
		table["adoption with "+name] = refusal{
			rule:     cel("spec.imageID", adoptedFileMessage),
			refused:  adoption(imported),
			accepted: adoption(accepted),
			cause:    invalid("spec.imageID", adoptedFileMessage),
		}
	}
	return table
}

func observationRefusals() map[string]refusal {
	table := map[string]refusal{}
	// Whatever else an import may say or lack, one message tells that there is nothing to observe.
	for name, imported := range map[string]edits{
		"a file":                    {},
		"mappings":                  {"spec.source": nil, "spec.diskDeviceMappings": files(1)},
		"nothing":                   {"spec.source": nil},
		"nothing, without osType":   {"spec.source": nil, "spec.osType": nil},
		"a file, without osType":    {"spec.osType": nil},
		"a file, unfit object name": {"metadata.name": "1.observed-file"},
		"nothing, unfit name":       {"metadata.name": "1.observed-nothing", "spec.source": nil},
		"a named file":              {"spec.imageName": "ubuntu"},
		"a file that is shared":     {"spec.shareWith": accounts(1)},
		"a file, to be deleted":     {"spec.deletionPolicy": "Delete"},
	} {
		refused := edits{"spec.managementPolicy": "ObserveOnly"}
		maps.Copy(refused, imported)
		accepted := observation(nil)
		if objectName, ok := imported["metadata.name"]; ok {
			accepted["metadata.name"] = objectName
		}
		table["observation of "+name] = refusal{
			rule:    cel("spec.managementPolicy", observedFileMessage),
			refused: refused, accepted: accepted,
			cause: invalid("spec.managementPolicy", observedFileMessage),
		}
	}
	for name, tc := range map[string]struct{ refused, accepted edits }{
		"a name": {edits{"spec.imageName": "ubuntu"}, nil},
		"accounts": {
			edits{"spec.shareWith": accounts(1)},
			edits{"spec.shareWith": []any{}}, // like no list: nobody is asked for
		},
		"deletion": {edits{"spec.deletionPolicy": "Delete"}, edits{"spec.deletionPolicy": "Retain"}},
		"a name, accounts and deletion": {
			edits{"spec.imageName": "ubuntu", "spec.shareWith": accounts(1), "spec.deletionPolicy": "Delete"},
			edits{"spec.managementPolicy": "Managed", "spec.imageName": "ubuntu", "spec.shareWith": accounts(1), "spec.deletionPolicy": "Delete"},
		},
	} {
		table["observation with "+name] = refusal{
			rule:    cel("spec.managementPolicy", observedWriteMessage),
			refused: observation(tc.refused), accepted: observation(tc.accepted),
			cause: invalid("spec.managementPolicy", observedWriteMessage),
		}
	}
	return table
}

// TestStartedImportAndAdoptionDoNotMix says which words meet the user who adds what the object may not have.
func TestStartedImportAndAdoptionDoNotMix(t *testing.T) {
	t.Parallel()
	namespace := testenv.Namespace(t)
	excluded := invalid("spec.imageID", adoptedFileMessage)
	for name, tc := range map[string]struct {
		before, after edits
		causes        []any
	}{
		"source to an adoption":   {adoption(nil), adoption(edits{"spec.source": file(nil)}), []any{excluded}},
		"mappings to an adoption": {adoption(nil), adoption(edits{"spec.diskDeviceMappings": files(1)}), []any{excluded}},
		// Both, because it would be no help to be told to remove the source, which is refused as well.
		"imageID to an import": {nil, edits{"spec.imageID": "m-1"}, []any{
			excluded, invalid("spec.imageID", change{field: "imageID", instead: " for another image"}.message()),
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			obj := imageImport(namespace, tc.before)
			g.Expect(kubectl().Create(t.Context(), obj)).To(Succeed())
			setStartTime(t, obj, `"2026-01-02T03:04:05Z"`)
			err := update(t, obj, imageImport(namespace, tc.after))
			g.Expect(causesOf(err)).To(ConsistOf(tc.causes...), "%v", err)
		})
	}
}

// TestOtherFieldOfAdoptionStaysEditable changes each field that makes sense for an adopted image once it is adopted.
func TestOtherFieldOfAdoptionStaysEditable(t *testing.T) {
	t.Parallel()
	namespace := testenv.Namespace(t)
	for name, tc := range map[string]struct{ before, after edits }{
		"imageName":        {edits{"spec.imageName": "ubuntu"}, edits{"spec.imageName": "debian"}},
		"managementPolicy": {edits{"spec.managementPolicy": "Managed"}, edits{"spec.managementPolicy": "ObserveOnly"}},
		"shareWith":        {edits{"spec.shareWith": accounts(1)}, edits{"spec.shareWith": []any{}}},
		"deletionPolicy":   {edits{"spec.deletionPolicy": "Delete"}, edits{"spec.deletionPolicy": "Retain"}},
		"suspend":          {edits{"spec.suspend": true}, edits{"spec.suspend": false}},
		"timeoutSeconds":   {edits{"spec.timeoutSeconds": int64(1)}, edits{"spec.timeoutSeconds": int64(2)}},
		"credentials":      {edits{"spec.credentials.secretRef.name": "a"}, edits{"spec.credentials.secretRef.name": "b"}},
		"empty platform":   {nil, edits{"spec.platform": ""}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			expectEditable(t, imageImport(namespace, adoption(nil)),
				imageImport(namespace, adoption(tc.before)), imageImport(namespace, adoption(tc.after)))
		})
	}
}
