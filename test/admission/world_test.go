// SPDX-License-Identifier: Apache-2.0

package admission

import (
	"context"
	"sync"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	authorizationv1 "k8s.io/api/authorization/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ens-image-operator/ens-image-operator/api/v1alpha1"
	"github.com/ens-image-operator/ens-image-operator/test/testenv"
)

const (
	policyName  = "ens-image-operator-guard.ens.alibabacloud.com"
	managerRole = "ens-image-operator-manager"
	editorRole  = "ens-image-operator-imageimport-editor"
	adopterRole = "ens-image-operator-imageimport-adopter"

	operator = "system:serviceaccount:ens-image-operator-system:ens-image-operator"
	tenant   = "tenant"
	adopter  = "adopter"
	// admin is the name under which the tables know the administrator, who is not impersonated.
	admin = ""

	patience = time.Minute
	glance   = 50 * time.Millisecond

	ourRecord = `{"uid":"ours"}`
)

// world is a namespace in which the tenant may edit, and the adopter may adopt, too.
type world struct {
	*WithT
	t   *testing.T
	ctx context.Context //nolint:containedctx // a world lives as long as its test
	ns  string
}

func newWorld(t *testing.T) *world {
	t.Helper()
	t.Parallel()
	w := &world{WithT: NewWithT(t), t: t, ctx: t.Context(), ns: testenv.Namespace(t)}
	deployment.Do(func() { testenv.Deploy(t) })
	for _, user := range []string{tenant, adopter} {
		w.bind(user, "ClusterRole", editorRole)
		w.awaitRight(user, "patch", "", "")
	}
	w.bind(adopter, "ClusterRole", adopterRole)
	w.awaitRight(adopter, "adopt", "", "")
	w.awaitRight(operator, "record", "", "")
	w.awaitPolicy()
	return w
}

var deployment sync.Once

// awaitPolicy waits until both rules are in force.
func (w *world) awaitPolicy() {
	w.t.Helper()
	probe := w.create(admin)
	for _, annotation := range []string{v1alpha1.ImportAnnotation, v1alpha1.AdoptAnnotation} {
		w.Eventually(func() error {
			return w.edit(tenant, probe, annotate(annotation, "probe"), client.DryRunAll)
		}, patience, glance).Should(refused(annotation))
	}
}

// bind gives the user a role in this world's namespace.
func (w *world) bind(user, kind, role string) {
	w.t.Helper()
	w.Expect(testenv.Client().Create(w.ctx, &rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Namespace: w.ns, GenerateName: "test-"},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: kind, Name: role},
		Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: user}},
	})).To(Succeed())
}

// bindOwn gives the user a role of the test's own.
func (w *world) bindOwn(user string, rule rbacv1.PolicyRule) {
	w.t.Helper()
	rule.APIGroups = []string{v1alpha1.GroupVersion.Group}
	role := &rbacv1.Role{ObjectMeta: metav1.ObjectMeta{Namespace: w.ns, GenerateName: "test-"}, Rules: []rbacv1.PolicyRule{rule}}
	w.Expect(testenv.Client().Create(w.ctx, role)).To(Succeed())
	w.bind(user, "Role", role.Name)
}

// awaitRight waits until the apiserver has noticed the user's roles.
func (w *world) awaitRight(user, verb, subresource, name string) {
	w.t.Helper()
	w.Eventually(func(g Gomega) {
		review := &authorizationv1.SubjectAccessReview{Spec: authorizationv1.SubjectAccessReviewSpec{
			User: user,
			ResourceAttributes: &authorizationv1.ResourceAttributes{
				Namespace: w.ns, Verb: verb, Name: name, Subresource: subresource,
				Group: v1alpha1.GroupVersion.Group, Resource: "imageimports",
			},
		}}
		g.Expect(testenv.Client().Create(w.ctx, review)).To(Succeed())
		g.Expect(review.Status.Allowed).To(BeTrue(), "%s %s", user, verb)
	}, patience, glance).Should(Succeed())
}

// as is the user's client.
func (w *world) as(user string) client.Client {
	w.t.Helper()
	if user == admin {
		return testenv.Client()
	}
	config := testenv.Config()
	config.QPS = -1
	config.Impersonate.UserName = user
	c, err := client.New(config, client.Options{Scheme: testenv.Client().Scheme()})
	w.Expect(err).NotTo(HaveOccurred())
	return c
}

// in is the same world for a subtest.
func (w *world) in(t *testing.T) *world {
	t.Helper()
	t.Parallel()
	return &world{WithT: NewWithT(t), t: t, ctx: t.Context(), ns: w.ns}
}

func (w *world) imageImport(change ...manifestChange) *v1alpha1.ImageImport {
	obj := &v1alpha1.ImageImport{
		TypeMeta:   metav1.TypeMeta{APIVersion: v1alpha1.GroupVersion.String(), Kind: "ImageImport"},
		ObjectMeta: metav1.ObjectMeta{GenerateName: "golden-", Namespace: w.ns},
		Spec: v1alpha1.ImageImportSpec{
			Source: v1alpha1.ImageSource{OSS: v1alpha1.OSSObject{Region: "cn-beijing", Bucket: "golden", Object: "images/ubuntu.qcow2"}},
			OSType: "linux",
		},
	}
	for _, f := range change {
		f(obj)
	}
	return obj
}

func (w *world) create(user string, change ...manifestChange) *v1alpha1.ImageImport {
	w.t.Helper()
	obj := w.imageImport(change...)
	w.Expect(w.as(user).Create(w.ctx, obj)).To(Succeed())
	return obj
}

// edit changes the object as kubectl edit does: what the user did not touch is not sent.
func (w *world) edit(user string, obj *v1alpha1.ImageImport, change manifestChange, opts ...client.PatchOption) error {
	base := obj.DeepCopy()
	changed := obj.DeepCopy()
	change(changed)
	return w.as(user).Patch(w.ctx, changed, client.MergeFrom(base), opts...)
}

func (w *world) get(obj *v1alpha1.ImageImport) *v1alpha1.ImageImport {
	w.t.Helper()
	current := &v1alpha1.ImageImport{}
	w.Expect(testenv.Client().Get(w.ctx, client.ObjectKeyFromObject(obj), current)).To(Succeed())
	return current
}

// attempt lets the user change a new object, and checks that exactly what is allowed has happened.
func (w *world) attempt(who who, before, change manifestChange, annotation string) {
	w.t.Helper()
	obj := w.create(admin, before)
	want := obj.DeepCopy()
	if who.allowed {
		change(want)
	}
	w.Expect(w.edit(who.user, obj, change)).To(outcome(who.allowed, annotation))
	got := w.get(obj)
	w.Expect(got.Spec).To(Equal(want.Spec))
	if len(want.Annotations) == 0 {
		w.Expect(got.Annotations).To(BeEmpty())
		return
	}
	w.Expect(got.Annotations).To(Equal(want.Annotations))
}
