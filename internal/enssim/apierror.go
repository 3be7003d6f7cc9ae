// SPDX-License-Identifier: Apache-2.0

package enssim

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
)

// apiError is a refusal in the cloud's words.
type apiError struct {
	status        int
	code, message string
	denied        *accessDeniedDetail
	header        http.Header
}

// errorBody is the error answer of the RPC gateway.
type errorBody struct {
	RequestID          string              `json:"RequestId"`
	HostID             string              `json:"HostId"`
	Code               string              `json:"Code"`
	Message            string              `json:"Message"`
	Recommend          string              `json:"Recommend"`
	AccessDeniedDetail *accessDeniedDetail `json:"AccessDeniedDetail,omitempty"`
}

type accessDeniedDetail struct {
	AuthAction               string `json:"AuthAction"`
	AuthPrincipalDisplayName string `json:"AuthPrincipalDisplayName"`
	AuthPrincipalOwnerID     string `json:"AuthPrincipalOwnerId"`
	AuthPrincipalType        string `json:"AuthPrincipalType"`
	EncodedDiagnosticMessage string `json:"EncodedDiagnosticMessage"`
	NoPermissionType         string `json:"NoPermissionType"`
	PolicyType               string `json:"PolicyType"`
}

func refuse(status int, code, format string, args ...any) *apiError {
	return &apiError{status: status, code: code, message: fmt.Sprintf(format, args...)}
}

// invalidParameter adds what is allowed to the documented sentence.
func invalidParameter(field, format string, args ...any) *apiError {
	return refuse(http.StatusBadRequest, "InvalidParameter."+field,
		"The specified field %s invalid. Please check it again. %s", field, fmt.Sprintf(format, args...))
}

func missingParameter(field string) *apiError {
	return refuse(http.StatusBadRequest, "MissingParameter", "The required parameter %s is not supplied.", field)
}

func (e *apiError) answer(requestID, host string) *answer {
	body := errorBody{
		RequestID: requestID, HostID: host, Code: e.code, Message: e.message, AccessDeniedDetail: e.denied,
		Recommend: "https://api.aliyun.com/troubleshoot?q=" + url.QueryEscape(e.code) + "&product=Ens&requestId=" + requestID,
	}
	return &answer{status: e.status, code: e.code, header: e.header, body: mustEncode(body)}
}

// mustEncode encodes types of this package, which cannot fail. The cloud leaves
// & and < as they are.
func mustEncode(value any) []byte {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		panic(err)
	}
	return bytes.TrimSpace(text.Bytes())
}
