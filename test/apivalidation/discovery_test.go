// SPDX-License-Identifier: Apache-2.0

package apivalidation

import (
	"encoding/json"
	"testing"

	. "github.com/onsi/gomega"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/discovery"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ens-image-operator/ens-image-operator/test/testenv"
)

// TestKubectlKnowsTheNames holds what kubectl learns by discovery.
func TestKubectlKnowsTheNames(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	discoverer, err := discovery.NewDiscoveryClientForConfig(testenv.Config())
	g.Expect(err).NotTo(HaveOccurred())
	resources, err := discoverer.ServerResourcesForGroupVersion(apiVersion)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(resources.APIResources).To(ConsistOf(
		And(
			HaveField("Name", "imageimports"),
			HaveField("SingularName", "imageimport"),
			HaveField("Kind", "ImageImport"),
			HaveField("Namespaced", true),
			HaveField("ShortNames", []string{"imgimp", "ensimage"}),
			HaveField("Categories", []string{"ens"}),
		),
		And(HaveField("Name", "imageimports/status"), HaveField("Verbs", ConsistOf("get", "patch", "update"))),
	))
}

// TestClusterctlMovesTheObjects holds the label by which "clusterctl move" finds kinds that are not its own.
func TestClusterctlMovesTheObjects(t *testing.T) {
	t.Parallel()
	NewWithT(t).Expect(installedCRD(t).GetLabels()).To(HaveKey("clusterctl.cluster.x-k8s.io/move"))
}

// TestColumns asks for a table as "kubectl get" does.
func TestColumns(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	namespace := testenv.Namespace(t)
	obj := imageImport(namespace, edits{"metadata.name": "ubuntu", "spec.source": file(edits{"object": "images/ubuntu.qcow2"})})
	g.Expect(kubectl().Create(t.Context(), obj)).To(Succeed())
	g.Expect(kubectl().Status().Update(t.Context(), edited(obj, edits{
		"status.imageID":        "m-1",
		"status.imageName":      "ubuntu-golden",
		"status.lastError.code": "Throttling",
		"status.conditions": []any{
			condition(edits{"type": "Stalled", "status": "False", "reason": "Other"}),
			condition(edits{"type": "Ready", "status": "True", "reason": "Available"}),
		},
	}))).To(Succeed())

	discoverer, err := discovery.NewDiscoveryClientForConfig(testenv.Config())
	g.Expect(err).NotTo(HaveOccurred())
	raw, err := discoverer.RESTClient().Get().AbsPath("/apis/"+apiVersion+"/namespaces/"+namespace+"/imageimports").
		SetHeader("Accept", "application/json;as=Table;v=v1;g=meta.k8s.io").DoRaw(t.Context())
	g.Expect(err).NotTo(HaveOccurred())
	var table metav1.Table
	g.Expect(json.Unmarshal(raw, &table)).To(Succeed())

	var narrow, wide []string
	cells := map[string]any{}
	for i, column := range table.ColumnDefinitions {
		if column.Priority == 0 {
			narrow = append(narrow, column.Name)
		} else {
			wide = append(wide, column.Name)
		}
		g.Expect(table.Rows).To(HaveLen(1))
		cells[column.Name] = table.Rows[0].Cells[i]
	}
	g.Expect(narrow).To(Equal([]string{"Name", "Ready", "Reason", "ImageID", "Age"}))
	g.Expect(wide).To(Equal([]string{"Image Name", "OSS Object", "Last Error"}))
	delete(cells, "Age")
	g.Expect(cells).To(Equal(map[string]any{
		"Name": "ubuntu", "Ready": "True", "Reason": "Available", "ImageID": "m-1",
		"Image Name": "ubuntu-golden", "OSS Object": "images/ubuntu.qcow2", "Last Error": "Throttling",
	}))
}

// TestImageIDIsSelectable : the image that an object has, and the one that it asks for, find the object.
func TestImageIDIsSelectable(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	namespace := testenv.Namespace(t)
	create := func(spec, status edits) string {
		obj := imageImport(namespace, spec)
		g.Expect(kubectl().Create(t.Context(), obj)).To(Succeed())
		if status != nil {
			g.Expect(kubectl().Status().Update(t.Context(), edited(obj, status))).To(Succeed())
		}
		return obj.GetName()
	}
	fresh := create(nil, nil)
	imported := create(nil, edits{"status.imageID": "m-1"})
	claimant := create(adoption(edits{"spec.imageID": "m-1"}), nil)
	adopted := create(adoption(edits{"spec.imageID": "m-2"}), edits{"status.imageID": "m-2"})
	for _, tc := range []struct {
		field, value string
		want         []any
	}{
		{"status.imageID", "m-1", []any{imported}},
		{"status.imageID", "m-2", []any{adopted}},
		{"status.imageID", "", []any{fresh, claimant}},
		{"spec.imageID", "m-1", []any{claimant}},
		{"spec.imageID", "m-2", []any{adopted}},
		{"spec.imageID", "", []any{fresh, imported}},
	} {
		list := newList()
		err := kubectl().List(t.Context(), list, client.InNamespace(namespace), client.MatchingFields{tc.field: tc.value})
		g.Expect(err).NotTo(HaveOccurred())
		var names []string
		for i := range list.Items {
			names = append(names, list.Items[i].GetName())
		}
		g.Expect(names).To(ConsistOf(tc.want...), "%s %q", tc.field, tc.value)
	}
	err := kubectl().List(t.Context(), newList(), client.MatchingFields{"spec.imageName": "ubuntu"})
	g.Expect(err).To(MatchError(apierrors.IsBadRequest, "IsBadRequest"))
}

// TestMappingsAreAppliedAsAWhole : two appliers do not each own a part of the disks.
func TestMappingsAreAppliedAsAWhole(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	namespace := testenv.Namespace(t)
	for owner, count := range map[string]int{"first": 2, "second": 1} {
		obj := imageImport(namespace, edits{"metadata.name": "ubuntu", "spec.diskDeviceMappings": files(count)})
		obj.SetGenerateName("")
		err := kubectl().Apply(t.Context(), client.ApplyConfigurationFromUnstructured(obj), client.FieldOwner(owner), client.ForceOwnership)
		g.Expect(err).NotTo(HaveOccurred())
		read := imageImport(namespace, nil)
		g.Expect(kubectl().Get(t.Context(), client.ObjectKey{Namespace: namespace, Name: "ubuntu"}, read)).To(Succeed())
		g.Expect(spec(read)["diskDeviceMappings"]).To(HaveLen(count))
	}
}
