// SPDX-License-Identifier: Apache-2.0

package ens

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
)

func quote(s string) string {
	text, _ := json.Marshal(s) // strings always encode
	return string(text)
}

// TestOddAnswers covers what proxies, half-broken servers and undocumented answers may send.
func TestOddAnswers(t *testing.T) {
	t.Parallel()
	const html = "<html><h1>Bad Gateway</h1></html>"
	cases := map[string]struct {
		status int
		body   string
		code   string
		class  Class // for a read
		// refused is NotExecuted, also for ImportImage.
		refused bool
	}{
		"HTML 502":                       {502, html, "HTTP502", ClassUnavailable, false},
		"HTML 403":                       {403, html, "HTTP403", ClassUnrecognised, false},
		"HTML 200":                       {200, html, CodeUnreadableAnswer, ClassUnavailable, false},
		"429 without code":               {429, "", "HTTP429", ClassThrottled, false},
		"429 without code, but JSON":     {429, `{"RequestId":"R-1"}`, "HTTP429", ClassThrottled, false},
		"empty 200":                      {200, "", CodeUnreadableAnswer, ClassUnavailable, false},
		"empty 400":                      {400, "", "HTTP400", ClassUnrecognised, false},
		"empty 500":                      {500, "", "HTTP500", ClassUnavailable, false},
		"no content":                     {204, "", "HTTP204", ClassUnrecognised, false},
		"created":                        {201, `{"RequestId":"R-1","ImageId":"m-1"}`, "HTTP201", ClassUnrecognised, false},
		"truncated 200":                  {200, `{"RequestId":"R-1","ImageId":"m-`, CodeUnreadableAnswer, ClassUnavailable, false},
		"truncated 400":                  {400, `{"RequestId":"R-1","Code":"NoPermission","Mess`, "HTTP400", ClassUnrecognised, false},
		"200 array":                      {200, `[{"RequestId":"R-1","ImageId":"m-1"}]`, CodeUnreadableAnswer, ClassUnavailable, false},
		"200 null":                       {200, `null`, CodeUnreadableAnswer, ClassUnavailable, false},
		"200 number":                     {200, `7`, CodeUnreadableAnswer, ClassUnavailable, false},
		"200 string":                     {200, `"m-1"`, CodeUnreadableAnswer, ClassUnavailable, false},
		"200 empty object":               {200, `{}`, CodeUnreadableAnswer, ClassUnavailable, false},
		"200 of somebody else":           {200, `{"status":"ok"}`, CodeUnreadableAnswer, ClassUnavailable, false},
		"200 two values":                 {200, `{"RequestId":"R-1"}{"RequestId":"R-2"}`, CodeUnreadableAnswer, ClassUnavailable, false},
		"200 with fields of other types": {200, `{"RequestId":"R-1","ImageId":{},"Images":7,"TotalCount":[]}`, CodeUnreadableAnswer, ClassUnavailable, false},
		"200 with a refusal":             {200, `{"RequestId":"R-1","Code":"NoPermission","Message":"no"}`, "NoPermission", ClassDenied, true},
		"200 with an unknown code":       {200, `{"RequestId":"R-1","Code":"Odd"}`, "Odd", ClassUnrecognised, false},
		"200 with a fault":               {200, `{"RequestId":"R-1","Code":"InternalError"}`, "InternalError", ClassUnavailable, false},
		"200 with a numeric code":        {200, `{"RequestId":"R-1","Code":500}`, "500", ClassUnrecognised, false},
		"refusal that names an image":    {200, `{"RequestId":"R-1","Code":"Throttling","ImageId":"m-1"}`, "Throttling", ClassThrottled, false},
		"numeric code 400":               {400, `{"RequestId":"R-1","Code":400,"Message":"no"}`, "400", ClassUnrecognised, false},
		"numeric code 500":               {500, `{"RequestId":"R-1","Code":500}`, "500", ClassUnavailable, false},
		"numeric message":                {400, `{"RequestId":5,"Code":"NoPermission","Message":7}`, "NoPermission", ClassDenied, true},
		"code is an object":              {400, `{"RequestId":"R-1","Code":{"a":1}}`, "HTTP400", ClassUnrecognised, false},
		"code is null":                   {400, `{"RequestId":"R-1","Code":null}`, "HTTP400", ClassUnrecognised, false},
		"400 array":                      {400, `["NoPermission"]`, "HTTP400", ClassUnrecognised, false},
		"detail is a string":             {403, `{"RequestId":"R-1","Code":"Forbidden.RAM","AccessDeniedDetail":"no"}`, "Forbidden.RAM", ClassDenied, true},
		"detail is a list":               {403, `{"RequestId":"R-1","Code":"Forbidden.RAM","AccessDeniedDetail":[1]}`, "Forbidden.RAM", ClassDenied, true},
		"not UTF-8":                      {400, "{\"Code\":\"No\xffPermission\",\"Message\":\"\xfe\"}", "No Permission", ClassUnrecognised, false},
		"deeply nested":                  {200, strings.Repeat("[", 100_000), CodeUnreadableAnswer, ClassUnavailable, false},
		"deeply nested field": {
			200, `{"RequestId":"R-1","Images":` + strings.Repeat("[", 9_000) + strings.Repeat("]", 9_000) + `}`,
			CodeUnreadableAnswer, ClassUnavailable, false,
		},
	}
	for name, test := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			client := answering(t, test.status, test.body).plainClient(t)
			read := failed(t, readByID(t.Context(), client))
			g.Expect(read.Code).To(Equal(test.code))
			g.Expect(read.Class).To(Equal(test.class))
			g.Expect(read.HTTPStatus).To(Equal(test.status))
			g.Expect(read.NotExecuted).To(Equal(test.refused))

			_, err := client.ImagesByName(t.Context(), "golden")
			g.Expect(failed(t, err).Class).To(Equal(test.class))

			imported := failed(t, importGolden(t.Context(), client))
			g.Expect(imported.Code).To(Equal(test.code))
			g.Expect(imported.NotExecuted).To(Equal(test.refused))
			if test.refused {
				g.Expect(imported.Class).To(Equal(test.class))
			} else {
				g.Expect(imported.Class).To(Equal(ClassUnknownOutcome))
			}
			if test.status == http.StatusOK && test.code == CodeUnreadableAnswer && strings.HasPrefix(test.body, `{"RequestId":"R-1",`) {
				return // odd only for those who read the rest of it
			}
			for _, call := range methods {
				_ = failed(t, call(t.Context(), client))
			}
		})
	}
}

func TestTooLargeAnswers(t *testing.T) {
	t.Parallel()
	for status, body := range map[int]string{http.StatusOK: rows("0"), http.StatusBadRequest: `{"RequestId":"R-1","Code":"NoPermission"}`} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			largest := body + strings.Repeat(" ", maxAnswer-len(body))
			if status == http.StatusOK {
				g.Expect(readByID(t.Context(), answering(t, status, largest).plainClient(t))).To(Succeed())
			}
			client := answering(t, status, largest+" ").plainClient(t)
			read := failed(t, readByID(t.Context(), client))
			g.Expect(read.Code).To(Equal(CodeUnreadableAnswer))
			g.Expect(read.Class).To(Equal(ClassUnavailable))
			g.Expect(read.Message).To(Equal("the answer is larger than 4 MiB"))
			g.Expect(read.HTTPStatus).To(Equal(status))
			imported := failed(t, importGolden(t.Context(), client))
			g.Expect(imported.Class).To(Equal(ClassUnknownOutcome))
			g.Expect(imported.NotExecuted).To(BeFalse())
		})
	}
}

func TestCodesThatMeanSuccess(t *testing.T) {
	t.Parallel()
	numbers := []string{`0`, `200`, `"0"`, `"200"`, `null`}
	// The SDK reads words only into answers that have no field for the code.
	words := []string{`"OK"`, `"ok"`, `"Success"`, `"success"`, `""`}
	for _, code := range append(words, numbers...) {
		body := fmt.Sprintf(`{"RequestId":"R-1","Code":%s,"ImageId":"m-1"}`, code)
		client := answering(t, http.StatusOK, body).client(t)
		NewWithT(t).Expect(importGolden(t.Context(), client)).To(Succeed(), code)
		if slices.Contains(numbers, code) {
			NewWithT(t).Expect(client.DeleteImage(t.Context(), "m-1")).To(Succeed(), code)
		}
	}
}

func TestTextsAreBounded(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	long := strings.Repeat("日", 5000)
	body := `{"RequestId":` + quote(long) + `,"Code":` + quote(long) + `,"Message":` + quote("a\nb\x00c\u0085"+long) + `}`
	e := failed(t, readByID(t.Context(), answering(t, http.StatusBadRequest, body).client(t)))
	g.Expect(len(e.Message)).To(And(BeNumerically("<=", maxText), BeNumerically(">", maxText-10)))
	g.Expect(len(e.Code)).To(And(BeNumerically("<=", maxID), BeNumerically(">", maxID-10)))
	g.Expect(len(e.RequestID)).To(And(BeNumerically("<=", maxID), BeNumerically(">", maxID-10)))
	g.Expect(e.Message).To(HavePrefix("a b c 日"))
	g.Expect(e.Message).To(HaveSuffix("日..."))
}
