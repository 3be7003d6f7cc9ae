// SPDX-License-Identifier: Apache-2.0

package imagewatch

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/ens-image-operator/ens-image-operator/internal/ens"
)

// Subject says which images an object is about.
type Subject struct {
	// ID is that of one image, Suffixes are what the names of others end in. Both are matched exactly.
	ID       string
	Suffixes []string
	// Name and Others (IDs) are of images to know of when none of the above exists.
	Name   string
	Others []string
}

func (s Subject) equal(other Subject) bool {
	return s.ID == other.ID && s.Name == other.Name && slices.Equal(s.Suffixes, other.Suffixes) && slices.Equal(s.Others, other.Others)
}

// Matches is true for an image that the subject is about.
func (s Subject) Matches(image ens.Image) bool {
	return s.ID != "" && image.ID == s.ID || slices.ContainsFunc(s.Suffixes, func(suffix string) bool { return strings.HasSuffix(image.Name, suffix) })
}

// sole is true when one call can look for all that the subject is about.
func (s Subject) sole() bool {
	return s.ID != "" && len(s.Suffixes) == 0 || s.ID == "" && len(s.Suffixes) == 1
}

// row is an image, and the beginning of the last look that showed it.
type row struct {
	ens.Image
	seen time.Time
}

// Listing is what is known of the images of an account, found by their IDs, by their names, and by what their names end
// in. It is not safe for concurrent use.
type Listing struct {
	// marker begins the ends of names that are indexed; others are found as well, only slower.
	marker string
	rows   map[string]row
	names  index
	ends   index
}

// index finds IDs by a text.
type index map[string][]string

func (x index) add(text, id string) {
	if text != "" {
		x[text] = append(x[text], id)
	}
}

func (x index) remove(text, id string) {
	if left := slices.DeleteFunc(x[text], func(other string) bool { return other == id }); len(left) > 0 {
		x[text] = left
	} else {
		delete(x, text)
	}
}

// NewListing holds images as they were seen by a look that began at the given time.
func NewListing(marker string, images []ens.Image, seen time.Time) *Listing {
	l := &Listing{marker: marker, rows: make(map[string]row, len(images)), names: index{}, ends: index{}}
	for _, image := range images {
		l.put(image, seen)
	}
	return l
}

func (l *Listing) end(name string) string {
	if at := strings.LastIndex(name, l.marker); at >= 0 && l.marker != "" {
		return name[at:]
	}
	return ""
}

func (l *Listing) put(image ens.Image, seen time.Time) {
	before, known := l.rows[image.ID]
	l.rows[image.ID] = row{Image: image, seen: seen}
	if known && before.Name == image.Name {
		return
	}
	if known {
		l.names.remove(before.Name, image.ID)
		l.ends.remove(l.end(before.Name), image.ID)
	}
	l.names.add(image.Name, image.ID)
	l.ends.add(l.end(image.Name), image.ID)
}

func (l *Listing) drop(image ens.Image) {
	delete(l.rows, image.ID)
	l.names.remove(image.Name, image.ID)
	l.ends.remove(l.end(image.Name), image.ID)
}

// Find returns the images that the subject is about, oldest first, and those that it names otherwise.
func (l *Listing) Find(subject Subject) (images, others []ens.Image) {
	return plain(l.find(subject)), plain(l.others(subject))
}

func plain(rows []row) (images []ens.Image) {
	for _, r := range rows {
		images = append(images, r.Image)
	}
	return images
}

func (l *Listing) find(subject Subject) []row {
	found := l.pick(nil, subject.ID)
	for _, suffix := range subject.Suffixes {
		if l.marker != "" && strings.HasPrefix(suffix, l.marker) {
			found = l.pick(found, l.ends[suffix]...)
			continue
		}
		for id, r := range l.rows {
			if strings.HasSuffix(r.Name, suffix) {
				found = l.pick(found, id)
			}
		}
	}
	return sorted(found)
}

func (l *Listing) others(subject Subject) []row {
	found := l.pick(nil, subject.Others...)
	if subject.Name != "" {
		found = l.pick(found, l.names[subject.Name]...)
	}
	return sorted(found)
}

// pick adds the rows with these IDs, each once.
func (l *Listing) pick(found []row, ids ...string) []row {
	for _, id := range ids {
		r, known := l.rows[id]
		if known && !slices.ContainsFunc(found, func(other row) bool { return other.ID == id }) {
			found = append(found, r)
		}
	}
	return found
}

func sorted(rows []row) []row {
	slices.SortFunc(rows, func(a, b row) int { return cmp.Or(a.CreationTime.Compare(b.CreationTime), cmp.Compare(a.ID, b.ID)) })
	return rows
}

// pages is how many calls list so many images.
func pages(images int) int { return max(1, (images+ens.PageSize-1)/ens.PageSize) }
