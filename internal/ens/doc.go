// SPDX-License-Identifier: Apache-2.0

// Package ens speaks to the image API of Alibaba Cloud Edge Node Service, product code Ens, version 2017-11-10.
//
// It is the only importer of github.com/aliyun/alibaba-cloud-sdk-go and holds every known fact about the API: the
// requests, the paging and fuzzy search of DescribeSelfImages, and what each error code means. The SDK builds, signs
// and decodes; what it leaves open is closed here (see exchange): no context, a client that races when it is shared,
// silent replays of GET, errors that print the signed URL, panics on odd error bodies.
//
// Documents: "API reference of ENS", pages ImportImage, DescribeSelfImages, ModifyImageAttribute, DeleteImage,
// ModifyImageSharePermission, DescribeImageSharePermission, and the common error codes of Alibaba Cloud.
package ens
