// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"errors"
	"iter"
	"slices"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	"github.com/ens-image-operator/ens-image-operator/api/v1alpha1"
	"github.com/ens-image-operator/ens-image-operator/internal/ens"
)

// The tables say what decide does. These tests say what it must never do, in every combination of what it can know,
// those that no history leads to included.

func foreign(s *state) {
	s.foreign = newIntent(time.Hour)
	s.foreign.UID = "another"
}
func unreadable(s *state) { s.intentErr = errors.New("the annotation cannot be read") }

func bare(s *state) { s.obj.Finalizers = nil }

func also(changes ...change) change {
	return func(s *state) {
		for _, f := range changes {
			f(s)
		}
	}
}

func nothing(*state) {}

// durable are the facts that outlive a reconcile, one list for each kind.
var durable = [][]change{
	{
		nothing, fresh, foreign, open(0), open(time.Minute), open(5 * time.Minute), open(40*time.Minute - time.Second), open(40 * time.Minute), open(3 * time.Hour),
		refused, failedAs("Pack_failed", time.Minute), failedAs("Pack_failed", 2*time.Hour), owns("m-1"),
	},
	{nothing, told("m-1"), also(told(""), startedAt(time.Minute))},
	{nothing, deleting, also(deleting, retain), also(deleting, bare)},
	{nothing, isSuspended},
	{nothing, requested},
	{nothing, edited, otherSource},
}

// learned are the facts of one reconcile.
var learned = [][]change{
	{
		nothing, saw(), saw(image("m-1", "Creating")), saw(image("m-1", "Available")), saw(image("m-1", "Unavailable")), saw(image("m-1", "Pack_failed")),
		saw(image("m-1", "Available"), image("m-2", "Creating")), saw(named("ubuntu-golden", image("m-1", "Available"))),
		func(s *state) {
			if s.intent != nil && s.intent.ImageID == "" {
				s.permit = &permit{intent: *s.intent}
			}
		},
		answered(nil), answered(errRefused), answered(errLost),
	},
	{nothing, asked("m-1"), asked("m-1", "m-2")},
}

// combinations yields one choice of each list, in all ways.
func combinations(lists [][]change) iter.Seq[[]change] {
	return func(yield func([]change) bool) {
		chosen := make([]int, len(lists))
		for {
			given := make([]change, len(lists))
			for i, list := range lists {
				given[i] = list[chosen[i]]
			}
			if !yield(given) {
				return
			}
			i := 0
			for ; i < len(lists); i++ {
				if chosen[i]++; chosen[i] < len(lists[i]) {
					break
				}
				chosen[i] = 0
			}
			if i == len(lists) {
				return
			}
		}
	}
}

// possible rules out what the code cannot produce: permits while suspended, answers to nothing, and images that no
// look-up would return.
func possible(s *state) bool {
	if s.permit != nil && s.obj.Spec.Suspend {
		return false
	}
	opened := s.intent != nil && s.intent.Closed == "" && s.intent.ImageID == ""
	if s.answer != nil && !opened && (s.intent == nil || s.intent.Closed != closedRefused || s.answer.err == nil) {
		return false
	}
	return s.seen == nil || !slices.ContainsFunc(s.seen.images, func(image ens.Image) bool {
		if s.intent != nil && s.intent.ImageID != "" {
			return image.ID != s.intent.ImageID
		}
		return !s.target().matches(image)
	})
}

// offence names the rule that an effect breaks, "" when it keeps them all.
func offence(s *state, e effect) string {
	deleting, age := !s.obj.DeletionTimestamp.IsZero(), time.Duration(0)
	if s.intent != nil {
		age = s.now.Sub(s.intent.SignedAt.Time)
	}
	switch {
	case (e.starts || e.verb == importImage || e.verb == renameImage || e.verb == deleteImage) && s.obj.Spec.Suspend && !deleting:
		return "writes to the cloud while suspended"
	case (e.starts || e.verb == importImage || e.verb == renameImage) && deleting:
		return "imports or renames for an object that is being deleted"
	case e.verb == importImage && (s.permit == nil || s.answer != nil || age > 30*time.Second || s.intent.Closed != "" || s.intent.ImageID != ""):
		return "imports without permission"
	case e.starts && !mayStart(s, age):
		return "starts an attempt while another may make an image"
	case e.verb == writeIntent && !grows(s, e.intent):
		return "turns the intent back"
	case e.verb == writeIntent && !readable(s, e.intent):
		return "writes a record that cannot be read"
	case e.verb == writeIntent && e.intent.Adopted && !mayAdopt(s, e.intent.ImageID):
		return "adopts an image that it was not told to, or that is another's"
	case e.starts && toldToAdopt(s):
		return "imports although it was told to adopt"
	case e.verb >= renameImage && e.verb != removeFinalizer && onlyObserves(s):
		return "writes to the cloud although it only observes"
	case e.verb == deleteImage && outranked(s, e.image):
		return "deletes an image that is another's"
	case e.verb == deleteImage && !proven(s, e.image):
		return "deletes an image without proof"
	case e.verb == deleteImage && slices.Contains(s.deleted, e.image):
		return "deletes an image twice in one reconcile"
	case e.verb == renameImage && (s.intent.ImageID != e.image || !proven(s, e.image)):
		return "renames an image without proof"
	case e.verb == removeFinalizer && !mayGo(s, age):
		return "lets the object go too early"
	case e.verb == look && s.seen != nil:
		return "looks twice"
	case e.verb == rest && !e.report.silent && !wellTold(e.report):
		return "rests without a reason, or for ever"
	}
	return ""
}

func mayStart(s *state, age time.Duration) bool {
	if s.intent == nil {
		unknown := s.obj.Status.ImageID == "" && s.obj.Status.StartTime != nil
		return s.intentErr == nil && !unknown && (s.foreign == nil || s.seen != nil)
	}
	if s.intent.Closed == closedRefused {
		return true
	}
	loser := s.intent.Adopted && s.obj.Spec.ImageID == "" && s.seen != nil && outranked(s, s.intent.ImageID)
	if !loser && (s.seen == nil || len(s.seen.images) > 0) {
		return false
	}
	return loser || !opened(s) || age >= 40*time.Minute || answerRead(s) && s.requested && age >= 2*time.Minute
}

func opened(s *state) bool { return s.intent.Closed == "" && s.intent.ImageID == "" }

func answerRead(s *state) bool {
	return s.obj.Status.RequestID != "" && s.obj.Status.Attempts == s.intent.Attempt
}

func grows(s *state, in *intent) bool {
	return s.intent == nil || in.Epoch >= s.intent.Epoch && in.Attempt >= s.intent.Attempt
}

func readable(s *state, in *intent) bool {
	obj := s.obj.DeepCopy()
	obj.Annotations = map[string]string{v1alpha1.ImportAnnotation: in.encode()}
	own, _, err := readIntent(obj, s.cluster)
	return err == nil && own != nil
}

func proven(s *state, id string) bool {
	if s.intent == nil || s.seen == nil {
		return false
	}
	i := slices.IndexFunc(s.seen.images, func(image ens.Image) bool { return image.ID == id })
	return i >= 0 && (id == s.intent.ImageID || strings.HasSuffix(s.seen.images[i].Name, s.intent.nameSuffix()))
}

// outranked is true when a claim on the image is older than the object, or of the one that imported it.
func outranked(s *state, image string) bool {
	importer := s.intent != nil && !s.intent.Adopted && s.intent.ImageID == image
	return slices.ContainsFunc(s.seen.claims, func(c claim) bool {
		holds := c.wished && s.intent != nil && s.intent.ImageID == image && s.obj.DeletionTimestamp.IsZero()
		return c.image == image && !importer && !holds && (c.imported || c.created.Before(s.obj.CreationTimestamp.Time))
	})
}

func mayAdopt(s *state, image string) bool {
	if s.intent != nil && s.intent.Adopted && s.intent.ImageID == image {
		return true // nothing new
	}
	named := s.obj.Spec.ImageID == image || s.obj.Annotations[v1alpha1.AdoptAnnotation] == image
	there := s.seen != nil && slices.ContainsFunc(slices.Concat(s.seen.images, s.seen.lookalikes), func(i ens.Image) bool { return i.ID == image })
	return named && there && !outranked(s, image)
}

func toldToAdopt(s *state) bool {
	return s.intent == nil && s.obj.Annotations[v1alpha1.AdoptAnnotation] != ""
}

func onlyObserves(s *state) bool {
	settled := s.intent == nil || s.intent.Adopted || s.intent.Closed == closedRefused
	return settled && s.obj.Spec.ManagementPolicy == v1alpha1.ManagementObserveOnly
}

func mayGo(s *state, age time.Duration) bool {
	unowned := s.intent == nil && s.obj.Spec.ImageID != "" || s.intent != nil && s.intent.Adopted
	switch {
	case s.obj.DeletionTimestamp.IsZero() || !controllerutil.ContainsFinalizer(s.obj, v1alpha1.ImageFinalizer):
		return false
	case s.obj.Spec.DeletionPolicy == v1alpha1.DeletionRetain, s.foreign != nil && s.obj.Status.Attempts == 0, onlyObserves(s):
		return true
	case unowned && s.obj.Spec.DeletionPolicy == "", s.intent == nil && s.obj.Spec.ImageID != "":
		return true
	case s.intent != nil && (s.intent.Closed == closedRefused || s.seen != nil && s.intent.ImageID != "" && outranked(s, s.intent.ImageID)):
		return true
	case s.seen == nil || slices.ContainsFunc(s.seen.images, func(i ens.Image) bool { return s.intent != nil || strings.HasSuffix(i.Name, testSuffix) }):
		return false
	case s.intent == nil:
		started := s.obj.Status.StartTime
		return s.obj.Status.ImageID != "" || started == nil || s.now.Sub(started.Time) >= 40*time.Minute
	}
	return !opened(s) || age >= 40*time.Minute || answerRead(s) && age >= 2*time.Minute
}

func wellTold(r report) bool {
	comesBack := r.wait >= 10*time.Second || !r.due.IsZero() || r.retry != retryNever
	return r.reason != "" && r.message != "" && (comesBack || r.reason == v1alpha1.ReasonSuspended)
}

func TestEveryState(t *testing.T) {
	t.Parallel()
	everyState(t, slices.Concat(durable, learned), 50_000)
}

func everyState(t *testing.T, facts [][]change, atLeast int) {
	t.Helper()
	count := 0
	for given := range combinations(facts) {
		s := newState(given...)
		if !possible(s) {
			continue
		}
		count++
		if why := offence(s, decide(s)); why != "" {
			t.Fatalf("decide %s: %+v\nintent %+v\nstatus %+v\nseen %+v", why, *s, s.intent, s.obj.Status, s.seen)
		}
	}
	NewWithT(t).Expect(count).To(BeNumerically(">", atLeast), "the enumeration is not empty")
}

// From every state that an object can be found in, a reconcile comes to rest. reconcile fails when it does not.
func TestEveryReconcileRests(t *testing.T) {
	t.Parallel()
	clouds := [][]ens.Image{
		nil,
		{image("m-1", "Creating")},
		{image("m-1", "Available")},
		{image("m-1", "Pack_failed")},
		{image("m-1", "Available"), image("m-2", "Available")},
	}
	seed := uint64(0)
	for given := range combinations(durable) {
		s := newState(given...)
		for _, images := range clouds {
			owned, refused := s.intent != nil && s.intent.ImageID != "", s.intent != nil && s.intent.Closed == closedRefused
			if owned && len(images) > 1 || refused && len(images) > 0 {
				continue // an owned image is the only one, and a refused import left none
			}
			seed++
			w := newWorld(NewWithT(t), seed)
			w.obj = s.obj.DeepCopy()
			w.obj.ResourceVersion = "1"
			switch {
			case s.intent != nil:
				w.obj.Annotations[v1alpha1.ImportAnnotation] = s.intent.encode()
			case s.intentErr != nil:
				w.obj.Annotations[v1alpha1.ImportAnnotation] = "not this object's"
			}
			if s.requested {
				w.obj.Annotations[v1alpha1.ReconcileRequestAnnotation] = "now"
			}
			for _, image := range images {
				w.images = append(w.images, cloudImage{Image: image, end: image.Status})
			}
			w.reconcile(t)
		}
	}
}
