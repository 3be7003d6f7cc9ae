// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"time"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ens-image-operator/ens-image-operator/api/v1alpha1"
	"github.com/ens-image-operator/ens-image-operator/internal/ens"
)

// world is an apiserver that holds one object and a cloud that holds its images, in memory and in virtual time: what
// decide can be played against. What happens is drawn from random, within the bounds that the protocol assumes: a
// request runs within 31 minutes of its signature, listings lag for a minute at most.
type world struct {
	*WithT
	random *rand.Rand
	timing Timing
	now    time.Time
	// calm is true when nothing goes wrong.
	calm bool
	// twice is true when the cloud may carry one import out two times.
	twice bool

	// obj is as the apiserver holds it, nil when it is gone.
	obj *v1alpha1.ImageImport
	// wake is when the controller comes back by itself, zero: never.
	wake time.Time

	images  []cloudImage
	flights []flight
	nonces  map[string]bool
	made    map[string]int
}

type cloudImage struct {
	ens.Image
	// listed is when listings begin to show it, gone when its deletion is done, settled when its import ends.
	listed, gone, settled time.Time
	end                   string
}

// flight is a request whose sender gave it up and which the cloud may still carry out.
type flight struct {
	at   time.Time
	name string
}

func newWorld(g *WithT, seed uint64) *world {
	w := &world{
		WithT: g, random: rand.New(rand.NewPCG(seed, 7)), timing: DefaultTiming(), now: testNow,
		obj: newObject(), nonces: map[string]bool{}, made: map[string]int{},
	}
	w.obj.CreationTimestamp = metav1.NewTime(testNow.Add(-w.upTo(2 * time.Minute)))
	w.obj.Status.ObservedGeneration = -1
	w.obj.ResourceVersion = "1"
	w.wake = w.now
	return w
}

func (w *world) upTo(d time.Duration) time.Duration { return time.Duration(w.random.Int64N(int64(d))) }

// happens is true in the given share of cases, never in a calm world.
func (w *world) happens(percent int) bool { return !w.calm && w.random.IntN(100) < percent }

// pass lets time pass: imports end, requests arrive late, deletions are done.
func (w *world) pass(d time.Duration) {
	w.now = w.now.Add(d)
	w.flights = slices.DeleteFunc(w.flights, func(f flight) bool {
		if f.at.After(w.now) {
			return false
		}
		w.makeImage(f.name, f.at)
		return true
	})
	for i := range w.images {
		if image := &w.images[i]; image.Status == "Creating" && !image.settled.After(w.now) {
			image.Status = image.end
		}
	}
	w.images = slices.DeleteFunc(w.images, func(image cloudImage) bool {
		return !image.gone.IsZero() && !image.gone.After(w.now)
	})
}

func (w *world) makeImage(name string, at time.Time) string {
	image := cloudImage{
		Image:  ens.Image{ID: fmt.Sprint("m-", len(w.made), "-", len(w.images), "-", w.now.UnixNano()), Name: name, Status: "Creating", CreationTime: at},
		listed: at.Add(w.upTo(time.Minute)), settled: at.Add(w.upTo(10 * time.Minute)), end: ens.StatusAvailable,
	}
	switch {
	case w.happens(15):
		image.end = ens.StatusPackFailed
	case w.happens(5):
		image.end = ens.StatusUnavailable
	}
	w.images = append(w.images, image)
	w.made[name[len(name)-len(testToken):]]++
	return image.ID
}

// edit is a user's: it changes the spec and wakes the controller.
func (w *world) edit(change func(*v1alpha1.ImageImport)) {
	change(w.obj)
	w.obj.Generation++
	w.stored()
	w.wake = w.now
}

func (w *world) stored() {
	version, _ := strconv.Atoi(w.obj.ResourceVersion)
	w.obj.ResourceVersion = strconv.Itoa(version + 1)
}

func cloudError(action string, class ens.Class, executed bool) *ens.Error {
	return &ens.Error{Action: action, Class: class, Code: string(class), NotExecuted: !executed}
}

// look finds what a complete listing shows.
func (w *world) look(s *state) error {
	if w.happens(5) {
		return cloudError("DescribeSelfImages", ens.ClassThrottled, false)
	}
	s.seen = &sighting{begun: s.now}
	for _, image := range w.images {
		switch {
		case image.listed.After(w.now):
		case s.target().matches(image.Image):
			s.seen.images = append(s.seen.images, image.Image)
		case s.resembles(image.Image):
			s.seen.lookalikes = append(s.seen.lookalikes, image.Image)
		}
	}
	return nil
}

// importImage is one call, with all its fates. Whatever the cloud makes of it, the nonce is used up.
func (w *world) importImage(s *state) {
	in := s.permit.intent
	s.permit, s.answer = nil, &answer{}
	w.Expect(w.nonces).NotTo(HaveKey(in.nonce()), "a nonce is used once")
	w.nonces[in.nonce()] = true
	name := uniqueName(s.obj, &in)
	w.pass(w.upTo(30 * time.Second))
	lost := cloudError(actionImport, ens.ClassUnknownOutcome, true)
	switch {
	case w.happens(10):
		s.answer.err = cloudError(actionImport, ens.ClassInvalid, false)
	case w.happens(15):
		s.answer.err = lost
	case w.happens(15):
		s.answer.err = lost
		w.makeImage(name, w.now)
	case w.happens(20):
		s.answer.err = lost
		w.flights = append(w.flights, flight{at: w.now.Add(w.upTo(in.SignedAt.Add(31 * time.Minute).Sub(w.now))), name: name})
	default:
		s.answer.imported = ens.Imported{ImageID: w.makeImage(name, w.now), RequestID: "R-1"}
	}
	if w.twice && w.happens(50) && w.made[in.token()] == 1 {
		w.makeImage(name, w.now)
		// The protocol bounds the lag of a listing, not that between two images of one call.
		last := len(w.images) - 1
		w.images[last].listed = w.images[last-1].listed
	}
}

func (w *world) writeIntent(s *state, e effect) error {
	if s.obj.ResourceVersion != w.obj.ResourceVersion {
		recorded := s.obj.Annotations[v1alpha1.ImportAnnotation]
		if e.starts || w.obj.Annotations[v1alpha1.ImportAnnotation] != recorded {
			return errStale
		}
	}
	w.obj.Annotations[v1alpha1.ImportAnnotation] = e.intent.encode()
	w.obj.Finalizers = []string{v1alpha1.ImageFinalizer}
	w.stored()
	s.obj = w.obj.DeepCopy()
	s.recorded(e)
	return nil
}

// change renames or deletes an image. A deletion takes its time.
func (w *world) change(s *state, e effect) error {
	i := slices.IndexFunc(w.images, func(image cloudImage) bool { return image.ID == e.image })
	switch {
	case i < 0:
		if e.verb == deleteImage {
			s.seen = nil
			return nil
		}
		return cloudError("ModifyImageAttribute", ens.ClassGone, false)
	case w.happens(10):
		return cloudError("DeleteImage", ens.ClassConflict, false)
	case e.verb == renameImage:
		w.images[i].Name = e.name
		for j := range s.seen.images {
			s.seen.images[j].Name = e.name
		}
		return nil
	}
	// Some deletions are accepted and never done.
	if !w.happens(10) && w.images[i].gone.IsZero() {
		w.images[i].gone = w.now.Add(w.upTo(30 * time.Second))
	}
	s.deleted, s.seen = append(s.deleted, e.image), nil
	return nil
}

func (w *world) removeFinalizer(s *state) error {
	if s.obj.ResourceVersion != w.obj.ResourceVersion {
		return errStale
	}
	w.obj = nil
	return nil
}
