// SPDX-License-Identifier: Apache-2.0

package ens

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// seeds are bodies of answers: good, documented, and odd.
func seeds(f *testing.F, add func(body []byte)) {
	f.Helper()
	for code := range codeCases {
		add([]byte(`{"RequestId":"R-1","HostId":"ens.aliyuncs.com","Code":"` + code + `","Message":"The message.","Recommend":"https://api.aliyun.com"}`))
	}
	for _, body := range []string{
		"", "null", "7", "[]", "{}", `"text"`, "<html>", `{"RequestId":"R-1","ImageId":"m-1"}`, `{"RequestId":"R-1"}`, `{"RequestId":"R-1","ImageId":`,
		`{"Code":400}`, `{"Code":0,"RequestId":"R-1"}`, `{"Code":1e999}`, `{"Code":true}`, `{"Code":{"Code":"NoPermission"}}`, `{"Code":"NoPermission","Code":"Odd"}`,
		`{"code":"NoPermission","requestid":"R-1"}`, `{"Code":"Throttling","ImageId":"m-1"}`, `{"Code":"Forbidden.RAM","AccessDeniedDetail":"no"}`,
		`{"RequestId":"R-1","Code":"Missing","Message":7}`, `{"Code":"InvalidParameter."}`, `{"Code":"InvalidParameter..*"}`, `{"Code":".*"}`, `{"Code":"Throttling.*"}`,
		`{"RequestId":"` + keys.SecurityToken + `","Code":"` + keys.AccessKeyID + `","Message":"Signature=` + keys.AccessKeySecret + `"}`,
		rows("0"), rows("1", "m-1"), rows("2", "m-1"), rows("x", "m-1"), rows("-1"),
		`{"RequestId":"R-1","PageNumber":1,"TotalCount":1,"Accounts":{"Account":[{"AliyunUid":"1"}]}}`, strings.Repeat("[", 1000), "\xff\xfe", "\x00",
	} {
		add([]byte(body))
	}
}

func FuzzDecodeAnswer(f *testing.F) {
	seeds(f, func(body []byte) { f.Add(body) })
	f.Fuzz(func(t *testing.T, body []byte) {
		decoded := decodeAnswer(body)
		for _, s := range []string{decoded.RequestID, decoded.Code, decoded.Message, decoded.ImageID} {
			if !utf8.ValidString(s) {
				t.Errorf("%q is not UTF-8", s)
			}
		}
		if decoded.succeeded() && slices.Contains(mayCloseAnAttempt, decoded.Code) {
			t.Errorf("%q is a refusal and a success", decoded.Code)
		}
	})
}

// mayCloseAnAttempt lists, apart from the code under test, what proves that nothing was imported.
var mayCloseAnAttempt = []string{
	"InvalidParameter", "MissingParameter", "InvalidImageType.NotSupported", "InvalidAction.NotFound", "InvalidApi.NotFound",
	"InvalidProduct.NotFound", "UnsupportedHTTPMethod", "InvalidProtocol.NeedSsl", "NoPermission", "SignatureDoesNotMatch", "IncompleteSignature",
	"MissingSecurityToken", "InvalidTimeStamp.Expired", "InvalidTimeStamp.Format", "Throttling", "Error.DeleteImage", "IncorrectStatus.Image",
	"ImageUseShared", "InvalidImageId.NotFound", "MissingImageName", "MissingComputeType", "MissingOSType", "MissingOSVersion", "MissingPlatform", "MissingArchitecture",
	"MissingImageFormat", "MissingOSSRegion", "MissingOSSBucket", "MissingOSSObject", "MissingDiskDeviceMapping", "MissingTargetOSSRegionId",
	"MissingLicenseType",
}

var mayCloseAnAttemptWithDot = []string{"InvalidParameter.", "Forbidden.", "InvalidAccessKeyId.", "InvalidSecurityToken.", "Throttling."}

func closes(code string) bool {
	return slices.Contains(mayCloseAnAttempt, code) ||
		slices.ContainsFunc(mayCloseAnAttemptWithDot, func(prefix string) bool { return strings.HasPrefix(code, prefix) })
}

// FuzzVerdict gives answers to the whole client, the SDK's decoder included.
func FuzzVerdict(f *testing.F) {
	seeds(f, func(body []byte) {
		f.Add(uint16(http.StatusOK), body)
		f.Add(uint16(http.StatusBadRequest), body)
	})
	f.Fuzz(func(t *testing.T, status uint16, body []byte) {
		status = 200 + status%400
		endpoint := &Endpoint{
			host: "ens.invalid", scheme: "https", region: "cn-beijing", callTimeout: defaultCallTimeout,
			transport: transportFunc(func(r *http.Request) (*http.Response, error) {
				httptrace.ContextClientTrace(r.Context()).GotConn(httptrace.GotConnInfo{})
				return &http.Response{StatusCode: int(status), Body: io.NopCloser(bytes.NewReader(body)), Request: r}, nil
			}),
		}
		client := endpoint.Client(keys)
		for _, name := range []string{"ImportImage", "ImageByID", "ImageShares", "DeleteImage"} {
			checkError(t, name, methods[name](t.Context(), client), body)
		}
		imported, err := client.ImportImage(t.Context(), goodImport("golden"), pinNow("n"))
		if err != nil {
			return
		}
		if imported.ImageID == "" || status != http.StatusOK || closes(decodeAnswer(body).Code) {
			t.Errorf("HTTP %d %q was taken for image %q", status, body, imported.ImageID)
		}
	})
}

func checkError(t *testing.T, name string, err error, body []byte) {
	t.Helper()
	if err == nil {
		return
	}
	var e *Error
	if !errors.As(err, &e) {
		t.Fatalf("%s: %T is not an *Error", name, err)
	}
	switch {
	case e.Class == "", e.Code == "", e.Message == "", e.Hint == "", e.Action == "":
		t.Errorf("%s: %+v lacks something", name, e)
	case len(e.Code) > maxID, len(e.Message) > maxText, len(e.RequestID) > maxID:
		t.Errorf("%s: %+v is too long", name, e)
	case strings.Contains(e.Error(), canary), !utf8.ValidString(e.Error()):
		t.Errorf("%s: %s is not fit to be shown", name, e.Error())
	}
	if name != "ImportImage" {
		return
	}
	code := decodeAnswer(body).Code
	if closes(code) && e.Code != CodeUnreadableAnswer && decodeAnswer(body).ImageID == "" {
		return
	}
	if e.NotExecuted || e.Class != ClassUnknownOutcome {
		t.Errorf("code %q is not on the list of those that close an attempt: %+v", code, e)
	}
}
