// SPDX-License-Identifier: Apache-2.0

package enssim

import (
	"cmp"
	"crypto/rand"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Image is a custom image of an account.
type Image struct {
	ImageID   string `json:"imageID,omitempty"`
	ImageName string `json:"imageName"`
	// Status now. It moves with time unless StatusPinned.
	Status       string `json:"status,omitempty"`
	StatusPinned bool   `json:"statusPinned,omitempty"`
	// AccountID owns the image. Default: the account of the access keys, if it is only one.
	AccountID    string `json:"accountID,omitempty"`
	Architecture string `json:"architecture,omitempty"`
	ComputeType  string `json:"computeType,omitempty"`
	OSType       string `json:"osType,omitempty"`
	Platform     string `json:"platform,omitempty"`
	OSVersion    string `json:"osVersion,omitempty"`
	ImageFormat  string `json:"imageFormat,omitempty"`
	LicenseType  string `json:"licenseType,omitempty"`
	// DiskSource is the OSS object of the system disk; empty when only
	// DiskDeviceMapping was given.
	DiskSource
	DiskDeviceMapping []DiskSource `json:"diskDeviceMapping,omitempty"`
	TargetOSSRegionID string       `json:"targetOSSRegionID,omitempty"`
	SizeGiB           int          `json:"sizeGiB,omitempty"`
	CreationTime      time.Time    `json:"creationTime,omitzero"`
	InstanceID        string       `json:"instanceID,omitempty"`
	SnapshotID        string       `json:"snapshotID,omitempty"`
	// InUse makes the cloud refuse to delete the image.
	InUse bool `json:"inUse,omitempty"`
	// SharedWith lists the accounts that see the image as an image of others.
	SharedWith []string `json:"sharedWith,omitempty"`
}

// DiskSource names an OSS object. The JSON names are those of the API.
type DiskSource struct {
	OSSRegion string `json:"OSSRegion,omitempty"`
	OSSBucket string `json:"OSSBucket,omitempty"`
	OSSObject string `json:"OSSObject,omitempty"`
}

// image is the record behind an Image: what it was at every moment.
type image struct {
	// Image holds the newest name, and a status only when that is pinned.
	Image     Image        `json:"image"`
	Plan      []Step       `json:"plan,omitempty"`
	Final     string       `json:"final,omitempty"`
	Names     []nameChange `json:"names,omitempty"`
	VisibleAt time.Time    `json:"visibleAt,omitzero"`
	// GoneAt is when a deleted image leaves the listings; zero for a living one.
	GoneAt time.Time `json:"goneAt,omitzero"`
	Number int       `json:"number"`
}

// nameChange is a name and when listings begin to show it.
type nameChange struct {
	Name      string    `json:"name"`
	VisibleAt time.Time `json:"visibleAt,omitzero"`
}

// Images returns the living images in the order of their creation, with the
// status and name of this moment. Lags of the listing do not apply.
func (s *Simulator) Images() []Image {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	images := []Image{}
	for _, record := range s.sortedImages() {
		if record.GoneAt.IsZero() {
			images = append(images, record.at(now))
		}
	}
	return images
}

// PutImage adds an image, or replaces the one with the same ImageID, without
// an import. Empty fields get defaults: a new ImageID, status Available, the
// creation time now. The status is pinned. Listings show the image at once.
func (s *Simulator) PutImage(image Image) Image {
	s.mu.Lock()
	defer s.mu.Unlock()
	stored := s.putImage(image)
	s.persist()
	return stored
}

// UpdateImage lets change edit a copy of the image and stores it. A changed
// Status is pinned: the image no longer moves by time, until Status is set to
// empty. Listings show the change at once. An unknown id is an error. It runs
// under the lock: change must not call the simulator.
func (s *Simulator) UpdateImage(id string, change func(*Image)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	record, ok := s.living(id)
	if !ok {
		return fmt.Errorf("updating image %q: there is no such image", id)
	}
	before := record.at(s.now())
	after := record.at(s.now())
	change(&after)
	if after.ImageID != id {
		return fmt.Errorf("updating image %q: its id cannot change", id)
	}
	after.StatusPinned = (after.StatusPinned || after.Status != before.Status) && after.Status != ""
	record.store(after)
	s.sorted = nil
	s.persist()
	return nil
}

// RemoveImage makes the image vanish at once, as if somebody had deleted it
// elsewhere. It does not look at its status, use or shares.
func (s *Simulator) RemoveImage(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.images, id)
	s.sorted = nil
	s.persist()
}

func (s *Simulator) putImage(image Image) Image {
	image.ImageID = cmp.Or(image.ImageID, newImageID())
	image.AccountID = cmp.Or(image.AccountID, s.onlyAccount())
	image.Status = cmp.Or(image.Status, StatusAvailable)
	image.StatusPinned = true
	image.Architecture = cmp.Or(image.Architecture, "x86_64")
	image.ComputeType = cmp.Or(image.ComputeType, "ens_vm")
	image.OSType = cmp.Or(image.OSType, "linux")
	image.ImageFormat = cmp.Or(image.ImageFormat, "qcow2")
	image.TargetOSSRegionID = cmp.Or(image.TargetOSSRegionID, sourceRegion)
	image.SizeGiB = cmp.Or(image.SizeGiB, 20)
	if image.CreationTime.IsZero() {
		image.CreationTime = s.now()
	}
	record := s.newRecord()
	record.Final = image.Status
	record.store(image)
	s.images[image.ImageID], s.sorted = record, nil
	return record.at(s.now())
}

func (s *Simulator) newRecord() *image {
	s.created++
	return &image{Number: s.created}
}

// living finds an image that was not deleted.
func (s *Simulator) living(id string) (*image, bool) {
	record, ok := s.images[id]
	return record, ok && record.GoneAt.IsZero()
}

// sortedImages returns all records, oldest first, and drops those that a
// delete has removed from the listings by now.
func (s *Simulator) sortedImages() []*image {
	if s.sorted != nil {
		return s.sorted
	}
	now, leaving := s.now(), false
	records := make([]*image, 0, len(s.images))
	for id, record := range s.images {
		if !record.GoneAt.IsZero() && !now.Before(record.GoneAt) {
			delete(s.images, id)
			continue
		}
		leaving = leaving || !record.GoneAt.IsZero()
		records = append(records, record)
	}
	slices.SortFunc(records, func(a, b *image) int {
		return cmp.Or(a.Image.CreationTime.Compare(b.Image.CreationTime), cmp.Compare(a.Number, b.Number))
	})
	if !leaving {
		s.sorted = records
	}
	return records
}

// at returns the image as it is at that moment, sharing no memory with it.
func (r *image) at(now time.Time) Image {
	current := r.Image
	current.Status = r.statusAt(now)
	current.DiskDeviceMapping = slices.Clone(current.DiskDeviceMapping)
	current.SharedWith = slices.Clone(current.SharedWith)
	return current
}

func (r *image) store(current Image) {
	if !current.StatusPinned {
		current.Status = ""
	}
	current.DiskDeviceMapping = slices.Clone(current.DiskDeviceMapping)
	current.SharedWith = slices.Clone(current.SharedWith)
	r.Image = current
	r.Names = []nameChange{{Name: current.ImageName}}
}

// rename gives the image a name that listings show from visibleAt on.
func (r *image) rename(name string, visibleAt time.Time) {
	r.Image.ImageName = name
	r.Names = append(r.Names, nameChange{Name: name, VisibleAt: visibleAt})
}

func (r *image) listedName(now time.Time) string {
	name := r.Image.ImageName
	for _, change := range r.Names {
		if change.VisibleAt.IsZero() || !now.Before(change.VisibleAt) {
			name = change.Name
		}
	}
	return name
}

func newImageID() string {
	return "m-5" + strings.ToLower(rand.Text())[:22]
}
