// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/ens-image-operator/ens-image-operator/api/v1alpha1"
	"github.com/ens-image-operator/ens-image-operator/internal/ens"
)

// maxEffects bounds the effects of one reconcile. The longest way is to take an image away from 1000 accounts, which the
// API does one by one.
const maxEffects = 1100

// reconcileTimeout bounds the effects of one reconcile, tellTimeout the report of them.
const (
	reconcileTimeout = 2 * time.Minute
	tellTimeout      = 30 * time.Second
)

// Reconciler brings ImageImports and the images in ENS together.
type Reconciler struct {
	// Client reads from the cache and writes. APIReader reads Secrets and the cluster's identity live.
	Client    client.Client
	APIReader client.Reader
	Events    events.EventRecorder
	Endpoint  *ens.Endpoint
	// ClusterUID is the uid of the namespace kube-system, see ReadClusterUID.
	ClusterUID types.UID
	Timing     Timing
	Clock      clock.PassiveClock
	// CallsPerSecond bounds the calls to each account, of each action and of all together; 0: any number.
	// MaxConcurrentImports bounds the imports of each account that run at the same time; 0: any number.
	CallsPerSecond       float64
	MaxConcurrentImports int
	// Sharded is true when the cache may lack objects that other operators look after.
	Sharded bool
	// Wake has an object reconciled. The controller that SetupWithManager sets up sets it when it starts.
	// first: before what is still to begin.
	Wake func(object types.NamespacedName, first bool)

	once     sync.Once
	accounts *clouds
}

// +kubebuilder:rbac:groups=ens.alibabacloud.com,resources=imageimports,verbs=get;list;watch;patch;record
// +kubebuilder:rbac:groups=ens.alibabacloud.com,resources=imageimports/status,verbs=patch
// +kubebuilder:rbac:groups="",resources=secrets,verbs=get
// +kubebuilder:rbac:groups="",resources=namespaces,verbs=get
// +kubebuilder:rbac:groups=events.k8s.io,resources=events,verbs=create;patch

// Reconcile takes one object as far as it can go now: decide names one effect, perform carries it out, until there is
// nothing more to do. Every way out but a Kubernetes error ends in a report to the object's status.
func (r *Reconciler) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	obj := &v1alpha1.ImageImport{}
	if err := r.Client.Get(ctx, request.NamespacedName, obj); err != nil {
		if apierrors.IsNotFound(err) {
			r.clouds().forget(request.NamespacedName)
		}
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	if wait, err := r.notYet(ctx, obj); wait > 0 || err != nil {
		return ctrl.Result{RequeueAfter: wait}, err
	}
	s := &state{obj: obj, cluster: r.ClusterUID, timing: r.Timing, requested: pendingRequest(obj)}
	s.intent, s.foreign, s.intentErr = readIntent(obj, r.ClusterUID)

	// A shutdown ends a reconcile between two effects, not within one: a call that is cut has an unknown outcome, and a
	// recorded attempt that is not sent, or an answer that is not written down, costs the next operator a long wait.
	work, cancel := context.WithTimeout(context.WithoutCancel(ctx), reconcileTimeout)
	defer cancel()
	outcome, err := r.advance(work, ctx.Err, s)
	r.announceUnshared(s)
	var wait time.Duration
	if err == nil && !outcome.silent {
		// The effects may have used up their time, and what came of them still has to be told.
		telling, done := context.WithTimeout(context.WithoutCancel(ctx), tellTimeout)
		defer done()
		wait, err = r.tell(telling, s, outcome)
	}
	if err == nil {
		// Whoever was woken first comes back like all others.
		return ctrl.Result{RequeueAfter: r.follow(s, outcome, wait), Priority: new(0)}, nil
	}
	r.giveBack(s)
	if apierrors.IsConflict(err) || apierrors.IsNotFound(err) || errors.Is(err, errStale) {
		// The cache was stale, or the object is gone. Whatever was done in the cloud is found again by its token.
		log.FromContext(ctx).V(1).Info("reconciling again, the object has changed", "cause", err.Error())
		return ctrl.Result{RequeueAfter: r.Timing.BackoffBase}, nil
	}
	return ctrl.Result{}, err
}

// advance performs effect after effect until there is something to report, or stopped says that nothing new is to be
// begun.
func (r *Reconciler) advance(ctx context.Context, stopped func() error, s *state) (report, error) {
	for range maxEffects {
		if stopped() != nil && s.answer == nil && s.permit == nil {
			return report{silent: true}, nil
		}
		s.now = r.Clock.Now()
		e := decide(s)
		if e.verb == rest {
			return e.report, nil
		}
		if outcome, mayGoOn := r.takeTurn(s, e); !mayGoOn {
			return outcome, nil
		}
		if err := r.perform(ctx, s, e); err != nil {
			return r.interrupted(s, err)
		}
		s.turn = ""
		r.announce(ctx, s, e)
		if e.verb == removeFinalizer {
			return report{silent: true}, nil
		}
	}
	return report{}, fmt.Errorf("%d effects did not bring ImageImport to rest", maxEffects)
}

// takeTurn returns what to report until it is this object's turn to carry out the effect, when it is not.
func (r *Reconciler) takeTurn(s *state, e effect) (outcome report, mayGoOn bool) {
	action := e.turn()
	if action == "" {
		return report{}, true
	}
	if e.verb == deleteImage && s.now.Sub(s.seen.begun) > sendWindow {
		// What proves whose the image is was seen before the wait for this turn, which is kept.
		s.waitsFor = action
		if r.lookAgain(s) {
			return report{silent: true, pending: true}, false
		}
		// The look has just come, or failed.
		return report{silent: true}.backAfter(r.Timing.BackoffBase), false
	}
	others, now := s.account.cloud.queue.Turn(client.ObjectKeyFromObject(s.obj), action)
	if now {
		s.turn = action
		return report{}, true
	}
	s.waitsFor = action
	switch {
	case e.starts:
		return s.queued(others).report, false
	case !s.obj.DeletionTimestamp.IsZero():
		return s.rest(progressing(v1alpha1.ReasonDeleting, "the calls that delete the image wait for their turn")).report, false
	}
	return report{silent: true}, false
}

// giveBack keeps a turn for the next reconcile that this one could not use.
func (r *Reconciler) giveBack(s *state) {
	if s.turn != "" {
		s.account.cloud.queue.Return(client.ObjectKeyFromObject(s.obj), s.turn)
	}
}

func (r *Reconciler) interrupted(s *state, err error) (report, error) {
	if errors.Is(err, errPending) {
		return s.pending(), nil
	}
	refused, is := errors.AsType[*ens.Error](err)
	if is && refused.Class == ens.ClassDenied && refused.Action != ens.ActionList {
		r.clouds().reread(s.account.source)
	}
	return s.interrupted(err)
}

// interrupted reports an error that belongs to the user, and passes on one of Kubernetes.
func (s *state) interrupted(err error) (report, error) {
	if refused, is := errors.AsType[*ens.Error](err); is {
		return s.rest(s.failing(refused)).report, nil
	}
	return report{}, err
}

// tell writes the report to the status, if it changes anything, and then to the events. It returns when to reconcile
// again. The resourceVersion keeps a replica that was paused from writing old news over new.
func (r *Reconciler) tell(ctx context.Context, s *state, outcome report) (time.Duration, error) {
	for {
		base := s.obj.DeepCopy()
		wait := outcome.apply(s.obj, r.Clock.Now(), r.Timing)
		if equality.Semantic.DeepEqual(base.Status, s.obj.Status) || onlyStage(&base.Status, &s.obj.Status, r.Clock.Now(), r.Timing) {
			return wait, nil
		}
		err := r.Client.Status().Patch(ctx, s.obj, client.MergeFromWithOptions(base, client.MergeFromWithOptimisticLock{}))
		if apierrors.IsConflict(err) {
			// News of the user's, or of another replica, are not what the report speaks of: the next reconcile answers them.
			err = r.refresh(ctx, s, base)
			if err == nil && s.obj.Generation == base.Generation && s.obj.ReconcileRequest() == base.ReconcileRequest() &&
				equality.Semantic.DeepEqual(s.obj.Status, base.Status) {
				continue
			}
			err = cmp.Or(err, errStale)
		}
		if err != nil {
			return 0, fmt.Errorf("writing the status: %w", err)
		}
		r.announceReport(ctx, base, s.obj, outcome)
		return wait, nil
	}
}

// refresh reads the object live after a conflict. It fails with errStale when another replica was at work: what was
// learned is then no longer about this object.
func (r *Reconciler) refresh(ctx context.Context, s *state, known *v1alpha1.ImageImport) error {
	// Into a new object: decoding leaves standing what the answer lacks.
	current := &v1alpha1.ImageImport{}
	if err := r.APIReader.Get(ctx, client.ObjectKeyFromObject(known), current); err != nil {
		return err
	}
	sameRecord := current.Annotations[v1alpha1.ImportAnnotation] == known.Annotations[v1alpha1.ImportAnnotation]
	if current.UID != known.UID || !sameRecord {
		return errStale
	}
	s.obj, s.requested = current, pendingRequest(current)
	return nil
}

// pendingRequest is true when the user asked for a reconcile that was not handled yet.
func pendingRequest(obj *v1alpha1.ImageImport) bool {
	return obj.ReconcileRequest() != "" && obj.ReconcileRequest() != obj.Status.LastHandledReconcileAt
}

// notYet returns how long the object still has to wait after its last error, 0 when it is due. News from the user make
// it due at once: a changed spec, a request, a deletion, or another version of the Secret that was at fault.
func (r *Reconciler) notYet(ctx context.Context, obj *v1alpha1.ImageImport) (time.Duration, error) {
	status := &obj.Status
	switch {
	case status.NextRetryTime == nil, status.ObservedGeneration != obj.Generation, status.LastHandledReconcileAt != obj.ReconcileRequest():
		return 0, nil
	}
	wait := status.NextRetryTime.Sub(r.Clock.Now())
	if wait <= 0 || !waitsForCredentials(obj) {
		return max(wait, 0), nil
	}
	opened, err := r.clouds().read(ctx, sourceOf(obj))
	if _, missing := errors.AsType[*credentialsError](err); missing {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	if opened.secretVersion != status.CredentialsResourceVersion {
		return 0, nil
	}
	return min(wait, r.Timing.SecretCheck), nil
}

// waitsForCredentials is true when a corrected Secret would help.
func waitsForCredentials(obj *v1alpha1.ImageImport) bool {
	return obj.Spec.Credentials.SecretRef.Name != "" && readyReason(obj) == v1alpha1.ReasonAccessDenied
}

func readyReason(obj *v1alpha1.ImageImport) string {
	if condition := meta.FindStatusCondition(obj.Status.Conditions, v1alpha1.ConditionReady); condition != nil {
		return condition.Reason
	}
	return ""
}
