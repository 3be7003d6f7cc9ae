// SPDX-License-Identifier: Apache-2.0

package apivalidation

import (
	"fmt"
	"testing"

	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ens-image-operator/ens-image-operator/test/testenv"
)

// change is an edit of one field that defines the import.
type change struct {
	field         string
	before, after edits
	instead       string // what the message proposes
	// onlyRelaxed marks a field of which the schema allows a single value, so that only the copy without bounds can
	// show what will hold once there is a second one.
	onlyRelaxed bool
}

func (c change) message() string {
	start := "the import has started or the image is adopted"
	switch c.field {
	case "source", "diskDeviceMappings": // an adopted image has none
		start = "the import has started"
	case "imageID":
		start = "the image is adopted or an import has started"
	}
	return fmt.Sprintf("spec.%s cannot be changed once %s; create a new ImageImport%s", c.field, start, c.instead)
}

func (c change) rule() rule { return cel("spec."+c.field, c.message()) }

func importFieldChanges() map[string]change {
	table := map[string]change{
		"other osType": {field: "osType", after: edits{"spec.osType": "windows"}},
	}
	for _, name := range []string{"region", "bucket", "object"} {
		table["other source "+name] = change{
			field: "source", instead: " for another file", after: edits{"spec.source": file(edits{name: "other"})},
		}
		table["other mapping "+name] = change{
			field: "diskDeviceMappings", instead: " for other files",
			before: edits{"spec.diskDeviceMappings": files(2)},
			after:  edits{"spec.diskDeviceMappings": []any{file(nil), file(edits{name: "other"})}},
		}
	}
	addAndRemove(table, "imageID", " for another image", nil, adoption(edits{"spec.osType": "linux"}))
	table["other imageID"] = change{
		field: "imageID", instead: " for another image", before: adoption(nil), after: adoption(edits{"spec.imageID": "m-2"}),
	}
	mappings := edits{"spec.source": nil, "spec.diskDeviceMappings": files(1)}
	table["imageID instead of mappings"] = change{
		field: "imageID", instead: " for another image", before: mappings, after: adoption(edits{"spec.osType": "linux"}),
	}
	table["mappings instead of imageID"] = change{
		field: "imageID", instead: " for another image", before: adoption(edits{"spec.osType": "linux"}), after: mappings,
	}
	addAndRemove(table, "osType", "", adoption(nil), adoption(edits{"spec.osType": "linux"}))
	addAndRemove(table, "source", " for another file",
		mappings, edits{"spec.diskDeviceMappings": files(1)})
	addAndRemove(table, "diskDeviceMappings", " for other files", nil, edits{"spec.diskDeviceMappings": files(1)})
	table["one more mapping"] = change{
		field: "diskDeviceMappings", instead: " for other files",
		before: edits{"spec.diskDeviceMappings": files(1)}, after: edits{"spec.diskDeviceMappings": files(2)},
	}
	table["other order of mappings"] = change{
		field: "diskDeviceMappings", instead: " for other files",
		before: edits{"spec.diskDeviceMappings": []any{file(nil), file(edits{"object": "data.qcow2"})}},
		after:  edits{"spec.diskDeviceMappings": []any{file(edits{"object": "data.qcow2"}), file(nil)}},
	}
	for _, field := range []string{"platform", "osVersion", "licenseType", "targetOSSRegionID"} {
		path := "spec." + field
		addAndRemove(table, field, "", nil, edits{path: "a"})
		table["other "+field] = change{field: field, before: edits{path: "a"}, after: edits{path: "b"}}
		if field != "targetOSSRegionID" {
			table["empty to "+field] = change{field: field, before: edits{path: ""}, after: edits{path: "a"}}
			table[field+" to empty"] = change{field: field, before: edits{path: "a"}, after: edits{path: ""}}
		}
	}
	for _, field := range []string{"computeType", "architecture", "imageFormat"} {
		table["other "+field] = change{field: field, after: edits{"spec." + field: "other"}, onlyRelaxed: true}
	}
	return table
}

func addAndRemove(table map[string]change, field, instead string, without, with edits) {
	table["add "+field] = change{field: field, instead: instead, before: without, after: with}
	table["remove "+field] = change{field: field, instead: instead, before: with, after: without}
}

// TestImportFieldIsImmutableWhileImporting changes each field before the start of an import, during it and after it.
func TestImportFieldIsImmutableWhileImporting(t *testing.T) {
	t.Parallel()
	namespace := testenv.Namespace(t)
	installRelaxedCRD(t)
	for name, tc := range importFieldChanges() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			before, after := imageImport(namespace, tc.before), imageImport(namespace, tc.after)
			obj := before.DeepCopy()
			if tc.onlyRelaxed {
				obj = relaxed(obj)
			}
			g.Expect(kubectl().Create(t.Context(), obj)).To(Succeed())
			g.Expect(update(t, obj, after)).To(Succeed())
			g.Expect(update(t, obj, before)).To(Succeed())

			setStartTime(t, obj, `"2026-01-02T03:04:05Z"`)
			err := update(t, obj, after)
			g.Expect(causesOf(err)).To(ConsistOf(invalid("spec."+tc.field, tc.message())), "%v", err)

			setStartTime(t, obj, "null")
			g.Expect(update(t, obj, after)).To(Succeed())
		})
	}
}

// TestOtherFieldStaysEditable changes each other field during an import.
func TestOtherFieldStaysEditable(t *testing.T) {
	t.Parallel()
	namespace := testenv.Namespace(t)
	for name, tc := range map[string]struct{ before, after edits }{
		"imageName":       {edits{"spec.imageName": "ubuntu"}, edits{"spec.imageName": "debian"}},
		"imageNamePolicy": {edits{"spec.imageNamePolicy": "Unique"}, edits{"spec.imageNamePolicy": "Exact"}},
		"shareWith":       {edits{"spec.shareWith": accounts(1)}, edits{"spec.shareWith": accounts(2)}},
		"empty shareWith": {edits{"spec.shareWith": accounts(1)}, edits{"spec.shareWith": []any{}}},
		"deletionPolicy":  {edits{"spec.deletionPolicy": "Delete"}, edits{"spec.deletionPolicy": "Retain"}},
		"suspend":         {edits{"spec.suspend": true}, edits{"spec.suspend": false}},
		"timeoutSeconds":  {edits{"spec.timeoutSeconds": int64(1)}, edits{"spec.timeoutSeconds": int64(2)}},
		"credentials":     {edits{"spec.credentials.secretRef.name": "a"}, edits{"spec.credentials.secretRef.name": "b"}},
		"labels":          {edits{"metadata.labels": map[string]any{"a": "a"}}, edits{"metadata.labels": map[string]any{"a": "b"}}},
		"empty platform":  {nil, edits{"spec.platform": ""}},
		"empty osVersion": {nil, edits{"spec.osVersion": ""}},
		"empty licence":   {nil, edits{"spec.licenseType": ""}},
		"default policy":  {nil, edits{"spec.managementPolicy": "Managed"}},
		"default compute": {nil, edits{"spec.computeType": "ens_vm"}},
		"default arch":    {nil, edits{"spec.architecture": "x86_64"}},
		"default format":  {nil, edits{"spec.imageFormat": "qcow2"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			expectEditable(t, imageImport(namespace, nil), imageImport(namespace, tc.before), imageImport(namespace, tc.after))
		})
	}
}

// expectEditable sets, changes, removes and adds a field of an object that has been started.
func expectEditable(t *testing.T, bare, before, after *unstructured.Unstructured) {
	t.Helper()
	g := NewWithT(t)
	obj := before.DeepCopy()
	g.Expect(kubectl().Create(t.Context(), obj)).To(Succeed())
	setStartTime(t, obj, `"2026-01-02T03:04:05Z"`)
	for _, next := range []*unstructured.Unstructured{after, bare, before} {
		g.Expect(update(t, obj, next)).To(Succeed())
		for field, value := range spec(next) {
			g.Expect(spec(obj)).To(HaveKeyWithValue(field, value))
		}
	}
}

// TestStartTimeIsOutOfReachOfAnEdit: what guards the import fields can be lifted through the status subresource only.
func TestStartTimeIsOutOfReachOfAnEdit(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	obj := imageImport(testenv.Namespace(t), nil)
	g.Expect(kubectl().Create(t.Context(), obj)).To(Succeed())
	setStartTime(t, obj, `"2026-01-02T03:04:05Z"`)

	err := kubectl().Update(t.Context(), edited(obj, edits{"spec.osType": "windows", "status.startTime": nil}))
	g.Expect(causesOf(err)).To(ConsistOf(HaveField("Field", "spec.osType")), "%v", err)
	err = kubectl().Update(t.Context(), edited(obj, edits{"spec.osType": "windows", "status": nil}))
	g.Expect(causesOf(err)).To(ConsistOf(HaveField("Field", "spec.osType")), "%v", err)
}

// update writes the spec and the labels of wanted to obj. What the apiserver refuses leaves obj as it is.
func update(t *testing.T, obj, wanted *unstructured.Unstructured) error {
	t.Helper()
	next := obj.DeepCopy()
	next.Object["spec"] = wanted.DeepCopy().Object["spec"]
	next.SetLabels(wanted.GetLabels())
	if err := kubectl().Update(t.Context(), next); err != nil {
		return err
	}
	obj.Object = next.Object
	return nil
}

func setStartTime(t *testing.T, obj *unstructured.Unstructured, value string) {
	t.Helper()
	patch := client.RawPatch("application/merge-patch+json", []byte(`{"status":{"startTime":`+value+`}}`))
	NewWithT(t).Expect(kubectl().Status().Patch(t.Context(), obj, patch)).To(Succeed())
}
