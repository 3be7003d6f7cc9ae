// SPDX-License-Identifier: Apache-2.0

package ens

import (
	"context"
	"encoding/json"

	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/requests"
	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/responses"
)

const actionImportImage = "ImportImage"

// ImportImageRequest is the request of the API ImportImage, which the SDK's package services/ens lacks.
// Source: page ImportImage of the ENS API reference.
type ImportImageRequest struct {
	*requests.RpcRequest
	ImageName    string `position:"Query" name:"ImageName"`
	ComputeType  string `position:"Query" name:"ComputeType"`
	OSType       string `position:"Query" name:"OSType"`
	OSVersion    string `position:"Query" name:"OSVersion"`
	Platform     string `position:"Query" name:"Platform"`
	Architecture string `position:"Query" name:"Architecture"`
	ImageFormat  string `position:"Query" name:"ImageFormat"`
	OSSRegion    string `position:"Query" name:"OSSRegion"`
	OSSBucket    string `position:"Query" name:"OSSBucket"`
	OSSObject    string `position:"Query" name:"OSSObject"`
	// DiskDeviceMapping is one JSON array of ImportImageDiskDeviceMapping, not a repeated parameter. It is a string
	// here because the SDK sends a nil list of its type "Json" as "null".
	DiskDeviceMapping string `position:"Query" name:"DiskDeviceMapping"`
	TargetOSSRegionId string `position:"Query" name:"TargetOSSRegionId"` //nolint:revive // the cloud's own spelling
	LicenseType       string `position:"Query" name:"LicenseType"`
}

// ImportImageDiskDeviceMapping is one element of ImportImageRequest.DiskDeviceMapping.
type ImportImageDiskDeviceMapping struct {
	OSSRegion string `json:"OSSRegion,omitempty"`
	OSSBucket string `json:"OSSBucket,omitempty"`
	OSSObject string `json:"OSSObject,omitempty"`
}

// ImportImageResponse is the answer of the API ImportImage.
type ImportImageResponse struct {
	*responses.BaseResponse
	RequestId string `json:"RequestId" xml:"RequestId"` //nolint:revive // the SDK's own style
	ImageId   string `json:"ImageId" xml:"ImageId"`     //nolint:revive // the SDK's own style
}

// CreateImportImageRequest creates a request to invoke the ImportImage API.
func CreateImportImageRequest() *ImportImageRequest {
	request := &ImportImageRequest{RpcRequest: &requests.RpcRequest{}}
	request.InitWithApiInfo("Ens", "2017-11-10", actionImportImage, "ens", "openAPI")
	request.Method = requests.POST
	return request
}

// CreateImportImageResponse creates a response to decode the answer into.
func CreateImportImageResponse() *ImportImageResponse {
	return &ImportImageResponse{BaseResponse: &responses.BaseResponse{}}
}

// OSSObject is a file in Object Storage Service.
type OSSObject struct{ Region, Bucket, Object string }

// Import says what to import. Empty values are not sent.
type Import struct {
	ImageName          string      `json:",omitempty"`
	ComputeType        string      `json:",omitempty"`
	OSType             string      `json:",omitempty"`
	OSVersion          string      `json:",omitempty"`
	Platform           string      `json:",omitempty"`
	Architecture       string      `json:",omitempty"`
	ImageFormat        string      `json:",omitempty"`
	Source             OSSObject   `json:",omitzero"`
	DiskDeviceMappings []OSSObject `json:",omitempty"`
	TargetOSSRegionID  string      `json:",omitempty"`
	LicenseType        string      `json:",omitempty"`
}

// Imported is the answer to an accepted import: the image exists, in a state that is not yet Available.
type Imported struct{ ImageID, RequestID string }

// ImportImage starts an import. The API has no client token: a second call makes a second image. So it is sent one
// time only and pinned, and after an error the caller may send another only if Error.NotExecuted is true.
func (c *Client) ImportImage(ctx context.Context, in Import, pin Pin) (Imported, error) {
	request := CreateImportImageRequest()
	request.ImageName, request.ComputeType, request.OSType = in.ImageName, in.ComputeType, in.OSType
	request.OSVersion, request.Platform = in.OSVersion, in.Platform
	request.Architecture, request.ImageFormat = in.Architecture, in.ImageFormat
	request.OSSRegion, request.OSSBucket, request.OSSObject = in.Source.Region, in.Source.Bucket, in.Source.Object
	request.TargetOSSRegionId, request.LicenseType = in.TargetOSSRegionID, in.LicenseType
	request.DiskDeviceMapping = encodeDiskDeviceMapping(in.DiskDeviceMappings)
	response := CreateImportImageResponse()
	if err := c.call(ctx, request, response, &pin); err != nil {
		return Imported{}, err
	}
	if response.ImageId == "" {
		return Imported{}, &Error{
			Action: request.GetActionName(), Class: ClassUnknownOutcome, Code: CodeUnreadableAnswer,
			RequestID:  c.creds().scrub(response.RequestId, maxID),
			HTTPStatus: response.GetHttpStatus(), Message: "the cloud answered without an ImageId", Hint: unknownOutcomeHint,
		}
	}
	return Imported{ImageID: response.ImageId, RequestID: response.RequestId}, nil
}

func encodeDiskDeviceMapping(objects []OSSObject) string {
	if len(objects) == 0 {
		return ""
	}
	mappings := make([]ImportImageDiskDeviceMapping, len(objects))
	for i, object := range objects {
		mappings[i] = ImportImageDiskDeviceMapping{OSSRegion: object.Region, OSSBucket: object.Bucket, OSSObject: object.Object}
	}
	encoded, _ := json.Marshal(mappings) // strings always encode
	return string(encoded)
}
