// SPDX-License-Identifier: Apache-2.0

package ens

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/requests"
	sdkens "github.com/aliyun/alibaba-cloud-sdk-go/services/ens"
)

const (
	timestampFormat = "2006-01-02T15:04:05Z"

	// ActionList is the API action that lists images.
	ActionList = "DescribeSelfImages"
	// PageSize is the number of images in one page of a listing, the largest that the description of DescribeSelfImages' answer allows.
	PageSize = 50
)

// The image states of DescribeSelfImages. Other words may appear and are passed on as they are.
const (
	StatusAvailable    = "Available"
	StatusUnavailable  = "Unavailable"
	StatusPackFailed   = "Pack_failed"
	StatusUploadFailed = "Upload_failed"
)

// Image is one image of the account, as DescribeSelfImages reports it.
type Image struct {
	ID     string
	Name   string
	Status string
	// SizeGiB is 0 when the cloud reports none.
	SizeGiB int64
	// CreationTime is zero when the cloud reports none.
	CreationTime time.Time
}

// ImageByID returns the image with exactly this ID, or nil when a complete listing does not hold it.
func (c *Client) ImageByID(ctx context.Context, id string) (*Image, error) {
	images, err := c.list(ctx, listTries, id, "")
	if err != nil {
		return nil, err
	}
	// The cloud's search is fuzzy: m-1 also finds m-12.
	if i := slices.IndexFunc(images, func(image Image) bool { return image.ID == id }); i >= 0 {
		return &images[i], nil
	}
	return nil, nil
}

// ImagesByName returns the images of the account whose name contains part, oldest first, as far as the cloud's search finds
// them. How fuzzy that is, is not documented: what it does not show may exist all the same. With an error of the code
// CodeListingChanged come those that were seen: there may be more.
func (c *Client) ImagesByName(ctx context.Context, part string) ([]Image, error) {
	images, err := c.list(ctx, 1, "", part)
	images = slices.DeleteFunc(images, func(image Image) bool { return !strings.Contains(image.Name, part) })
	slices.SortFunc(images, func(a, b Image) int {
		return cmp.Or(a.CreationTime.Compare(b.CreationTime), cmp.Compare(a.ID, b.ID))
	})
	return images, err
}

// Images returns all images of the account. With an error of the code CodeListingChanged come those that were seen: there may
// be more.
func (c *Client) Images(ctx context.Context) ([]Image, error) {
	return c.list(ctx, listTries, "", "")
}

// list returns the account's own images that the cloud's fuzzy search finds. Empty values search for nothing.
func (c *Client) list(ctx context.Context, tries int, id, name string) ([]Image, error) {
	rows, err := readPages(ActionList, tries,
		func(row sdkens.ImageInDescribeSelfImages) string { return row.ImageId },
		func(page int) ([]sdkens.ImageInDescribeSelfImages, int, error) {
			// A request keeps the parameters of its last signature, so every page gets a new one.
			request := sdkens.CreateDescribeSelfImagesRequest()
			request.ImageId, request.ImageName = id, name
			request.PageNumber, request.PageSize = requests.NewInteger(page), requests.NewInteger(PageSize)
			response := sdkens.CreateDescribeSelfImagesResponse()
			if err := c.call(ctx, request, response, nil); err != nil {
				return nil, 0, err
			}
			total, err := strconv.Atoi(response.TotalCount)
			if err != nil {
				return nil, -1, nil //nolint:nilerr // an answer without a total proves nothing, and is asked for again
			}
			return response.Images.Image, total, nil
		})
	var images []Image
	for _, row := range rows {
		// "others" marks an image that another account shares with this one. A word that nobody knows must not make an
		// image of our own look absent.
		if row.ImageOwnerAlias != "others" {
			images = append(images, imageFrom(row))
		}
	}
	return images, err
}

func imageFrom(row sdkens.ImageInDescribeSelfImages) Image {
	image := Image{ID: row.ImageId, Name: row.ImageName, Status: row.Status}
	// Sizes and times are strings on the wire and only informative: what cannot be read is left out.
	if size, err := strconv.ParseInt(row.ImageSize, 10, 64); err == nil && size > 0 {
		image.SizeGiB = size
	}
	if created, err := time.Parse(timestampFormat, row.CreationTime); err == nil {
		image.CreationTime = created
	}
	return image
}
