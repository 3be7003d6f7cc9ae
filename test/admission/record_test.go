// SPDX-License-Identifier: Apache-2.0

package admission

import (
	"fmt"
	"testing"

	. "github.com/onsi/gomega"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ens-image-operator/ens-image-operator/api/v1alpha1"
)

func TestOnlyTheOperatorChangesTheRecord(t *testing.T) {
	w := newWorld(t)
	recorded := annotate(v1alpha1.ImportAnnotation, ourRecord)
	changes := map[string]struct{ before, change manifestChange }{
		"add":           {untouched, recorded},
		"add empty":     {untouched, annotate(v1alpha1.ImportAnnotation, "")},
		"change":        {recorded, annotate(v1alpha1.ImportAnnotation, ourRecord+" ")},
		"empty":         {recorded, annotate(v1alpha1.ImportAnnotation, "")},
		"remove":        {recorded, unannotate(v1alpha1.ImportAnnotation)},
		"remove beside": {recorded, func(obj *v1alpha1.ImageImport) { retain(obj); obj.Annotations = nil }},
	}
	for name, c := range changes {
		for _, who := range []who{{tenant, false}, {adopter, false}, {operator, true}, {admin, true}} {
			t.Run(fmt.Sprintf("%s/%s", name, who), func(t *testing.T) {
				w.in(t).attempt(who, c.before, c.change, v1alpha1.ImportAnnotation)
			})
		}
	}
}

func TestRecordIsNotInTheWay(t *testing.T) {
	w := newWorld(t)
	changes := map[string]manifestChange{
		"spec":                 retain,
		"label":                func(obj *v1alpha1.ImageImport) { obj.Labels = map[string]string{"team": "edge"} },
		"other annotation":     annotate(v1alpha1.ReconcileRequestAnnotation, "now"),
		"set finalizer":        func(obj *v1alpha1.ImageImport) { obj.Finalizers = append(obj.Finalizers, "example.com/mine") },
		"remove the finalizer": func(obj *v1alpha1.ImageImport) { obj.Finalizers = nil },
	}
	for name, change := range changes {
		t.Run(name, func(t *testing.T) {
			w := w.in(t)
			obj := w.create(admin, annotate(v1alpha1.ImportAnnotation, ourRecord), func(obj *v1alpha1.ImageImport) {
				obj.Finalizers = []string{v1alpha1.ImageFinalizer}
			})
			w.Expect(w.edit(tenant, obj, change)).To(Succeed())

			// The whole object, the record as it was included.
			full := w.get(obj)
			full.Spec.TimeoutSeconds = 60
			w.Expect(w.as(tenant).Update(w.ctx, full)).To(Succeed())
			w.Expect(w.get(obj).Annotations).To(HaveKeyWithValue(v1alpha1.ImportAnnotation, ourRecord))
			w.Expect(w.as(tenant).Delete(w.ctx, obj)).To(Succeed())
		})
	}
}

// Backups, moves and copied manifests bring a record along.
func TestAnObjectIsCreatedWithARecord(t *testing.T) {
	w := newWorld(t)
	obj := w.create(tenant, annotate(v1alpha1.ImportAnnotation, ourRecord))
	w.Expect(w.get(obj).Annotations).To(HaveKeyWithValue(v1alpha1.ImportAnnotation, ourRecord))
	w.Expect(w.edit(tenant, obj, unannotate(v1alpha1.ImportAnnotation))).To(refused(v1alpha1.ImportAnnotation))

	// The way out that the message names.
	w.Expect(w.as(tenant).Delete(w.ctx, obj)).To(Succeed())
	again := w.imageImport(func(again *v1alpha1.ImageImport) { again.Name = obj.Name })
	w.Expect(w.as(tenant).Create(w.ctx, again)).To(Succeed())
}

func TestStatusIsNoWayAround(t *testing.T) {
	w := newWorld(t)
	const reporter = "reporter"
	w.bindOwn(reporter, rbacv1.PolicyRule{Resources: []string{"imageimports/status"}, Verbs: []string{"patch", "update"}})
	w.awaitRight(reporter, "patch", "status", "")
	forged := func(obj *v1alpha1.ImageImport) {
		annotate(v1alpha1.ImportAnnotation, "forged")(obj)
		annotate(v1alpha1.AdoptAnnotation, "m-other")(obj)
		obj.Status.ImageID = "m-other"
	}
	report := func(user string, obj *v1alpha1.ImageImport) error {
		changed := obj.DeepCopy()
		forged(changed)
		return w.as(user).Status().Patch(w.ctx, changed, client.MergeFrom(obj))
	}
	obj := w.create(admin, annotate(v1alpha1.ImportAnnotation, ourRecord))

	err := report(tenant, obj)
	w.Expect(apierrors.IsForbidden(err)).To(BeTrue(), "got %v", err)
	w.Expect(err).To(MatchError(ContainSubstring("cannot patch resource")))

	// The apiserver takes nothing but the status from a write to the status, so there is nothing to refuse.
	w.Expect(report(reporter, obj)).To(Succeed())
	current := w.get(obj)
	w.Expect(current.Status.ImageID).To(Equal("m-other"))
	w.Expect(current.Annotations).To(Equal(map[string]string{v1alpha1.ImportAnnotation: ourRecord}))

	current.Status.ImageID = "m-another"
	current.Annotations = nil
	w.Expect(w.as(reporter).Status().Update(w.ctx, current)).To(Succeed())
	w.Expect(w.get(obj).Annotations).To(Equal(map[string]string{v1alpha1.ImportAnnotation: ourRecord}))

	w.Expect(w.edit(reporter, obj, retain)).To(MatchError(ContainSubstring("cannot patch resource")))
	w.Expect(report(operator, w.create(admin))).To(Succeed())
}
