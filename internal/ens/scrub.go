// SPDX-License-Identifier: Apache-2.0

package ens

import (
	"net/url"
	"regexp"
	"strings"
	"unicode"
)

// The longest texts of the cloud's that are passed on, in bytes.
const (
	maxText = 1024
	maxID   = 128
)

// signedRequest finds the parts of a signed URL or of a string to sign, which is percent-encoded twice.
var signedRequest = regexp.MustCompile(`(?i)(signature|securitytoken)(=|%3d|%253d)`)

// scrub makes a text of the cloud's fit to be shown: without credentials and control characters, and not too long.
func (c Credentials) scrub(s string, limit int) string {
	if signedRequest.MatchString(s) {
		return "not shown, because it repeats the signed request"
	}
	for _, secret := range []string{c.AccessKeySecret, c.SecurityToken, c.AccessKeyID} {
		if secret == "" {
			continue
		}
		once := url.QueryEscape(secret)
		for _, form := range []string{url.QueryEscape(once), once, secret} {
			s = strings.ReplaceAll(s, form, "***")
		}
	}
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == unicode.ReplacementChar {
			return ' '
		}
		return r
	}, s)
	if len(s) > limit {
		s = strings.ToValidUTF8(s[:limit-3], "") + "..."
	}
	return s
}
