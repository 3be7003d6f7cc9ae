// SPDX-License-Identifier: Apache-2.0

package apivalidation

import (
	"maps"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ens-image-operator/ens-image-operator/test/testenv"
)

const group, apiVersion = "ens.alibabacloud.com", "ens.alibabacloud.com/v1alpha1"

// edits maps field paths ("spec.imageName") to their new values; nil removes the field.
type edits map[string]any

// kubectl is a client that refuses unknown fields, as kubectl does by default. Objects are unstructured, because the
// Go types cannot express most mistakes: they leave out empty strings and know no unknown fields.
func kubectl() client.Client {
	return client.WithFieldValidation(testenv.Client(), metav1.FieldValidationStrict)
}

// imageImport is the shortest valid object, with changes.
func imageImport(namespace string, changes edits) *unstructured.Unstructured {
	obj := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": apiVersion,
		"kind":       "ImageImport",
		"metadata":   map[string]any{"namespace": namespace, "generateName": "import-"},
		"spec":       map[string]any{"osType": "linux", "source": file(nil)},
	}}
	return edited(obj, changes)
}

// edited is a copy of obj with changes. A parent is changed before its children.
func edited(obj *unstructured.Unstructured, changes edits) *unstructured.Unstructured {
	out := obj.DeepCopy()
	for _, path := range slices.Sorted(maps.Keys(changes)) {
		fields := strings.Split(path, ".")
		if changes[path] == nil {
			unstructured.RemoveNestedField(out.Object, fields...)
			continue
		}
		if err := unstructured.SetNestedField(out.Object, changes[path], fields...); err != nil {
			panic(err)
		}
	}
	return out
}

// spec is the spec of obj, not a copy.
func spec(obj *unstructured.Unstructured) map[string]any {
	out, _ := obj.Object["spec"].(map[string]any)
	return out
}

// file is a valid source or disk device mapping, with changes to the fields of its OSS object.
func file(changes edits) map[string]any {
	oss := map[string]any{"region": "cn-beijing", "bucket": "images", "object": "ubuntu.qcow2"}
	for name, value := range changes {
		oss[name] = value
		if value == nil {
			delete(oss, name)
		}
	}
	return map[string]any{"oss": oss}
}

// files are n valid disk device mappings.
func files(n int) []any {
	var out []any
	for range n {
		out = append(out, file(nil))
	}
	return out
}
