// SPDX-License-Identifier: Apache-2.0

package admission

import (
	. "github.com/onsi/gomega"
	gomegatypes "github.com/onsi/gomega/types"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ens-image-operator/ens-image-operator/api/v1alpha1"
)

// who is a user, and whether what a table is about is allowed to them.
type who struct {
	user    string
	allowed bool
}

func (who who) String() string {
	if who.user == admin {
		return "admin"
	}
	return who.user
}

type manifestChange = func(*v1alpha1.ImageImport)

func untouched(*v1alpha1.ImageImport) {}

func named(name string) manifestChange {
	return func(obj *v1alpha1.ImageImport) { obj.GenerateName, obj.Name = "", name }
}

func annotate(name, value string) manifestChange {
	return func(obj *v1alpha1.ImageImport) { metav1.SetMetaDataAnnotation(&obj.ObjectMeta, name, value) }
}

func unannotate(name string) manifestChange {
	return func(obj *v1alpha1.ImageImport) { delete(obj.Annotations, name) }
}

func retain(obj *v1alpha1.ImageImport) { obj.Spec.DeletionPolicy = v1alpha1.DeletionRetain }

// advice is what the refusal tells a person: the annotation, who may write it, and what to do instead.
var advice = map[string][]string{
	v1alpha1.ImportAnnotation: {"only by the operator", "verb record on imageimports", "kubectl apply", "include it in the manifest"},
	v1alpha1.AdoptAnnotation:  {"verb adopt on imageimports", adopterRole, "everybody may remove it", "Leave it out"},
}

// refused matches the policy's refusal because of the annotation, and no other, such as RBAC's.
func refused(annotation string) gomegatypes.GomegaMatcher {
	parts := []gomegatypes.GomegaMatcher{
		WithTransform(apierrors.IsForbidden, BeTrue()),
		MatchError(ContainSubstring("ValidatingAdmissionPolicy '" + policyName + "'")),
		MatchError(ContainSubstring("the annotation " + annotation + " ")),
	}
	for _, part := range advice[annotation] {
		parts = append(parts, MatchError(ContainSubstring(part)))
	}
	return And(parts...)
}

// outcome matches what becomes of a request.
func outcome(allowed bool, annotation string) gomegatypes.GomegaMatcher {
	if allowed {
		return Succeed()
	}
	return refused(annotation)
}
