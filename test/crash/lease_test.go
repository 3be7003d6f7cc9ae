// SPDX-License-Identifier: Apache-2.0

package crash

import (
	"iter"
	"maps"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"
)

const leaseName = "ens-image-operator"

// A lease passes on in less time than the import of TestLease takes.
var leaseDuration, renewDeadline, retryPeriod = 1500 * time.Millisecond, time.Second, 200 * time.Millisecond

const kubeStatus = "kube-PATCH-imageimports-status"

// passedOn is long enough that the next leader finds an import that is still running.
var passedOn = scenario{
	name: "lease", imports: 1,
	cloud: creatingForSeconds,
	steps: []step{create, untilReady, rename("ubuntu-renamed"), untilReady, remove, untilGone},
}

// TestLease lets the leader's renewals fail from a moment on: another manager leads, and the first one, which ends in
// production, goes on with what it has begun, like a process that was paused.
func TestLease(t *testing.T) {
	expected := undisturbed(t, passedOn, newFrontier())
	eachMoment(maps.Keys(kubeReplies), func(name, since string) {
		t.Run(name+"-from-"+since, func(t *testing.T) { loseLease(t, since, kubeReplies[name], expected) })
	})
}

// eachMoment combines names with the boundaries of an import from which on something fails.
func eachMoment(names iter.Seq[string], f func(name, since string)) {
	var all [][2]string
	for name := range names {
		for _, since := range []string{kubeIntent, "cloud-" + importImage, kubeStatus} {
			all = append(all, [2]string{name, since})
		}
	}
	each(all, func(moment [2]string) { f(moment[0], moment[1]) })
}

func loseLease(t *testing.T, since string, fails kubeReply, expected outcome) {
	t.Helper()
	defer occupy()()
	r := newRun(t, passedOn)
	r.elects, r.restarts = true, false
	var electing sync.Mutex
	r.meddle = func(m *manager, request *http.Request, next http.RoundTripper) (*http.Response, error) {
		if request.Method == http.MethodGet || !strings.Contains(request.URL.Path, "/leases") {
			return next.RoundTrip(request)
		}
		electing.Lock()
		if r.deposed == nil && m.gate.reached()[since] > 0 {
			r.deposed = m
		}
		deposed := r.deposed == m
		electing.Unlock()
		if deposed {
			return fails(request, next)
		}
		return next.RoundTrip(request)
	}
	grantLease(t, r)
	r.perform(boundary{}, boundary{})
	r.assertInvariants(&expected)
	results.add(passedOn.name, r.violations)
	for _, m := range r.managers {
		writes := m.gate.reached()[kubeIntent]
		switch {
		case r.deposed == nil:
			t.Fatal("nobody has lost the lease")
		case m != r.deposed && writes == 0:
			t.Errorf("manager %d did not take over", m.number)
		}
	}
	results.killed(passedOn.name, boundary{after, since, 1})
}

// grantLease gives the operator's user the shipped Role for the lease, in the run's namespace.
func grantLease(t *testing.T, r *run) {
	t.Helper()
	raw, err := os.ReadFile("../../config/rbac/leader_election_role.yaml")
	role := &rbacv1.Role{}
	if err == nil {
		err = yaml.UnmarshalStrict(raw, role)
	}
	if err == nil {
		role.Namespace = r.ns
		err = r.client.Create(r.ctx, role)
	}
	if err == nil {
		err = r.client.Create(r.ctx, &rbacv1.RoleBinding{
			ObjectMeta: metav1.ObjectMeta{Name: role.Name, Namespace: r.ns},
			RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: role.Name},
			Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: operatorUser}},
		})
	}
	if err != nil {
		t.Fatal(err)
	}
}
