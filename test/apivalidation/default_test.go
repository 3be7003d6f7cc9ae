// SPDX-License-Identifier: Apache-2.0

package apivalidation

import (
	"maps"
	"slices"
	"testing"

	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"

	ensv1alpha1 "github.com/ens-image-operator/ens-image-operator/api/v1alpha1"
	"github.com/ens-image-operator/ens-image-operator/test/testenv"
)

// TestShortestObjectReadsBackItsDefaults looks at a fresh object in every way that a client can: each must see the
// observedGeneration that tells kstatus to wait.
func TestShortestObjectReadsBackItsDefaults(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	namespace := testenv.Namespace(t)
	obj := imageImport(namespace, nil)
	g.Expect(kubectl().Create(t.Context(), obj)).To(Succeed())
	expectDefaults(g, obj)

	read := imageImport(namespace, nil)
	g.Expect(kubectl().Get(t.Context(), client.ObjectKeyFromObject(obj), read)).To(Succeed())
	expectDefaults(g, read)

	list := newList()
	g.Expect(kubectl().List(t.Context(), list, client.InNamespace(namespace))).To(Succeed())
	g.Expect(list.Items).To(HaveLen(1))
	expectDefaults(g, &list.Items[0])

	watcher, err := client.NewWithWatch(testenv.Config(), client.Options{})
	g.Expect(err).NotTo(HaveOccurred())
	events, err := watcher.Watch(t.Context(), newList(), client.InNamespace(namespace))
	g.Expect(err).NotTo(HaveOccurred())
	defer events.Stop()
	var event watch.Event
	g.Eventually(t.Context(), events.ResultChan()).Should(Receive(&event))
	expectDefaults(g, event.Object.(*unstructured.Unstructured))
}

func expectDefaults(g Gomega, obj *unstructured.Unstructured) {
	g.Expect(obj.Object).To(HaveKeyWithValue("spec", map[string]any{
		"osType": "linux", "source": file(nil),
		"imageNamePolicy": "Exact", "managementPolicy": "Managed", "computeType": "ens_vm", "architecture": "x86_64", "imageFormat": "qcow2",
		"timeoutSeconds": int64(7200),
	}))
	g.Expect(obj.Object).To(HaveKeyWithValue("status", map[string]any{"observedGeneration": int64(-1)}))
}

// TestStatusOfAManifestIsDropped : whoever applies an exported object does not vouch for its status.
func TestStatusOfAManifestIsDropped(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	obj := imageImport(testenv.Namespace(t), edits{"status": map[string]any{
		"observedGeneration": int64(1), "imageID": "m-1", "startTime": "2026-01-02T03:04:05Z",
	}})
	g.Expect(kubectl().Create(t.Context(), obj)).To(Succeed())
	expectDefaults(g, obj)
}

// TestGoTypesAgreeWithTheSchema writes what has no value in Go, and reads everything into the Go types and back.
func TestGoTypesAgreeWithTheSchema(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	namespace := testenv.Namespace(t)
	strict := client.WithFieldValidation(testenv.Client(), "Strict")

	shortest := &ensv1alpha1.ImageImport{}
	shortest.Namespace, shortest.Name = namespace, "shortest"
	shortest.Spec.OSType = "linux"
	shortest.Spec.Source.OSS = ensv1alpha1.OSSObject{Region: "cn-beijing", Bucket: "images", Object: "ubuntu.qcow2"}
	g.Expect(strict.Create(t.Context(), shortest)).To(Succeed())
	read := imageImport(namespace, nil)
	g.Expect(kubectl().Get(t.Context(), client.ObjectKeyFromObject(shortest), read)).To(Succeed())
	expectDefaults(g, read)

	adopted := &ensv1alpha1.ImageImport{}
	adopted.Namespace, adopted.Name = namespace, "adopted"
	adopted.Spec.ImageID = "m-1"
	g.Expect(strict.Create(t.Context(), adopted)).To(Succeed())
	g.Expect(kubectl().Get(t.Context(), client.ObjectKeyFromObject(adopted), read)).To(Succeed())
	bare := imageImport(namespace, adoption(nil))
	g.Expect(kubectl().Create(t.Context(), bare)).To(Succeed())
	g.Expect(spec(read)).To(Equal(spec(bare)))

	fields := slices.Collect(maps.Keys(schemasBelow(specSchema(t), "")))
	for _, tc := range []struct {
		full  edits
		lacks []string
	}{
		{fullImport(), []string{"imageID"}},
		{fullAdoption(), []string{"source", "diskDeviceMappings"}},
	} {
		full := imageImport(namespace, tc.full)
		g.Expect(kubectl().Create(t.Context(), full)).To(Succeed())
		typed := &ensv1alpha1.ImageImport{}
		g.Expect(strict.Get(t.Context(), client.ObjectKeyFromObject(full), typed)).To(Succeed())
		g.Expect(strict.Update(t.Context(), typed)).To(Succeed())
		g.Expect(kubectl().Get(t.Context(), client.ObjectKeyFromObject(full), read)).To(Succeed())
		g.Expect(spec(read)).To(Equal(spec(full)))
		g.Expect(slices.AppendSeq(tc.lacks, maps.Keys(spec(read)))).To(ConsistOf(fields), "the full spec lacks a field")
	}
}

// fullImport sets every field of spec but imageID, which an import excludes.
func fullImport() edits {
	return edits{
		"spec.imageName":                  "ubuntu-22-04-golden",
		"spec.imageNamePolicy":            "Unique",
		"spec.managementPolicy":           "Managed",
		"spec.computeType":                "ens_vm",
		"spec.osType":                     "linux",
		"spec.platform":                   "ubuntu",
		"spec.osVersion":                  "22.04",
		"spec.architecture":               "x86_64",
		"spec.imageFormat":                "qcow2",
		"spec.licenseType":                "BYOL",
		"spec.diskDeviceMappings":         files(2),
		"spec.targetOSSRegionID":          "ap-southeast-1",
		"spec.shareWith":                  accounts(2),
		"spec.deletionPolicy":             "Retain",
		"spec.suspend":                    true,
		"spec.timeoutSeconds":             int64(60),
		"spec.credentials.secretRef.name": "ens",
	}
}

// fullAdoption sets every field of spec but the files, which an adoption excludes.
func fullAdoption() edits {
	out := fullImport()
	maps.Copy(out, adoption(edits{"spec.osType": "linux", "spec.diskDeviceMappings": nil, "spec.imageNamePolicy": "Exact"}))
	return out
}

func newList() *unstructured.UnstructuredList {
	list := &unstructured.UnstructuredList{}
	list.SetAPIVersion(apiVersion)
	list.SetKind("ImageImportList")
	return list
}

func specSchema(t *testing.T) map[string]any {
	t.Helper()
	schema := schemaOf(NewWithT(t), installedCRD(t))
	return schema["properties"].(map[string]any)["spec"].(map[string]any)
}
