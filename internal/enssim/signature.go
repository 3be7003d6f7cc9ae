// SPDX-License-Identifier: Apache-2.0

package enssim

import (
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // Signature V1 is defined with SHA-1.
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

const v3Algorithm = "ACS3-HMAC-SHA256"

// v3Required are the headers without which a V3 signature proves too little.
var v3Required = []string{
	"host", "x-acs-action", "x-acs-content-sha256", "x-acs-date", "x-acs-signature-nonce", "x-acs-version",
}

// percentEncode follows RFC 3986, from which package url differs in the blank only.
func percentEncode(text string) string { return strings.ReplaceAll(url.QueryEscape(text), "+", "%20") }

func canonicalQuery(params url.Values) string { return strings.ReplaceAll(params.Encode(), "+", "%20") }

// stringToSignV1 follows the RPC signature: every parameter but the signature,
// from query and form alike.
func stringToSignV1(method string, params url.Values) string {
	signed := maps.Clone(params)
	delete(signed, "Signature")
	return method + "&%2F&" + percentEncode(canonicalQuery(signed))
}

func signV1(stringToSign, secret string) string {
	mac := hmac.New(sha1.New, []byte(secret+"&"))
	mac.Write([]byte(stringToSign))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// v3Authorization is the Authorization header of Signature V3, taken apart.
type v3Authorization struct {
	credential, signature string
	signedHeaders         []string
}

func parseV3Authorization(header string) v3Authorization {
	var parsed v3Authorization
	for part := range strings.SplitSeq(strings.TrimPrefix(header, v3Algorithm), ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		switch name {
		case "Credential":
			parsed.credential = value
		case "SignedHeaders":
			parsed.signedHeaders = strings.Split(value, ";")
		case "Signature":
			parsed.signature = value
		}
	}
	return parsed
}

// checkSignedHeaders refuses a signature that leaves out what must be signed.
func (req *request) checkSignedHeaders() *apiError {
	signed := req.authorization.signedHeaders
	required := slices.Clone(v3Required)
	for name := range req.header {
		name = strings.ToLower(name)
		if strings.HasPrefix(name, "x-acs-") || name == "content-type" {
			required = append(required, name)
		}
	}
	for _, name := range required {
		if !slices.Contains(signed, name) {
			return refuse(http.StatusBadRequest, "IncompleteSignature", "The header %s is not signed.", name)
		}
	}
	if !slices.IsSorted(signed) {
		return refuse(http.StatusBadRequest, "IncompleteSignature", "The signed headers are not sorted.")
	}
	return nil
}

func (req *request) canonicalV3() string {
	headers := make([]string, 0, len(req.authorization.signedHeaders))
	for _, name := range req.authorization.signedHeaders {
		value := strings.Join(req.header.Values(name), ",")
		if name == "host" {
			value = req.host
		}
		headers = append(headers, name+":"+strings.TrimSpace(value)+"\n")
	}
	return strings.Join([]string{
		req.method,
		"/",
		canonicalQuery(req.query),
		strings.Join(headers, ""),
		strings.Join(req.authorization.signedHeaders, ";"),
		hashHex(req.body),
	}, "\n")
}

func stringToSignV3(canonical string) string {
	return v3Algorithm + "\n" + hashHex([]byte(canonical))
}

func signV3(stringToSign, secret string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(stringToSign))
	return hex.EncodeToString(mac.Sum(nil))
}

func hashHex(content []byte) string {
	return fmt.Sprintf("%x", sha256.Sum256(content))
}
