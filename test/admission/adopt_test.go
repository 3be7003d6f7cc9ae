// SPDX-License-Identifier: Apache-2.0

package admission

import (
	"fmt"
	"testing"

	. "github.com/onsi/gomega"
	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/ens-image-operator/ens-image-operator/api/v1alpha1"
	"github.com/ens-image-operator/ens-image-operator/test/testenv"
)

func TestOnlyAnAdopterSetsTheWishToAdopt(t *testing.T) {
	w := newWorld(t)
	wished := annotate(v1alpha1.AdoptAnnotation, "m-other")
	everybody := []who{{tenant, true}, {adopter, true}, {operator, true}, {admin, true}}
	privileged := []who{{tenant, false}, {adopter, true}, {operator, true}, {admin, true}}
	changes := map[string]struct {
		before, change manifestChange
		whom           []who
	}{
		"set":        {untouched, wished, privileged},
		"set beside": {untouched, func(obj *v1alpha1.ImageImport) { retain(obj); wished(obj) }, privileged},
		"fill":       {annotate(v1alpha1.AdoptAnnotation, ""), wished, privileged},
		"change":     {wished, annotate(v1alpha1.AdoptAnnotation, "m-another"), privileged},
		"empty":      {wished, annotate(v1alpha1.AdoptAnnotation, ""), everybody},
		"set empty":  {untouched, annotate(v1alpha1.AdoptAnnotation, ""), everybody},
		"remove":     {wished, unannotate(v1alpha1.AdoptAnnotation), everybody},
		"leave":      {wished, retain, everybody},
	}
	for name, c := range changes {
		for _, who := range c.whom {
			t.Run(fmt.Sprintf("%s/%s", name, who), func(t *testing.T) {
				w.in(t).attempt(who, c.before, c.change, v1alpha1.AdoptAnnotation)
			})
		}
	}
}

func TestOnlyAnAdopterCreatesAnObjectThatAdopts(t *testing.T) {
	w := newWorld(t)
	for _, who := range []who{{tenant, false}, {adopter, true}, {admin, true}} {
		t.Run(who.String(), func(t *testing.T) {
			w := w.in(t)
			obj := w.imageImport(annotate(v1alpha1.AdoptAnnotation, "m-other"))
			w.Expect(w.as(who.user).Create(w.ctx, obj)).To(outcome(who.allowed, v1alpha1.AdoptAnnotation))
			empty := w.imageImport(annotate(v1alpha1.AdoptAnnotation, ""))
			w.Expect(w.as(who.user).Create(w.ctx, empty)).To(Succeed())
		})
	}
}

// The right to adopt says nothing about the record, and the other way round it does.
func TestBothAnnotationsAtOnce(t *testing.T) {
	w := newWorld(t)
	both := func(obj *v1alpha1.ImageImport) {
		annotate(v1alpha1.ImportAnnotation, ourRecord)(obj)
		annotate(v1alpha1.AdoptAnnotation, "m-other")(obj)
	}
	obj := w.create(admin)
	w.Expect(w.edit(tenant, obj, both)).To(refused(v1alpha1.ImportAnnotation))
	w.Expect(w.edit(adopter, obj, both)).To(refused(v1alpha1.ImportAnnotation))
	w.Expect(w.edit(operator, obj, both)).To(Succeed())

	forged := w.imageImport(both)
	w.Expect(w.as(tenant).Create(w.ctx, forged)).To(refused(v1alpha1.AdoptAnnotation))
	w.Expect(w.as(adopter).Create(w.ctx, w.imageImport(both))).To(Succeed())
}

func TestAnAdopterOfAnotherNamespaceIsATenantHere(t *testing.T) {
	w := newWorld(t)
	const neighbour = "neighbour"
	w.bind(neighbour, "ClusterRole", editorRole)
	w.awaitRight(neighbour, "patch", "", "")
	there := &world{WithT: w.WithT, t: w.t, ctx: w.ctx, ns: testenv.Namespace(t)}
	there.bind(neighbour, "ClusterRole", editorRole)
	there.bind(neighbour, "ClusterRole", adopterRole)
	there.awaitRight(neighbour, "patch", "", "")
	there.awaitRight(neighbour, "adopt", "", "")

	wished := annotate(v1alpha1.AdoptAnnotation, "m-other")
	w.Expect(w.edit(neighbour, w.create(neighbour), wished)).To(refused(v1alpha1.AdoptAnnotation))
	w.Expect(there.edit(neighbour, there.create(neighbour), wished)).To(Succeed())
}

func TestRightsMayBeGivenForOneObject(t *testing.T) {
	w := newWorld(t)
	const curator = "curator"
	w.bind(curator, "ClusterRole", editorRole)
	w.bindOwn(curator, rbacv1.PolicyRule{
		Resources: []string{"imageimports"}, ResourceNames: []string{"mine"}, Verbs: []string{"adopt", "record"},
	})
	w.awaitRight(curator, "patch", "", "")
	w.awaitRight(curator, "record", "", "mine")
	wished, recorded := annotate(v1alpha1.AdoptAnnotation, "m-other"), annotate(v1alpha1.ImportAnnotation, ourRecord)

	w.Expect(w.as(curator).Create(w.ctx, w.imageImport(named("other"), wished))).To(refused(v1alpha1.AdoptAnnotation))
	other := w.create(curator, named("other"))
	w.Expect(w.edit(curator, other, recorded)).To(refused(v1alpha1.ImportAnnotation))
	mine := w.create(curator, named("mine"), wished)
	w.Expect(w.edit(curator, mine, recorded)).To(Succeed())
}
