// SPDX-License-Identifier: Apache-2.0

package ens

import (
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // the cloud's signature version 1.0 is HMAC-SHA1
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Pin fixes what makes a request unique: the cloud refuses a nonce that it has seen and a timestamp outside its
// window, so a request with a recorded pin runs at most one time, however often it is delivered.
type Pin struct {
	// Nonce is sent as SignatureNonce.
	Nonce string
	// SignedAt is sent as Timestamp, in seconds.
	SignedAt time.Time
}

// sign replaces nonce and timestamp in a request that the SDK has built and signs it anew (signature version 1.0).
func (p *Pin) sign(u *url.URL, secret string) {
	query := u.Query()
	query.Set("SignatureNonce", p.Nonce)
	query.Set("Timestamp", p.SignedAt.UTC().Format(timestampFormat))
	query.Del("Signature")

	canonical := strings.NewReplacer("+", "%20", "*", "%2A", "%7E", "~").Replace(query.Encode())
	mac := hmac.New(sha1.New, []byte(secret+"&"))
	mac.Write([]byte(http.MethodPost + "&%2F&" + url.QueryEscape(canonical)))
	query.Set("Signature", base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	u.RawQuery = query.Encode()
}
