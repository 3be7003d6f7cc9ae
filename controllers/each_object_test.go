// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	clientrest "k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ens-image-operator/ens-image-operator/api/v1alpha1"
)

// An answer in pages: what the second page lacks must not be taken over from the first, neither in an object nor in what
// says that there is another page.
func TestEachObjectInPages(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	kind := v1alpha1.GroupVersion.WithKind("ImageImport")
	const page = `{"apiVersion": "ens.alibabacloud.com/v1alpha1", "kind": "ImageImportList", "metadata": {%s}, "items": [%s]}`
	asked := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		switch asked++; {
		case asked > 2:
			w.WriteHeader(http.StatusTeapot)
		case r.URL.Query().Get("continue") == "":
			fmt.Fprintf(w, page, `"continue": "more"`, `{"metadata": {"name": "first", "annotations": {"a": "b"}}, "status": {"imageID": "m-1"}}`)
		default:
			fmt.Fprintf(w, page, ``, `{"metadata": {"name": "second"}}`)
		}
	}))
	t.Cleanup(server.Close)
	scheme := runtime.NewScheme()
	g.Expect(v1alpha1.AddToScheme(scheme)).To(Succeed())
	mapper := meta.NewDefaultRESTMapper(nil)
	mapper.Add(kind, meta.RESTScopeNamespace)
	reader, err := client.New(&clientrest.Config{Host: server.URL}, client.Options{Scheme: scheme, Mapper: mapper})
	g.Expect(err).NotTo(HaveOccurred())

	var found []string
	err = (&Reconciler{APIReader: reader}).eachObject(t.Context(), true, func(obj *v1alpha1.ImageImport) {
		found = append(found, fmt.Sprint(obj.Name, obj.Status.ImageID, len(obj.Annotations)))
	})
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(found).To(Equal([]string{"firstm-11", "second0"}))
}
