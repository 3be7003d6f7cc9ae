// SPDX-License-Identifier: Apache-2.0

package imagewatch

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/utils/clock"

	"github.com/ens-image-operator/ens-image-operator/internal/ens"
)

const marker = "-marked-"

// account is a cloud account in virtual time, and what its watch does.
type account struct {
	*WithT
	t      *testing.T
	watch  *Watch
	images []ens.Image
	// calls counts the calls, each page of a listing is one.
	calls int
	// hidden are IDs that listings miss, and lost those that searches miss as well.
	hidden, lost sets.Set[string]
	// blind makes searches by name find nothing.
	blind bool
	// written is what the race detector sees of the order that virtual time brings about: the story writes, time passes, the
	// watch reads.
	written atomic.Int64
	// shy is how many images the next search for the marker misses.
	shy int
	// missing listings show nothing, refused is an ID that no search takes.
	missing int
	refused string
	// changing listings may have missed something, and so may restless searches, the next ones.
	changing bool
	restless int
	// changesAt is the number of the listing that changes while it is read, listings counts them.
	changesAt, listings int
	// slow is how long a call takes.
	slow time.Duration
	err  error
	// versions are those of the credentials by source. A source without one has moved.
	versions map[types.NamespacedName]string
	woken    map[types.NamespacedName]int
	// imports are the objects that come for their news, unless they are busy, and when they began.
	imports map[types.NamespacedName]time.Time
	busy    bool
}

var secret = types.NamespacedName{Namespace: "edge", Name: "credentials"}

// watching runs a story against an account in virtual time.
func watching(t *testing.T, story func(*account)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		a := &account{
			WithT: NewWithT(t), t: t, hidden: sets.New[string](), lost: sets.New[string](),
			versions: map[types.NamespacedName]string{secret: "1"}, woken: map[types.NamespacedName]int{},
			imports: map[types.NamespacedName]time.Time{},
		}
		a.watch = New(Options{
			Open: func(_ context.Context, source types.NamespacedName) (Reader, string, error) {
				a.written.Load()
				version, known := a.versions[source]
				if !known {
					return nil, "", ErrMoved
				}
				return a, version, nil
			},
			Wake: a.wake, Marker: marker, Clock: clock.RealClock{}, Gather: 200 * time.Millisecond,
			Backoff: 2 * time.Second, MaxBackoff: 5 * time.Minute, Denied: 10 * time.Minute, Recheck: 30 * time.Second, Checks: 3,
		})
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		go a.watch.Run(ctx)
		story(a)
	})
}

// wake counts the news of an object, which then comes for them.
func (a *account) wake(object types.NamespacedName, _ bool) {
	a.written.Load()
	a.woken[object]++
	if began, comes := a.imports[object]; comes && !a.busy {
		go a.comes(object, a.watch.followers[object].subject, Pace{Every: 10 * time.Second, Since: began})
	}
}

func (a *account) comes(object types.NamespacedName, subject Subject, pace Pace) {
	if sight, err := a.watch.Look(object, secret, "1", subject, time.Time{}); sight != nil || err != nil {
		a.watch.Follow(object, secret, "1", subject, sight, pace)
	}
}

// pass lets time go by.
func (a *account) pass(d time.Duration) {
	a.written.Add(1)
	time.Sleep(d) //nolint:forbidigo // virtual time
	synctest.Wait()
}

func (a *account) call(pages int) error {
	a.calls += pages
	time.Sleep(time.Duration(pages) * a.slow) //nolint:forbidigo // virtual time
	return a.err
}

func (a *account) ImageByID(_ context.Context, id string) (*ens.Image, error) {
	a.written.Load()
	if err := a.call(1); err != nil {
		return nil, err
	}
	if id == a.refused {
		return nil, refusal(ens.ClassInvalid, "InvalidParameter.ImageId")
	}
	for _, image := range a.images {
		if image.ID == id && !a.lost.Has(id) {
			return &image, nil
		}
	}
	return nil, nil
}

func (a *account) ImagesByName(_ context.Context, part string) ([]ens.Image, error) {
	a.written.Load()
	found := slices.DeleteFunc(slices.Clone(a.images), func(image ens.Image) bool {
		return a.blind || a.lost.Has(image.ID) || !strings.Contains(image.Name, part)
	})
	if part == marker {
		found, a.shy = found[min(a.shy, len(found)):], 0
	}
	if a.restless > 0 {
		a.restless--
		a.calls++
		return found, refusal(ens.ClassUnavailable, ens.CodeListingChanged)
	}
	return found, a.list(found)
}

func (a *account) Images(context.Context) ([]ens.Image, error) {
	a.written.Load()
	if a.listings++; a.listings == a.changesAt {
		return nil, refusal(ens.ClassUnavailable, ens.CodeListingChanged)
	}
	if a.missing > 0 {
		a.missing--
		return nil, a.list(nil)
	}
	found := slices.DeleteFunc(slices.Clone(a.images), func(image ens.Image) bool { return a.hidden.Has(image.ID) })
	return found, a.list(found)
}

func (a *account) list(found []ens.Image) error {
	if err := a.call(pages(len(found))); err != nil || !a.changing {
		return err
	}
	return refusal(ens.ClassUnavailable, ens.CodeListingChanged)
}

func object(i int) types.NamespacedName {
	return types.NamespacedName{Namespace: "edge", Name: fmt.Sprintf("object-%05d", i)}
}

func id(i int) string { return fmt.Sprintf("m-%05d", i) }

func suffix(i int) string { return fmt.Sprintf("%s%05d", marker, i) }

// importing puts an image into the account that is being imported for an object, and has the object follow it.
func (a *account) importing(i int) {
	a.images = append(a.images, ens.Image{ID: id(i), Name: "golden" + suffix(i), Status: "Creating"})
	a.imports[object(i)] = time.Now()
	a.follows(i, time.Now())
}

func (a *account) follows(i int, since time.Time) {
	a.watch.Follow(object(i), secret, "1", Subject{Suffixes: []string{suffix(i)}}, nil, Pace{Every: 10 * time.Second, Since: since})
}

// owning puts an image into the account that an object has, and has the object follow it.
func (a *account) owning(i int, change ...func(*Pace)) {
	image := ens.Image{ID: id(i), Name: fmt.Sprint("golden-", i), Status: ens.StatusAvailable}
	a.images = append(a.images, image)
	pace := Pace{Every: 10 * time.Minute, AtRest: true}
	for _, f := range change {
		f(&pace)
	}
	a.watch.Follow(object(i), secret, "1", Subject{ID: id(i)}, &Sight{Images: []ens.Image{image}, Begun: time.Now()}, pace)
}

func (a *account) looks(i int, subject Subject) (*Sight, error) {
	return a.watch.Look(object(i), secret, "1", subject, time.Time{})
}

func (a *account) set(i int, status string) {
	for at := range a.images {
		if a.images[at].ID == id(i) {
			a.images[at].Status = status
		}
	}
}

// others puts so many images into the account that nobody follows.
func (a *account) others(images int) {
	for i := range images {
		a.images = append(a.images, ens.Image{ID: id(100_000 + i), Name: "another", Status: ens.StatusAvailable})
	}
}

// importingAmongOthers has imports run in an account with so many other images that a full listing, which was read once, is dear.
func (a *account) importingAmongOthers(imports int) {
	a.others(3000)
	for i := range imports {
		a.importing(i)
	}
	a.knowsThePages()
}

// hasUnreadNews has an object be told that its image is there, and be busy.
func (a *account) hasUnreadNews(i int) {
	a.importing(i)
	a.pass(time.Minute)
	clear(a.woken)
	a.busy = true
	a.set(i, ens.StatusAvailable)
	a.pass(11 * time.Second)
}

// knowsThePages has the watch read the full listing once: somebody has to know of an absence.
func (a *account) knowsThePages() {
	nobody := Subject{Suffixes: []string{suffix(99_999)}}
	a.Expect(a.looks(99_999, nobody)).To(BeNil())
	a.pass(time.Second)
	a.Expect(a.looks(99_999, nobody)).NotTo(BeNil())
	a.watch.Forget(object(99_999))
}

// counted returns the calls that were made during the time.
func (a *account) counted(d time.Duration) int {
	before := a.calls
	a.pass(d)
	return a.calls - before
}

func refusal(class ens.Class, code string) error {
	return &ens.Error{Action: ens.ActionList, Class: class, Code: code, HTTPStatus: 400}
}
