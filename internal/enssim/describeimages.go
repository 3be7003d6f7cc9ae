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
	rows := []imageRow{}
	for _, record := range s.sortedImages() {
		if row, listed := s.row(record, c); listed {
			rows = append(rows, row)
		}
	}
	switch s.behaviour.Order {
	case OrderReverse:
		slices.Reverse(rows)
	case OrderShuffled:
		//nolint:gosec // the order needs no secrecy
		rand.Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
	}
	result := describeResult{
		RequestID: c.requestID, PageNumber: strconv.Itoa(wanted.number), PageSize: strconv.Itoa(wanted.size),
		TotalCount: strconv.Itoa(len(rows)),
	}
	result.Images.Image = cut(rows, wanted)
	return result, nil
}

// row returns what the caller sees of the image, if it sees it and asked for it.
func (s *Simulator) row(record *image, c *call) (imageRow, bool) {
	current := record.at(c.now)
	owner := "self"
	if current.AccountID != c.account() {
		owner = "others"
		if !slices.Contains(current.SharedWith, c.account()) {
			return imageRow{}, false
		}
	}
	current.ImageName = record.listedName(c.now)
	visible := !c.now.Before(record.VisibleAt) || s.behaviour.ListFlicker && s.listings%3 == 1
	listed := visible &&
		s.resembles(current.ImageID, c.params["ImageId"]) &&
		s.resembles(current.ImageName, c.params["ImageName"]) &&
		(c.params["SnapshotId"] == "" || c.params["SnapshotId"] == current.SnapshotID)
	return current.row(owner), listed
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
