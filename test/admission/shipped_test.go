// SPDX-License-Identifier: Apache-2.0

package admission

import (
	"slices"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/client-go/discovery"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ens-image-operator/ens-image-operator/api/v1alpha1"
	"github.com/ens-image-operator/ens-image-operator/test/testenv"
)

// TestVerbsAreRare : a role that is aggregated to edit or admin must not bring what the policy reserves.
func TestVerbsAreRare(t *testing.T) {
	w := newWorld(t)
	var roles rbacv1.ClusterRoleList
	w.Expect(testenv.Client().List(w.ctx, &roles)).To(Succeed())
	for verb, want := range map[string]string{"record": managerRole, "adopt": adopterRole} {
		var holders []string
		for _, role := range roles.Items {
			if slices.ContainsFunc(role.Rules, func(rule rbacv1.PolicyRule) bool {
				return slices.Contains(rule.APIGroups, v1alpha1.GroupVersion.Group) &&
					(slices.Contains(rule.Verbs, verb) || slices.Contains(rule.Verbs, rbacv1.VerbAll))
			}) {
				holders = append(holders, role.Name)
				for label := range role.Labels {
					w.Expect(label).NotTo(HavePrefix("rbac.authorization.k8s.io/aggregate-to-"), role.Name)
				}
			}
		}
		w.Expect(holders).To(ConsistOf(want), verb)
	}
}

// TestPolicyCoversTheAPI : a version or subresource that is served but not matched would be a way around the guard.
func TestPolicyCoversTheAPI(t *testing.T) {
	w := newWorld(t)
	policy := &admissionregistrationv1.ValidatingAdmissionPolicy{}
	w.Expect(testenv.Client().Get(w.ctx, client.ObjectKey{Name: policyName}, policy)).To(Succeed())
	w.Expect(policy.Spec.MatchConstraints.ResourceRules).To(HaveLen(1))
	rule := policy.Spec.MatchConstraints.ResourceRules[0]

	served, err := discovery.NewDiscoveryClientForConfig(testenv.Config())
	w.Expect(err).NotTo(HaveOccurred())
	list, err := served.ServerResourcesForGroupVersion(v1alpha1.GroupVersion.String())
	w.Expect(err).NotTo(HaveOccurred())
	var resources []string
	for _, resource := range list.APIResources {
		if name, _, _ := strings.Cut(resource.Name, "/"); name == "imageimports" {
			resources = append(resources, resource.Name)
		}
	}
	w.Expect(rule.Resources).To(ConsistOf(resources))
	w.Expect(rule.APIGroups).To(ConsistOf(v1alpha1.GroupVersion.Group))
}
