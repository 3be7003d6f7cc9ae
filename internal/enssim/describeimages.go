// SPDX-License-Identifier: Apache-2.0

package enssim

import (
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"
)

// describeResult has strings where DescribeImages has numbers.
type describeResult struct {
	Code       int    `json:"Code"`
	RequestID  string `json:"RequestId"`
	PageNumber string `json:"PageNumber"`
	PageSize   string `json:"PageSize"`
	TotalCount string `json:"TotalCount"`
	Images     struct {
		Image []imageRow `json:"Image"`
	} `json:"Images"`
}

// imageRow is an image on the wire, where every field is a string.
type imageRow struct {
	ImageID            string `json:"ImageId"`
	ImageName          string `json:"ImageName"`
	Status             string `json:"Status"`
	ImageOwnerAlias    string `json:"ImageOwnerAlias"`
	Architecture       string `json:"Architecture"`
	ComputeType        string `json:"ComputeType"`
	Platform           string `json:"Platform"`
	OSVersion          string `json:"OsVersion"`
	ImageSize          string `json:"ImageSize"`
	ImageStorageSize   string `json:"ImageStorageSize"`
	CreationTime       string `json:"CreationTime"`
	RegionID           string `json:"RegionId"`
	InstanceID         string `json:"InstanceId"`
	SnapshotID         string `json:"SnapshotId"`
	DiskDeviceMappings struct {
		DiskDeviceMapping []diskRow `json:"DiskDeviceMapping"`
	} `json:"DiskDeviceMappings"`
}

type diskRow struct {
	Format string `json:"Format"`
	Size   string `json:"Size"`
	Type   string `json:"Type"`
	// ImageID has a lower-case i on the wire, here only.
	ImageID string `json:"imageId"`
}

func (s *Simulator) describeSelfImages(c *call) (any, *apiError) {
	wanted, refusal := c.readPage(s.behaviour.MaxPageSize, s.behaviour.ClampPageSize)
	if refusal != nil {
		return nil, refusal
	}
	s.listings++
	var found []*image
	for _, record := range s.sortedImages() {
		if s.lists(record, c) {
			found = append(found, record)
		}
	}
	switch s.behaviour.Order {
	case OrderReverse:
		slices.Reverse(found)
	case OrderShuffled:
		//nolint:gosec // the order needs no secrecy
		rand.Shuffle(len(found), func(i, j int) { found[i], found[j] = found[j], found[i] })
	}
	result := describeResult{
		RequestID: c.requestID, PageNumber: strconv.Itoa(wanted.number), PageSize: strconv.Itoa(wanted.size),
		TotalCount: strconv.Itoa(len(found)),
	}
	result.Images.Image = []imageRow{}
	for _, record := range cut(found, wanted) {
		result.Images.Image = append(result.Images.Image, record.row(c))
	}
	return result, nil
}

// lists is true for an image that the caller sees and asked for.
func (s *Simulator) lists(record *image, c *call) bool {
	visible := !c.now.Before(record.VisibleAt) || s.behaviour.ListFlicker && s.listings%3 == 1
	mine := record.Image.AccountID == c.account() || slices.Contains(record.Image.SharedWith, c.account())
	return visible && mine &&
		s.resembles(record.Image.ImageID, c.params["ImageId"]) &&
		s.resembles(record.listedName(c.now), c.params["ImageName"]) &&
		(c.params["SnapshotId"] == "" || c.params["SnapshotId"] == record.Image.SnapshotID)
}

// row is what the caller sees of the image.
func (r *image) row(c *call) imageRow {
	current, owner := r.at(c.now), "self"
	if current.AccountID != c.account() {
		owner = "others"
	}
	current.ImageName = r.listedName(c.now)
	return current.row(owner)
}

// resembles is the fuzzy search of ImageId and ImageName.
func (s *Simulator) resembles(text, wanted string) bool {
	if !s.behaviour.CaseSensitiveMatch {
		text, wanted = strings.ToLower(text), strings.ToLower(wanted)
	}
	if s.behaviour.NameMatch == MatchPrefix {
		return strings.HasPrefix(text, wanted)
	}
	return strings.Contains(text, wanted)
}

func (i Image) row(owner string) imageRow {
	size := strconv.Itoa(i.SizeGiB)
	row := imageRow{
		ImageID: i.ImageID, ImageName: i.ImageName, Status: i.Status, ImageOwnerAlias: owner,
		Architecture: i.Architecture, ComputeType: i.ComputeType, Platform: i.Platform, OSVersion: i.OSVersion,
		ImageSize: size, ImageStorageSize: size, CreationTime: i.CreationTime.UTC().Format(time.RFC3339),
		RegionID: i.TargetOSSRegionID, InstanceID: i.InstanceID, SnapshotID: i.SnapshotID,
	}
	disks := len(i.DiskDeviceMapping)
	if i.OSSBucket != "" || disks == 0 {
		disks++
	}
	for number := range disks {
		kind := "data"
		if number == 0 {
			kind = "system"
		}
		row.DiskDeviceMappings.DiskDeviceMapping = append(row.DiskDeviceMappings.DiskDeviceMapping,
			diskRow{Format: i.ImageFormat, Size: size, Type: kind, ImageID: i.ImageID})
	}
	return row
}
