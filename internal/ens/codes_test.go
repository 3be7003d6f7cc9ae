// SPDX-License-Identifier: Apache-2.0

package ens

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/ens-image-operator/ens-image-operator/internal/enssim"
)

type codeCase struct {
	// key of meanings that covers the code, empty for none.
	key    string
	status int
	class  Class
	// refused tells whether the code proves that nothing was carried out.
	refused bool
}

// codeCases say what each code means for a read. For ImportImage, what is not refused is an unknown outcome.
var codeCases = map[string]codeCase{
	"InvalidParameter":                           {"InvalidParameter", 400, ClassInvalid, true},
	"InvalidParameter.ImageName":                 {"InvalidParameter.*", 400, ClassInvalid, true},
	"InvalidParameter.OSSObject":                 {"InvalidParameter.*", 400, ClassInvalid, true},
	"InvalidParameter.SomethingNew":              {"InvalidParameter.*", 400, ClassInvalid, true},
	"InvalidParameter.ImageId":                   {"InvalidParameter.*", 400, ClassGone, true},
	"MissingParameter":                           {"MissingParameter", 400, ClassInvalid, true},
	"MissingOSSObject":                           {"InvalidParameter.*", 400, ClassInvalid, true},
	"MissingImageName":                           {"InvalidParameter.*", 400, ClassInvalid, true},
	"InvalidImageType.NotSupported":              {"InvalidImageType.NotSupported", 400, ClassInvalid, true},
	"InvalidAction.NotFound":                     {"InvalidAction.NotFound", 404, ClassInvalid, true},
	"InvalidApi.NotFound":                        {"InvalidApi.NotFound", 404, ClassInvalid, true},
	"InvalidProduct.NotFound":                    {"InvalidProduct.NotFound", 404, ClassInvalid, true},
	"UnsupportedHTTPMethod":                      {"UnsupportedHTTPMethod", 403, ClassInvalid, true},
	"InvalidProtocol.NeedSsl":                    {"InvalidProtocol.NeedSsl", 404, ClassInvalid, true},
	"NoPermission":                               {"NoPermission", 400, ClassDenied, true},
	"Forbidden.RAM":                              {"Forbidden.*", 403, ClassDenied, true},
	"InvalidAccessKeyId.NotFound":                {"InvalidAccessKeyId.*", 404, ClassDenied, true},
	"InvalidAccessKeyId.Inactive":                {"InvalidAccessKeyId.*", 403, ClassDenied, true},
	"SignatureDoesNotMatch":                      {"SignatureDoesNotMatch", 400, ClassDenied, true},
	"IncompleteSignature":                        {"IncompleteSignature", 400, ClassDenied, true},
	"MissingSecurityToken":                       {"MissingSecurityToken", 400, ClassDenied, true},
	"InvalidSecurityToken.Expired":               {"InvalidSecurityToken.*", 400, ClassDenied, true},
	"InvalidSecurityToken.Malformed":             {"InvalidSecurityToken.*", 400, ClassDenied, true},
	"InvalidSecurityToken.MismatchWithAccessKey": {"InvalidSecurityToken.*", 400, ClassDenied, true},
	"InvalidTimeStamp.Expired":                   {"InvalidTimeStamp.Expired", 400, ClassDenied, true},
	"InvalidTimeStamp.Format":                    {"InvalidTimeStamp.Format", 400, ClassDenied, true},
	"SignatureNonceUsed":                         {"SignatureNonceUsed", 400, ClassUnavailable, false},
	"Throttling":                                 {"Throttling", 400, ClassThrottled, true},
	"Throttling.User":                            {"Throttling.*", 503, ClassThrottled, true},
	"Throttling.Api":                             {"Throttling.*", 429, ClassThrottled, true},
	"InternalError":                              {"InternalError", 500, ClassUnavailable, false},
	"ServiceUnavailable":                         {"ServiceUnavailable", 503, ClassUnavailable, false},
	"CallInterface":                              {"CallInterface", 400, ClassUnavailable, false},
	"ens.interface.error":                        {"ens.interface.error", 400, ClassUnavailable, false},
	"Forbidden.DelerrorteImage":                  {"Forbidden.DelerrorteImage", 400, ClassConflict, true},
	"Error.DeleteImage":                          {"Error.DeleteImage", 400, ClassConflict, true},
	"IncorrectStatus.Image":                      {"IncorrectStatus.Image", 400, ClassConflict, true},
	"ImageUseShared":                             {"ImageUseShared", 403, ClassConflict, true},
	"InvalidImageId.NotFound":                    {"InvalidImageId.NotFound", 400, ClassGone, true},

	"QuotaExceeded.Image":  {"", 400, ClassUnrecognised, false},
	"InvalidParameters":    {"", 400, ClassUnrecognised, false},
	"MissingSomethingElse": {"", 400, ClassUnrecognised, false},
	"Missing":              {"", 400, ClassUnrecognised, false},
	"throttling":           {"", 400, ClassUnrecognised, false},
	"Unheard.Of":           {"", 500, ClassUnavailable, false},
	"TooMany":              {"", 429, ClassThrottled, false},
	// This package's own words are not the cloud's.
	CodeConnectFailed: {"", 400, ClassUnrecognised, false},
	CodeClientError:   {"", 503, ClassUnavailable, false},
}

func TestErrorCodes(t *testing.T) {
	cloud := newCloud(t)
	client := cloud.client(t)
	calls := map[string]func(context.Context, *Client) error{"ImportImage": importGolden, "DescribeSelfImages": readByID}
	for code, test := range codeCases {
		for action, call := range calls {
			t.Run(code+"/"+action, func(t *testing.T) {
				g := NewWithT(t)
				cloud.AddFault(enssim.Fault{Kind: enssim.ErrorBefore, HTTPStatus: test.status, Code: code, Message: "The message.", Times: 1})
				e := failed(t, call(t.Context(), client))
				history := cloud.History()
				g.Expect(e.Action).To(Equal(action))
				g.Expect(e.Code).To(Equal(code))
				g.Expect(e.HTTPStatus).To(Equal(test.status))
				g.Expect(e.RequestID).To(Equal(history[len(history)-1].RequestID))
				g.Expect(e.NotExecuted).To(Equal(test.refused))
				class, message := test.class, "The message."
				if action == "ImportImage" && !test.refused {
					class = ClassUnknownOutcome
				}
				if code == "SignatureDoesNotMatch" {
					message = "the signature does not match"
				}
				g.Expect(e.Class).To(Equal(class))
				g.Expect(e.Message).To(Equal(message))
				g.Expect(e.Error()).To(Equal(action + ": " + code + ": " + message + " (request ID " + e.RequestID + ")"))
			})
		}
	}
}

// TestTheMessageNeverDecides gives every code texts that say something else.
func TestTheMessageNeverDecides(t *testing.T) {
	t.Parallel()
	misleading := []string{
		"", "success", "The image was created: m-1.", "Throttling: Request was denied due to user flow control.", "InternalError",
		"InvalidParameter.ImageName", "not executed", "The specified ImageId does not exist.", `{"Code":"NoPermission"}`, "timeout",
	}
	for code, test := range codeCases {
		for _, action := range []string{"ImportImage", "DeleteImage"} {
			for _, message := range misleading {
				g := NewWithT(t)
				body := `{"RequestId":"R","Code":` + quote(code) + `,"Message":` + quote(message) + `}`
				x := &exchange{status: test.status, body: []byte(body), failure: errAnswered}
				x.connected.Store(true)
				e := failed(t, x.verdict(action, errAnswered))
				class := test.class
				if action == "ImportImage" && !test.refused {
					class = ClassUnknownOutcome
				}
				g.Expect(e.Class).To(Equal(class), "%s %s %q", action, code, message)
				g.Expect(e.NotExecuted).To(Equal(test.refused), "%s %s %q", action, code, message)
			}
		}
	}
}

func TestEveryMeaningIsTested(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	covered := map[string]bool{}
	for code, test := range codeCases {
		covered[test.key] = true
		if test.key != "" {
			g.Expect(meanings).To(HaveKey(test.key), code)
			g.Expect(meanings[test.key].refused).To(Equal(test.refused), code)
		}
	}
	for key, known := range meanings {
		g.Expect(covered[key]).To(BeTrue(), "no case for %s", key)
		g.Expect(known.source).NotTo(BeEmpty(), key)
		g.Expect(known.hint).NotTo(BeEmpty(), key)
		g.Expect(ownMeanings).NotTo(HaveKey(key), "a code is either the cloud's or ours")
		g.Expect(strings.Count(key, "*")).To(Equal(strings.Count(key, ".*")), "%s: a star stands for a part of its own", key)
	}
}

// TestEveryDocumentedCodeIsKnown lists the codes of the documents on ImportImage, DeleteImage and
// ModifyImageSharePermission, and the common ones.
func TestEveryDocumentedCodeIsKnown(t *testing.T) {
	t.Parallel()
	documented := strings.FieldsSeq(`
		NoPermission InvalidParameter.X
		MissingParameter CallInterface ens.interface.error InvalidParameter InvalidImageType.NotSupported IncorrectStatus.Image
		Forbidden.DelerrorteImage Error.DeleteImage
		MissingImageName InvalidAction.NotFound InvalidApi.NotFound InvalidProduct.NotFound InvalidProtocol.NeedSsl
		InvalidAccessKeyId.NotFound InvalidAccessKeyId.Inactive SignatureDoesNotMatch IncompleteSignature
		InvalidTimeStamp.Format InvalidTimeStamp.Expired SignatureNonceUsed Throttling Throttling.User Throttling.Api
		MissingSecurityToken InvalidSecurityToken.Expired InvalidSecurityToken.Malformed InvalidSecurityToken.MismatchWithAccessKey
		Forbidden.RAM UnsupportedHTTPMethod InternalError ServiceUnavailable`)
	for code := range documented {
		NewWithT(t).Expect(meaningOf(code, http.StatusBadRequest).source).NotTo(BeEmpty(), code)
	}
}

func TestHintsNameTheField(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	for parameter, field := range specFields {
		hint := ContainSubstring(field)
		if parameter == "OSSObject" {
			hint = ContainSubstring("spec.source.oss")
		}
		g.Expect(meaningOf("InvalidParameter."+parameter, http.StatusBadRequest).hint).To(hint)
		g.Expect(meaningOf("Missing"+parameter, http.StatusBadRequest).hint).To(hint)
	}
}

// TestHintsOfAnUnknownOutcome : somebody who has to look a code up is told so, for an import as well.
func TestHintsOfAnUnknownOutcome(t *testing.T) {
	t.Parallel()
	for code, lookUp := range map[string]bool{"QuotaExceeded.Image": true, "InternalError": false, "SignatureNonceUsed": false} {
		g := NewWithT(t)
		x := &exchange{status: http.StatusBadRequest, body: []byte(`{"RequestId":"R-1","Code":` + quote(code) + `}`), failure: errAnswered}
		x.connected.Store(true)
		e := failed(t, x.verdict("ImportImage", errAnswered))
		g.Expect(e.Class).To(Equal(ClassUnknownOutcome))
		g.Expect(e.Hint).To(ContainSubstring("looks for the image before it tries again"))
		g.Expect(strings.Contains(e.Hint, "look the code up")).To(Equal(lookUp), code)
	}
}

// TestOwnCodes keeps the words of this package complete.
func TestOwnCodes(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	g.Expect(slices.Collect(maps.Keys(ownMeanings))).To(ConsistOf(
		CodeConnectFailed, CodeNoAnswer, CodeCanceled, CodeUnreadableAnswer, CodeListingChanged, CodeClientError))
	for code, known := range ownMeanings {
		g.Expect(known.hint).NotTo(BeEmpty(), code)
		g.Expect(known.class).To(BeElementOf(ClassUnavailable, ClassUnrecognised), code)
	}
}
