// SPDX-License-Identifier: Apache-2.0

package testenv_test

import (
	"os"
	"testing"

	. "github.com/onsi/gomega"
	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	ensv1alpha1 "github.com/ens-image-operator/ens-image-operator/api/v1alpha1"
	"github.com/ens-image-operator/ens-image-operator/test/testenv"
)

func TestMain(m *testing.M) { os.Exit(testenv.Main(m)) }

func TestTheCRDIsServed(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)

	var list ensv1alpha1.ImageImportList
	g.Expect(testenv.Client().List(t.Context(), &list, client.InNamespace(testenv.Namespace(t)))).To(Succeed())
	g.Expect(list.Items).To(BeEmpty())
}

func TestEveryTestHasItsOwnNamespace(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)

	g.Expect(testenv.Namespace(t)).NotTo(Equal(testenv.Namespace(t)))
}

// Without RBAC a missing rule in config/rbac would go unnoticed in every test.
func TestRBACIsEnforced(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)

	config := testenv.Config()
	config.Impersonate.UserName = "nobody-in-particular"
	nobody, err := client.New(config, client.Options{})
	g.Expect(err).NotTo(HaveOccurred())
	err = nobody.List(t.Context(), &corev1.SecretList{})
	g.Expect(apierrors.IsForbidden(err)).To(BeTrue(), "got %v", err)

	review := &authorizationv1.SelfSubjectAccessReview{Spec: authorizationv1.SelfSubjectAccessReviewSpec{
		ResourceAttributes: &authorizationv1.ResourceAttributes{Verb: "list", Resource: "secrets"},
	}}
	g.Expect(testenv.Client().Create(t.Context(), review)).To(Succeed())
	g.Expect(review.Status.Allowed).To(BeTrue())
}

func TestConfigIsACopy(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)

	testenv.Config().Host = "changed"
	g.Expect(testenv.Config().Host).NotTo(Equal("changed"))
	g.Expect(testenv.Client().List(t.Context(), &metav1.PartialObjectMetadataList{
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "NamespaceList"},
	})).To(Succeed())
}
