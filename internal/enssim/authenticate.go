// SPDX-License-Identifier: Apache-2.0

package enssim

import (
	"crypto/hmac"
	"maps"
	"net/http"
	"time"
)

// timestampLayout is the only one that the gateway takes, always in UTC.
const timestampLayout = "2006-01-02T15:04:05Z"

type nonceID struct{ accessKeyID, nonce string }

// proof holds the parts of a request that prove who sent it, wherever the
// signature version puts them.
type proof struct{ timestamp, nonce, token string }

// authenticate proves the caller and uses the nonce up. The nonce comes last,
// so that a request with a wrong signature does not use up somebody's nonce.
func (s *Simulator) authenticate(req *request, now time.Time) (AccessKey, *apiError) {
	given, refusal := s.readProof(req)
	if refusal != nil {
		return AccessKey{}, refusal
	}
	key, known := s.keys[req.accessKeyID]
	switch {
	case !known:
		return AccessKey{}, refuse(http.StatusNotFound, "InvalidAccessKeyId.NotFound", "Specified access key is not found.")
	case key.Inactive, key.SecurityToken == "" && key.expired(now):
		return key, refuse(http.StatusBadRequest, "InvalidAccessKeyId.Inactive", "Specified access key is disabled.")
	}
	if refusal := s.checkTimestamp(given.timestamp, now); refusal != nil {
		return key, refusal
	}
	if refusal := checkSignature(req, key.Secret); refusal != nil {
		return key, refusal
	}
	if refusal := s.checkToken(key, given.token, now); refusal != nil {
		return key, refusal
	}
	return key, s.useNonce(nonceID{key.ID, given.nonce}, now)
}

func (s *Simulator) readProof(req *request) (proof, *apiError) {
	if req.signatureVersion == signatureV3 {
		if s.behaviour.RejectV3 {
			return proof{}, refuse(http.StatusBadRequest, "IncompleteSignature", "%s is not supported.", v3Algorithm)
		}
		return req.proofV3()
	}
	return req.proofV1()
}

func (req *request) proofV1() (proof, *apiError) {
	if format := req.params.Get("Format"); format != "JSON" {
		return proof{}, invalidParameter("Format", "The simulator answers in JSON only: send Format=JSON.")
	}
	for _, name := range []string{"AccessKeyId", "Timestamp", "SignatureNonce", "SignatureMethod", "SignatureVersion", "Signature"} {
		if req.params.Get(name) == "" {
			return proof{}, refuse(http.StatusBadRequest, "Missing"+name, "%s is mandatory for this action.", name)
		}
	}
	if req.params.Get("SignatureMethod") != "HMAC-SHA1" || req.params.Get("SignatureVersion") != "1.0" || req.params.Get("SignatureType") != "" {
		return proof{}, refuse(http.StatusBadRequest, "IncompleteSignature",
			"Only SignatureMethod HMAC-SHA1 with SignatureVersion 1.0 and an empty SignatureType is supported.")
	}
	return proof{req.params.Get("Timestamp"), req.params.Get("SignatureNonce"), req.params.Get("SecurityToken")}, nil
}

func (req *request) proofV3() (proof, *apiError) {
	if req.authorization.credential == "" || req.authorization.signature == "" {
		return proof{}, refuse(http.StatusBadRequest, "IncompleteSignature", "The Authorization header lacks a part.")
	}
	if refusal := req.checkSignedHeaders(); refusal != nil {
		return proof{}, refusal
	}
	if req.header.Get("X-Acs-Content-Sha256") != hashHex(req.body) {
		return proof{}, refuse(http.StatusBadRequest, "InvalidContentSha256", "x-acs-content-sha256 is not the hash of the body.")
	}
	if id := req.header.Get("X-Acs-Accesskey-Id"); id != "" && id != req.accessKeyID {
		return proof{}, refuse(http.StatusBadRequest, "IncompleteSignature", "x-acs-accesskey-id differs from Credential.")
	}
	given := proof{req.header.Get("X-Acs-Date"), req.header.Get("X-Acs-Signature-Nonce"), req.header.Get("X-Acs-Security-Token")}
	if given.nonce == "" {
		return given, refuse(http.StatusBadRequest, "MissingSignatureNonce", "x-acs-signature-nonce is mandatory for this action.")
	}
	return given, nil
}

func (s *Simulator) checkTimestamp(text string, now time.Time) *apiError {
	sent, err := time.Parse(timestampLayout, text)
	// Parse takes fractions of a second, which the gateway does not.
	if err != nil || sent.Format(timestampLayout) != text {
		return refuse(http.StatusBadRequest, "InvalidTimeStamp.Format", "Specified time stamp is not of the form %s.", timestampLayout)
	}
	if now.Add(s.behaviour.ClockSkew.Duration).Sub(sent).Abs() > s.behaviour.TimestampWindow.Duration {
		return refuse(http.StatusBadRequest, "InvalidTimeStamp.Expired", "Specified time stamp or date value is expired.")
	}
	return nil
}

// checkSignature echoes the string to sign as the cloud does, with everything
// in it: a client must not pass it on.
func checkSignature(req *request, secret string) *apiError {
	var given, expected, echo string
	if req.signatureVersion == signatureV3 {
		canonical := req.canonicalV3()
		given, echo = req.authorization.signature, stringToSignV3(canonical)
		expected = signV3(echo, secret)
		echo += " server CanonicalRequest is: " + canonical
	} else {
		given, echo = req.params.Get("Signature"), stringToSignV1(req.method, req.params)
		expected = signV1(echo, secret)
	}
	if hmac.Equal([]byte(given), []byte(expected)) {
		return nil
	}
	return refuse(http.StatusBadRequest, "SignatureDoesNotMatch",
		"Specified signature is not matched with our calculation. server string to sign is:%s", echo)
}

func (s *Simulator) checkToken(key AccessKey, token string, now time.Time) *apiError {
	switch {
	case key.SecurityToken != "" && token == "":
		return refuse(http.StatusBadRequest, "MissingSecurityToken", "SecurityToken is mandatory for this action.")
	case key.SecurityToken == token && token != "" && key.expired(now):
		return refuse(http.StatusBadRequest, "InvalidSecurityToken.Expired", "Specified SecurityToken is expired.")
	case key.SecurityToken == token:
		return nil
	case s.knowsToken(token):
		return refuse(http.StatusBadRequest, "InvalidSecurityToken.MismatchWithAccessKey",
			"Specified SecurityToken mismatches with the AccessKey.")
	default:
		return refuse(http.StatusBadRequest, "InvalidSecurityToken.Malformed", "Specified SecurityToken is malformed.")
	}
}

func (s *Simulator) knowsToken(token string) bool {
	for _, key := range s.keys {
		if key.SecurityToken == token {
			return true
		}
	}
	return false
}

func (s *Simulator) useNonce(id nonceID, now time.Time) *apiError {
	window := s.behaviour.NonceWindow.Duration
	if window == 0 {
		return nil
	}
	if used, ok := s.nonces[id]; ok && now.Sub(used) < window {
		return refuse(http.StatusBadRequest, "SignatureNonceUsed", "Specified signature nonce was used already.")
	}
	s.nonces[id] = now
	if len(s.nonces)%1024 == 0 {
		maps.DeleteFunc(s.nonces, func(_ nonceID, used time.Time) bool { return now.Sub(used) >= window })
	}
	return nil
}
