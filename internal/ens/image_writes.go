// SPDX-License-Identifier: Apache-2.0

package ens

import (
	"context"
	"slices"
	"strconv"
	"strings"

	sdkens "github.com/aliyun/alibaba-cloud-sdk-go/services/ens"
)

// sharePageSize is the documented maximum of DescribeImageSharePermission.
const sharePageSize = 100

// RenameImage sets the image's name (ModifyImageAttribute). It may be called twice.
func (c *Client) RenameImage(ctx context.Context, id, name string) error {
	request := sdkens.CreateModifyImageAttributeRequest()
	request.ImageId, request.ImageName = id, name
	return c.call(ctx, request, sdkens.CreateModifyImageAttributeResponse(), nil)
}

// DeleteImage asks for the deletion of an image. The API documents no "not found" and may finish later: only the
// absence from a listing proves that the image is gone. It may be called twice.
func (c *Client) DeleteImage(ctx context.Context, id string) error {
	request := sdkens.CreateDeleteImageRequest()
	request.ImageId = id
	return c.call(ctx, request, sdkens.CreateDeleteImageResponse(), nil)
}

// ShareImage lets other accounts use an Available image (ModifyImageSharePermission). All accounts go in one call,
// as the API allows.
func (c *Client) ShareImage(ctx context.Context, id string, accounts ...string) error {
	request := sdkens.CreateModifyImageSharePermissionRequest()
	request.ImageId, request.AddAccounts = id, strings.Join(accounts, ",")
	return c.call(ctx, request, sdkens.CreateModifyImageSharePermissionResponse(), nil)
}

// UnshareImage takes the image away from one account. The API takes one account for each call.
func (c *Client) UnshareImage(ctx context.Context, id, account string) error {
	request := sdkens.CreateModifyImageSharePermissionRequest()
	request.ImageId, request.RemoveAccounts = id, account
	return c.call(ctx, request, sdkens.CreateModifyImageSharePermissionResponse(), nil)
}

// ImageShares returns the accounts that the image is shared with, sorted, from a complete listing.
func (c *Client) ImageShares(ctx context.Context, id string) ([]string, error) {
	accounts, err := readPages("DescribeImageSharePermission", listTries,
		func(account string) string { return account },
		func(page int) ([]string, int, error) {
			request := sdkens.CreateDescribeImageSharePermissionRequest()
			request.ImageId = id
			request.PageNumber, request.PageSize = strconv.Itoa(page), strconv.Itoa(sharePageSize)
			response := sdkens.CreateDescribeImageSharePermissionResponse()
			if err := c.call(ctx, request, response, nil); err != nil {
				return nil, 0, err
			}
			if response.PageNumber != page {
				return nil, -1, nil // without this, an answer that lacks everything would mean "not shared"
			}
			var accounts []string
			for _, account := range response.Accounts.Account {
				accounts = append(accounts, account.AliyunUid)
			}
			return accounts, response.TotalCount, nil
		})
	if err != nil {
		return nil, err
	}
	slices.Sort(accounts)
	return accounts, nil
}
