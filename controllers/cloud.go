// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ens-image-operator/ens-image-operator/api/v1alpha1"
	"github.com/ens-image-operator/ens-image-operator/internal/ens"
	"github.com/ens-image-operator/ens-image-operator/internal/fairqueue"
	"github.com/ens-image-operator/ens-image-operator/internal/imagewatch"
)

const (
	// secretReuse is how long a Secret that was read serves all objects that name it.
	secretReuse = time.Second
	// idleCloud is how long what belongs to an account that nobody uses is kept.
	idleCloud = time.Hour
	// shareChecks is how many objects look at the sharing of their image after each look for drift: no listing shows it.
	shareChecks = 10
)

// cloud is what all objects share that call the cloud with the same identity.
type cloud struct {
	limits *ens.Limits
	watch  *imagewatch.Watch
	queue  *fairqueue.Queue
	// counted are the sources whose imports of an earlier operator are counted.
	counted sets.Set[types.NamespacedName]
	used    time.Time
	stop    context.CancelFunc
}

// clouds are the accounts in use. It is a manager.Runnable, which looks at them while the manager runs.
type clouds struct {
	r *Reconciler

	mu         sync.Mutex
	byIdentity map[string]*cloud
	byObject   map[types.NamespacedName]*cloud
	secrets    map[types.NamespacedName]reading
	// run starts to look at an account, once the manager runs.
	run func(*cloud)
}

// reading is what a Secret held a moment ago.
type reading struct {
	account *account
	err     error
	at      time.Time
}

// clouds returns the accounts in use.
func (r *Reconciler) clouds() *clouds {
	r.once.Do(func() {
		r.accounts = &clouds{
			r: r, byIdentity: map[string]*cloud{}, byObject: map[types.NamespacedName]*cloud{}, secrets: map[types.NamespacedName]reading{},
		}
	})
	return r.accounts
}

// NeedLeaderElection implements manager.LeaderElectionRunnable.
func (c *clouds) NeedLeaderElection() bool { return true }

// Start implements manager.Runnable.
func (c *clouds) Start(ctx context.Context) error {
	var looking sync.WaitGroup
	c.mu.Lock()
	c.run = func(shared *cloud) {
		looks, stop := context.WithCancel(ctx)
		shared.stop = stop
		looking.Go(func() { shared.watch.Run(looks) })
	}
	for _, shared := range c.byIdentity {
		c.run(shared)
	}
	c.mu.Unlock()
	<-ctx.Done()
	c.mu.Lock()
	c.run = func(*cloud) {}
	c.mu.Unlock()
	looking.Wait()
	return nil
}

// account returns the cloud client that the object's credentials open. It fails with a *credentialsError when they
// are missing or incomplete. What was read a moment ago may answer.
func (c *clouds) account(ctx context.Context, obj *v1alpha1.ImageImport) (*account, error) {
	found, err := c.read(ctx, sourceOf(obj))
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if before := c.byObject[client.ObjectKeyFromObject(obj)]; before != found.cloud {
		if before != nil {
			before.forget(client.ObjectKeyFromObject(obj))
		}
		c.byObject[client.ObjectKeyFromObject(obj)] = found.cloud
	}
	return found, nil
}

// read returns the account that a Secret, or the operator's own credentials, open now.
func (c *clouds) read(ctx context.Context, source types.NamespacedName) (*account, error) {
	now := c.r.Clock.Now()
	c.mu.Lock()
	known, read := c.secrets[source]
	c.mu.Unlock()
	if age := now.Sub(known.at); read && age >= 0 && age < min(secretReuse, c.r.Timing.SecretCheck) {
		return known.account, known.err
	}
	found, err := c.r.open(ctx, source)
	if _, denied := errors.AsType[*credentialsError](err); err != nil && !denied {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if found != nil {
		found.cloud = c.cloud(found.identity)
		found.Client = found.WithLimits(found.cloud.limits)
		if err := c.countImports(ctx, found.cloud, source); err != nil {
			return nil, err
		}
	}
	if len(c.secrets) > 1000 {
		clear(c.secrets)
	}
	c.secrets[source] = reading{account: found, err: err, at: now}
	return found, err
}

// reread has the Secret read again: the cloud has refused what was in it.
func (c *clouds) reread(source types.NamespacedName) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.secrets, source)
}

// cloud returns what belongs to an identity. The caller holds the lock.
func (c *clouds) cloud(identity string) *cloud {
	now := c.r.Clock.Now()
	if shared := c.byIdentity[identity]; shared != nil {
		shared.used = now
		return shared
	}
	for other, unused := range c.byIdentity {
		if now.Sub(unused.used) > idleCloud && unused.watch.Idle() && unused.queue.Idle() {
			delete(c.byIdentity, other)
			if unused.stop != nil {
				unused.stop()
			}
		}
	}
	shared := c.newCloud(identity)
	shared.used = now
	c.byIdentity[identity] = shared
	if c.run != nil {
		c.run(shared)
	}
	return shared
}

func (c *clouds) newCloud(identity string) *cloud {
	timing, limits := c.r.Timing, ens.NewLimits(c.r.CallsPerSecond)
	shared := &cloud{limits: limits, counted: sets.New[types.NamespacedName]()}
	shared.watch = imagewatch.New(imagewatch.Options{
		Open: func(ctx context.Context, source types.NamespacedName) (imagewatch.Reader, string, error) {
			return c.reopen(ctx, source, identity)
		},
		Wake: c.wake, Marker: nameSuffix(c.r.ClusterUID, ""), Clock: c.r.Clock, Gather: timing.Gather,
		Backoff: timing.BackoffBase, MaxBackoff: timing.BackoffMax, Denied: timing.Denied, Recheck: timing.SecretCheck, Checks: shareChecks,
	})
	take := func(action string) time.Duration {
		if action == actionImport && shared.watch.Troubled() {
			// Another call without an answer would cost another object the wait for its outcome.
			return timing.BackoffBase
		}
		return limits.Take(action)
	}
	shared.queue = fairqueue.New(fairqueue.Options{Take: take, Wake: c.wake, Bounded: actionImport, Most: c.r.MaxConcurrentImports})
	return shared
}

// reopen returns the account of a source, as long as it is the one with this identity.
func (c *clouds) reopen(ctx context.Context, source types.NamespacedName, identity string) (imagewatch.Reader, string, error) {
	opened, err := c.read(ctx, source)
	if _, denied := errors.AsType[*credentialsError](err); denied || err == nil && opened.identity != identity {
		return nil, "", imagewatch.ErrMoved
	}
	if err != nil {
		return nil, "", err
	}
	return opened, opened.secretVersion, nil
}

// countImports counts, once, the imports that an operator before this one has started with the credentials of a source. The
// caller holds the lock.
func (c *clouds) countImports(ctx context.Context, shared *cloud, source types.NamespacedName) error {
	if shared.counted.Has(source) {
		return nil
	}
	err := c.r.eachObject(ctx, false, func(obj *v1alpha1.ImageImport) {
		own, _, _ := readIntent(obj, c.r.ClusterUID)
		if own != nil && own.open() && sourceOf(obj) == source {
			shared.queue.Count(client.ObjectKeyFromObject(obj))
			if c.byObject[client.ObjectKeyFromObject(obj)] == nil {
				// It may go before it has ever called this cloud.
				c.byObject[client.ObjectKeyFromObject(obj)] = shared
			}
		}
	}, client.InNamespace(source.Namespace))
	if err == nil {
		shared.counted.Insert(source)
	}
	return err
}

// forget ends the care for an object.
func (c *clouds) forget(object types.NamespacedName) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.byObject, object)
	// All of them: one may count an import of the object although another one looks after it now.
	for _, shared := range c.byIdentity {
		shared.forget(object)
	}
}

func (shared *cloud) forget(object types.NamespacedName) {
	shared.watch.Forget(object)
	shared.queue.Settle(object, "", false)
}

func (c *clouds) wake(object types.NamespacedName, first bool) {
	if c.r.Wake != nil {
		c.r.Wake(object, first)
	}
}

// NextLook is when the next look at an account is due, zero for never. LookNow carries out the looks that are due. A manager
// does both by itself; they are for those who drive the reconciler by hand, in virtual time.
func (r *Reconciler) NextLook() (next time.Time) {
	for _, watch := range r.clouds().watches() {
		if due := watch.Due(); next.IsZero() || !due.IsZero() && due.Before(next) {
			next = due
		}
	}
	return next
}

// LookNow : see NextLook.
func (r *Reconciler) LookNow(ctx context.Context) {
	for _, watch := range r.clouds().watches() {
		if due := watch.Due(); !due.IsZero() && !due.After(r.Clock.Now()) {
			watch.Round(ctx)
		}
	}
}

func (c *clouds) watches() (all []*imagewatch.Watch) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, shared := range c.byIdentity {
		all = append(all, shared.watch)
	}
	return all
}

// sourceOf names the Secret of an object, empty for the operator's own credentials.
func sourceOf(obj *v1alpha1.ImageImport) types.NamespacedName {
	if obj.Spec.Credentials.SecretRef.Name == "" {
		return types.NamespacedName{}
	}
	return types.NamespacedName{Namespace: obj.Namespace, Name: obj.Spec.Credentials.SecretRef.Name}
}

// identityOf tells accounts apart as far as access keys can. The secret is a part of it: who knows no more of a key than its ID
// shares nothing with those who may use it. Temporary keys change all the time: for them, where they are from stands for it.
func identityOf(credentials ens.Credentials, source types.NamespacedName) string {
	if credentials.SecurityToken != "" {
		return fmt.Sprintf("temporary keys of %s", source)
	}
	sum := sha256.Sum256([]byte("ensimport/account/v1|" + credentials.AccessKeyID + "|" + credentials.AccessKeySecret))
	return hex.EncodeToString(sum[:])
}
