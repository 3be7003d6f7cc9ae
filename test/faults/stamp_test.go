// SPDX-License-Identifier: Apache-2.0

package faults

import (
	"crypto/hmac"
	"crypto/sha1" // the cloud's signature version 1.0
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// stamp moves a request from real into virtual time, when the process sends it. Only ImportImage bears the time of the
// operator's clock already; the SDK signs all other calls with the time of the machine.
func (w *world) stamp(request *http.Request) {
	query := request.URL.Query()
	secret, known := w.secrets[query.Get("AccessKeyId")]
	if query.Get("Action") == "ImportImage" || !known {
		return
	}
	query.Set("Timestamp", w.clock.Now().UTC().Format(time.RFC3339))
	query.Del("Signature")
	signed := strings.NewReplacer("+", "%20", "*", "%2A", "%7E", "~").Replace(query.Encode())
	mac := hmac.New(sha1.New, []byte(secret+"&"))
	mac.Write([]byte(request.Method + "&%2F&" + url.QueryEscape(signed)))
	query.Set("Signature", base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	request.URL.RawQuery = query.Encode()
}
