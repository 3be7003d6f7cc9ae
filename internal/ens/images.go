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

	// pageSize is the largest that the description of DescribeSelfImages' answer allows.
	pageSize = 50
	// listTries is how often a listing that changed under our hands is started again.
	listTries = 3
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
	request := sdkens.CreateDescribeSelfImagesRequest()
	request.ImageId = id
	images, err := c.list(ctx, request)
	if err != nil {
		return nil, err
	}
	// The cloud's search is fuzzy: m-1 also finds m-12.
	if i := slices.IndexFunc(images, func(image Image) bool { return image.ID == id }); i >= 0 {
		return &images[i], nil
	}
	return nil, nil
}

// ImagesByNameSuffix returns the images of the account whose name ends with suffix, oldest first, from a complete
// listing.
func (c *Client) ImagesByNameSuffix(ctx context.Context, suffix string) ([]Image, error) {
	request := sdkens.CreateDescribeSelfImagesRequest()
	request.ImageName = suffix
	images, err := c.list(ctx, request)
	if err != nil {
		return nil, err
	}
	images = slices.DeleteFunc(images, func(image Image) bool { return !strings.HasSuffix(image.Name, suffix) })
	slices.SortFunc(images, func(a, b Image) int {
		return cmp.Or(a.CreationTime.Compare(b.CreationTime), cmp.Compare(a.ID, b.ID))
	})
	return images, nil
}

// list pages through DescribeSelfImages until it has seen every row. The order of rows is not documented, so a total
// that moved, a row seen twice or a short page means that rows may have been missed: then it starts again, and in the
// end it returns an error rather than an incomplete list.
func (c *Client) list(ctx context.Context, request *sdkens.DescribeSelfImagesRequest) ([]Image, error) {
	for range listTries {
		images, complete, err := c.listOnce(ctx, request)
		if err != nil {
			return nil, err
		}
		if complete {
			return images, nil
		}
	}
	return nil, listingChanged(request.GetActionName())
}

func listingChanged(action string) *Error {
	return &Error{
		Action: action, Class: ClassUnavailable, Code: CodeListingChanged,
		Message: "the list changed while it was being read", Hint: "nothing to do: the operator tries again",
	}
}

func (c *Client) listOnce(ctx context.Context, template *sdkens.DescribeSelfImagesRequest) (images []Image, complete bool, err error) {
	seen, total := map[string]bool{}, -1
	for page := 1; ; page++ {
		// A request keeps the parameters of its last signature, so every page gets a new one.
		request := sdkens.CreateDescribeSelfImagesRequest()
		request.ImageId, request.ImageName = template.ImageId, template.ImageName
		request.PageNumber, request.PageSize = requests.NewInteger(page), requests.NewInteger(pageSize)
		response := sdkens.CreateDescribeSelfImagesResponse()
		if err := c.call(ctx, request, response, nil); err != nil {
			return nil, false, err
		}
		count, err := strconv.Atoi(response.TotalCount)
		if err != nil || total >= 0 && count != total {
			return nil, false, nil
		}
		total = count
		for _, row := range response.Images.Image {
			if row.ImageId == "" || seen[row.ImageId] {
				return nil, false, nil
			}
			seen[row.ImageId] = true
			// "others" marks an image that another account shares with this one.
			if row.ImageOwnerAlias == "self" {
				images = append(images, imageFrom(row))
			}
		}
		switch {
		case len(seen) >= total:
			return images, len(seen) == total, nil
		case len(response.Images.Image) < pageSize:
			return nil, false, nil
		}
	}
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
