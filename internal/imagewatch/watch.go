// SPDX-License-Identifier: Apache-2.0

package imagewatch

import (
	"context"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"

	"github.com/ens-image-operator/ens-image-operator/internal/ens"
)

// Reader lists the images of one account; *ens.Client is one. Its lists are complete, or an error. With an *ens.Error of the code
// ens.CodeListingChanged come the images that were seen: there may be more.
type Reader interface {
	// ImageByID returns the image with exactly this ID, nil for none.
	ImageByID(ctx context.Context, id string) (*ens.Image, error)
	// ImagesByName returns the images whose names contain part, as far as the cloud's search finds them.
	ImagesByName(ctx context.Context, part string) ([]ens.Image, error)
	// Images returns all images.
	Images(ctx context.Context) ([]ens.Image, error)
}

// Options say how a Watch works. All fields are required.
type Options struct {
	// Open returns a reader with the credentials of a source (a Secret), and what tells them from later ones. It fails with
	// ErrMoved when the source does not lead to this account any more.
	Open func(ctx context.Context, source types.NamespacedName) (reader Reader, version string, err error)
	// Wake is called for each object that has news. first is true when somebody waits for them: they go before what is still to
	// begin. It must not block.
	Wake func(object types.NamespacedName, first bool)
	// Marker is a text that the names of all images contain that are being imported.
	Marker string
	// Clock tells when a look begins.
	Clock clock.PassiveClock
	// Gather is how long a round waits for more objects to ask, after each that did; ten times as long at most.
	Gather time.Duration
	// Backoff and MaxBackoff bound the waits between rounds that fail. Denied is the wait after the cloud refused the
	// credentials, and Recheck the interval at which others are looked for meanwhile.
	Backoff, MaxBackoff, Denied, Recheck time.Duration
	// Checks is how many objects are woken after a look for drift to check what no listing shows; more where there are so many
	// that it would take more than 144 looks (a day, at ten minutes) to check them all.
	Checks int
}

// Sight is what the watch knows of a subject.
type Sight struct {
	// Images are those that the subject is about, oldest first; none when that is certain.
	Images []ens.Image
	// Others are those that it names otherwise, where there are no Images.
	Others []ens.Image
	// Begun is when the look began that this is from.
	Begun time.Time
	// Check is true when the object is to check what no listing shows.
	Check bool
}

// unlisted is how many images an account is taken to have before they were listed.
const unlisted = 4 * ens.PageSize

// Watch looks at the images of one account. It is safe for concurrent use.
type Watch struct {
	options Options
	kick    chan struct{}

	mu        sync.Mutex
	followers map[types.NamespacedName]*follower
	sources   map[types.NamespacedName]int
	listing   *Listing
	// listed is the number of images in the last full listing. blind is until when no search is trusted to find what bears the
	// marker, after one that did not.
	listed int
	blind  time.Time
	// poll is when the next object wants to be looked at. asked and lastAsked are when objects began to wait for a look.
	poll, asked, lastAsked time.Time
	trouble                trouble
	// doubts counts full listings in a row that changed while they were read.
	doubts  int
	checked types.NamespacedName
}

// New returns a watch that nobody follows yet.
func New(options Options) *Watch {
	return &Watch{
		options: options, kick: make(chan struct{}, 1), followers: map[types.NamespacedName]*follower{}, sources: map[types.NamespacedName]int{},
		listing: NewListing(options.Marker, nil, time.Time{}), listed: unlisted,
	}
}

// Look returns what is known of the subject from looks that began after the object asked in this version, and no earlier
// than since. It returns nil when a look is still to come: then the object is woken. It fails when the looks fail; the
// object is woken when they succeed again.
func (w *Watch) Look(object, source types.NamespacedName, version string, subject Subject, since time.Time) (*Sight, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f := w.follower(object, source)
	if f.version != version || !f.subject.equal(subject) {
		f.version, f.subject, f.since, f.absent = version, subject, w.options.Clock.Now(), time.Time{}
		if f.refused {
			f.err, f.failed, f.refused = nil, "", false
		}
	}
	if w.trouble.versions != nil && f.err == nil {
		// The credentials were refused before this object came.
		f.err, f.failed = w.trouble.err, codeOf(w.trouble.err)
	}
	if f.err != nil {
		return nil, f.err
	}
	sight := f.sight(w.listing)
	if sight != nil && !sight.Begun.Before(since) {
		f.wants = false
		return sight, nil
	}
	if sight != nil {
		// The moment has passed: whatever begins from now on is late enough, also by a clock that is set back.
		f.since = w.options.Clock.Now()
	}
	f.wants = true
	w.lastAsked = w.options.Clock.Now()
	if w.asked.IsZero() {
		w.asked = w.lastAsked
	}
	w.nudge()
	return nil, nil
}

// Follow says that the object, now in this version, knows this of the subject (nil: it has not looked), and how soon to look
// again. It is woken when a look that began no earlier shows something else.
func (w *Watch) Follow(object, source types.NamespacedName, version string, subject Subject, known *Sight, pace Pace) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f := w.follower(object, source)
	now := w.options.Clock.Now()
	if known == nil && f.err == nil || !f.subject.equal(subject) {
		f.since, f.absent = now, time.Time{}
	}
	if known != nil && known.Begun.After(f.since) {
		f.since = known.Begun
	}
	f.version, f.subject, f.pace, f.unread, f.check, f.told = version, subject, pace, time.Time{}, false, unknown
	// Who was told of a failure still waits for what comes after it.
	f.wants = f.wants && f.err != nil
	if known != nil {
		f.told = known.picture()
	}
	if !pace.Quiet.IsZero() {
		w.correct(known)
	}
	f.next = now.Add(pace.interval(now))
	if w.poll.IsZero() || f.next.Before(w.poll) {
		w.poll = f.next
		w.nudge()
	}
}

// correct puts into the listing what the object knows better: listings may show for a while what was before.
func (w *Watch) correct(known *Sight) {
	if known == nil {
		return
	}
	for _, image := range known.Images {
		w.listing.put(image, known.Begun)
	}
}

// Forget ends the care for the object.
func (w *Watch) Forget(object types.NamespacedName) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if f := w.followers[object]; f != nil {
		w.release(f.source)
		delete(w.followers, object)
	}
	if len(w.followers) == 0 {
		w.poll, w.asked, w.trouble, w.listed = time.Time{}, time.Time{}, trouble{}, unlisted
		w.listing = NewListing(w.options.Marker, nil, time.Time{})
	}
}

// Troubled is true while looks fail for a reason that will pass.
func (w *Watch) Troubled() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.trouble.err != nil && w.trouble.versions == nil
}

// Idle is true when nobody follows.
func (w *Watch) Idle() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.followers) == 0
}

func (w *Watch) follower(object, source types.NamespacedName) *follower {
	f := w.followers[object]
	if f == nil {
		f = &follower{source: source}
		w.followers[object] = f
		w.sources[source]++
	}
	if f.source != source {
		w.release(f.source)
		f.source = source
		w.sources[source]++
	}
	return f
}

func (w *Watch) release(source types.NamespacedName) {
	if w.sources[source]--; w.sources[source] <= 0 {
		delete(w.sources, source)
	}
}

func (w *Watch) nudge() {
	select {
	case w.kick <- struct{}{}:
	default:
	}
}

// Run carries out the rounds until ctx ends.
func (w *Watch) Run(ctx context.Context) {
	for ctx.Err() == nil {
		due := w.Due()
		if !due.IsZero() && !due.After(w.options.Clock.Now()) {
			w.Round(ctx)
			continue
		}
		w.sleep(ctx, due)
	}
}

// sleep waits until then, or until something changes that.
func (w *Watch) sleep(ctx context.Context, until time.Time) {
	var alarm <-chan time.Time
	if !until.IsZero() {
		timer := time.NewTimer(until.Sub(w.options.Clock.Now()))
		defer timer.Stop()
		alarm = timer.C
	}
	select {
	case <-ctx.Done():
	case <-alarm:
	case <-w.kick:
	}
}

// Due is when the next round is due, zero for never.
func (w *Watch) Due() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	due := w.poll
	if !w.asked.IsZero() {
		asked := earlier(w.lastAsked.Add(w.options.Gather), w.asked.Add(10*w.options.Gather))
		due = earlier(due, asked)
	}
	if due.IsZero() || w.trouble.err == nil {
		return due
	}
	if again := w.trouble.again; again.After(due) {
		return again
	}
	return due
}

// earlier is the earlier of two times that are not zero.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
