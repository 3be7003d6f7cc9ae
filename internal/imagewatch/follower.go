// SPDX-License-Identifier: Apache-2.0

package imagewatch

import (
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/ens-image-operator/ens-image-operator/internal/ens"
)

// Pace says how soon an object wants to be looked at again.
type Pace struct {
	// Every is the interval between two looks.
	Every time.Duration
	// Since is when something began that is likely to end soon. The interval then grows with its age, from a tenth of Every
	// to six times Every. Zero: it stays.
	Since time.Time
	// Quiet is until when changes of the image are the echo of what the object did itself. Zero: none are.
	Quiet time.Time
	// AtRest is true for an object that is as it should be: nobody waits for it.
	AtRest bool
	// Checks is true for an object that the watch is to wake now and then, for what no listing shows.
	Checks bool
}

// interval is the time until the next look: a quarter of the age up to Every, and a 180th of it from where that is more.
func (p Pace) interval(now time.Time) time.Duration {
	if p.Since.IsZero() {
		return p.Every
	}
	age := now.Sub(p.Since)
	return min(max(min(age/4, p.Every), age/180, p.Every/10), 6*p.Every)
}

// follower is one object that the watch looks for.
type follower struct {
	source  types.NamespacedName
	subject Subject
	version string
	pace    Pace
	next    time.Time

	// since is the beginning of the oldest look that counts, wants is true while the object waits for one.
	since time.Time
	wants bool
	// absent is the beginning of the last look that proved an absence.
	absent time.Time
	// unread is until when the object is not looked for because it has news that it did not follow up yet: it does not wait for
	// more, and what it does about them changes the image.
	unread time.Time
	// told is the picture that the object knows, and failed the code of the failure that it knows.
	told   string
	failed string
	err    error
	// refused is true when the failure is about what this object asks for.
	refused bool
	// check is true when the object is to check what no listing shows.
	check bool
}

const (
	unknown = ""
	nothing = "-"
)

// picture is what makes a difference to an object.
func (s *Sight) picture() string {
	var b strings.Builder
	if len(s.Images) == 0 {
		b.WriteString(nothing)
	}
	for _, image := range append(slices.Clip(s.Images), s.Others...) {
		b.WriteString(image.ID + "|" + image.Name + "|" + image.Status + ";")
	}
	return b.String()
}

// sight is what the listing and the looks so far show to the follower, nil when they do not say.
func (f *follower) sight(l *Listing) *Sight {
	var images []ens.Image
	var begun time.Time
	for _, r := range l.find(f.subject) {
		if r.seen.Before(f.since) {
			continue
		}
		images = append(images, r.Image)
		if begun.IsZero() || r.seen.Before(begun) {
			begun = r.seen
		}
	}
	switch {
	case len(images) > 0:
		return &Sight{Images: images, Begun: begun, Check: f.check}
	case !f.absent.IsZero() && !f.absent.Before(f.since):
		return &Sight{Others: plain(l.others(f.subject)), Begun: f.absent, Check: f.check}
	}
	return nil
}

// unreadFor is how many intervals news may stay unread before the object is looked for again.
const unreadFor = 6

// due is when the object wants to be looked for again.
func (f *follower) due() time.Time {
	if f.unread.After(f.next) {
		return f.unread
	}
	return f.next
}

// hasToKnow is true when an object that does not ask has to be told of an absence: it knows of an image, or what it is about
// cannot be looked for by a call of its own, so that it is told along with the others.
func (f *follower) hasToKnow() bool { return f.present() || f.told == unknown && !f.subject.sole() }

// present is true when the object knows of an image, which then must not be missing without a word.
func (f *follower) present() bool { return f.told != unknown && !f.misses() }

// misses is true when the object knows that there is no image.
func (f *follower) misses() bool { return strings.HasPrefix(f.told, nothing) }
