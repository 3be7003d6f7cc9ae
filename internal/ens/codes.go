// SPDX-License-Identifier: Apache-2.0

package ens

import (
	"net/http"
	"strings"
)

const (
	retryHint          = "nothing to do: the operator tries again"
	unknownOutcomeHint = "nothing to do: the operator looks for the image before it tries again, so that there is never a second one"
	keyHint            = "put a valid access key into the Secret; the operator notices within a minute"
	permissionHint     = "allow the action in the RAM policy of the access key: ens:ImportImage, ens:DescribeSelfImages, ens:ModifyImageAttribute, ens:DeleteImage; and for spec.shareWith ens:ModifyImageSharePermission, ens:DescribeImageSharePermission"
	invalidHint        = "correct the value; the operator tries again at once when the spec changes"
	busyHint           = "release the image (stop using it in instances, end its sharing), or wait until its current operation has ended"
)

// meaning is what an error code tells.
type meaning struct {
	class Class
	// refused is true when the code proves that the call was not carried out. Only these codes close an attempt to import.
	refused bool
	hint    string
	// source is where the code is documented; "assumed" where it is not.
	source string
}

const (
	docImport  = "ENS API reference, ImportImage, error codes"
	docDelete  = "ENS API reference, DeleteImage, error codes"
	docShare   = "ENS API reference, ModifyImageSharePermission, error codes"
	docCommon  = "Alibaba Cloud common error codes (document 48054)"
	docRPC     = "Alibaba Cloud RPC signature reference"
	docSTS     = "Alibaba Cloud common error codes, security token"
	docAssumed = "assumed by analogy with ECS; not documented for ENS"
)

// meanings lists every known code. A name that ends in ".*" stands for all codes that begin so; an exact name wins.
var meanings = map[string]meaning{
	"InvalidParameter":              {ClassInvalid, true, invalidHint, docShare},
	"InvalidParameter.*":            {ClassInvalid, true, invalidHint, docImport},
	"MissingParameter":              {ClassInvalid, true, invalidHint, docDelete},
	"InvalidImageType.NotSupported": {ClassInvalid, true, invalidHint, docShare},
	"InvalidAction.NotFound":        {ClassInvalid, true, "check the endpoint (--ens-endpoint): it does not know this API", docCommon},
	"InvalidApi.NotFound":           {ClassInvalid, true, "check the endpoint (--ens-endpoint): it does not know this API", docCommon},
	"InvalidProduct.NotFound":       {ClassInvalid, true, "check the endpoint (--ens-endpoint): it does not serve ENS", docCommon},
	"UnsupportedHTTPMethod":         {ClassInvalid, true, "check for a proxy that changes requests", docCommon},
	"InvalidProtocol.NeedSsl":       {ClassInvalid, true, "use an https endpoint", docCommon},

	"NoPermission":              {ClassDenied, true, permissionHint, docImport},
	"Forbidden.*":               {ClassDenied, true, permissionHint, docCommon},
	"InvalidAccessKeyId.*":      {ClassDenied, true, keyHint, docCommon},
	"SignatureDoesNotMatch":     {ClassDenied, true, "the access key secret does not belong to the access key ID; " + keyHint, docCommon},
	"IncompleteSignature":       {ClassDenied, true, keyHint, docRPC},
	"MissingSecurityToken":      {ClassDenied, true, "temporary keys need the key securityToken in the Secret; " + keyHint, docSTS},
	"InvalidSecurityToken.*":    {ClassDenied, true, "the security token has expired or belongs to another key; " + keyHint, docSTS},
	"InvalidTimeStamp.Expired":  {ClassDenied, true, "the clock of the operator's machine differs from the cloud's by more than 15 minutes: set it right", docCommon},
	"InvalidTimeStamp.Format":   {ClassDenied, true, "check the clock of the operator's machine", docCommon},
	"SignatureNonceUsed":        {ClassUnavailable, false, retryHint, docCommon},
	"Throttling":                {ClassThrottled, true, "nothing to do: the operator slows down", docCommon},
	"Throttling.*":              {ClassThrottled, true, "nothing to do: the operator slows down", docCommon},
	"InternalError":             {ClassUnavailable, false, retryHint, docCommon},
	"ServiceUnavailable":        {ClassUnavailable, false, retryHint, docCommon},
	"CallInterface":             {ClassUnavailable, false, retryHint, docShare},
	"ens.interface.error":       {ClassUnavailable, false, retryHint, docShare},
	"Forbidden.DelerrorteImage": {ClassConflict, true, busyHint, docDelete},
	"Error.DeleteImage":         {ClassConflict, true, busyHint, docDelete},
	"IncorrectStatus.Image":     {ClassConflict, true, busyHint, docDelete},
	"ImageUseShared":            {ClassConflict, true, busyHint, docAssumed},
	"InvalidImageId.NotFound":   {ClassGone, true, retryHint, docAssumed},
}

// ownMeanings lists the codes of this package. They are apart because the cloud may use the same words for other things.
// Their refused is not looked at: such a call was carried out unless no connection came about.
var ownMeanings = map[string]meaning{
	CodeListingChanged:   {class: ClassUnavailable, hint: retryHint},
	CodeCanceled:         {class: ClassUnavailable, hint: retryHint},
	CodeNoAnswer:         {class: ClassUnavailable, hint: "check the network between the operator and the endpoint; the operator tries again"},
	CodeConnectFailed:    {class: ClassUnavailable, hint: "check the endpoint (--ens-endpoint), the network and the certificate; the operator tries again"},
	CodeUnreadableAnswer: {class: ClassUnavailable, hint: retryHint},
	CodeClientError:      {class: ClassUnrecognised, hint: "this is a fault of the operator: please report it"},
}

// specFields names the field of an ImageImport behind a request parameter.
var specFields = map[string]string{
	"ImageName": "spec.imageName", "ComputeType": "spec.computeType", "OSType": "spec.osType", "OSVersion": "spec.osVersion",
	"Platform": "spec.platform", "Architecture": "spec.architecture", "ImageFormat": "spec.imageFormat",
	"OSSRegion": "spec.source.oss.region", "OSSBucket": "spec.source.oss.bucket", "OSSObject": "spec.source.oss.object",
	"DiskDeviceMapping": "spec.diskDeviceMappings", "TargetOSSRegionId": "spec.targetOSSRegionID", "LicenseType": "spec.licenseType",
}

// meaningOf looks up a code of the cloud's.
func meaningOf(code string, status int) meaning {
	if found, known := meanings[code]; known {
		return found
	}
	if parameter, ok := parameterOf(code); ok {
		return meaningOfParameter(parameter)
	}
	prefix, _, _ := strings.Cut(code, ".")
	found, known := meanings[prefix+".*"]
	switch {
	case known:
		return found
	case status == http.StatusTooManyRequests:
		return meaning{class: ClassThrottled, hint: retryHint}
	case status >= http.StatusInternalServerError:
		return meaning{class: ClassUnavailable, hint: retryHint}
	}
	return meaning{class: ClassUnrecognised, hint: "look the code up in the ENS API reference, or ask the cloud's support with the request ID"}
}

// parameterOf returns the parameter that a code complains of. Missing<Param> is the gateway's form of MissingParameter,
// and believed only for parameters that exist.
func parameterOf(code string) (parameter string, ok bool) {
	if parameter, ok = strings.CutPrefix(code, "InvalidParameter."); ok {
		return parameter, true
	}
	parameter, ok = strings.CutPrefix(code, "Missing")
	return parameter, ok && specFields[parameter] != ""
}

func meaningOfParameter(parameter string) meaning {
	found := meanings["InvalidParameter.*"]
	switch {
	case parameter == "ImageId":
		// No code says "not found"; this is what the cloud most likely answers for an image that is gone.
		found.class, found.hint = ClassGone, retryHint
	case parameter == "OSSObject":
		found.hint = "check that the file exists at spec.source.oss and that ENS may read the bucket; the operator tries again at status.nextRetryTime, or at once when the spec changes or a reconcile is requested"
	case specFields[parameter] != "":
		found.hint = "correct " + specFields[parameter] + "; the operator tries again at once when the spec changes"
	}
	return found
}
