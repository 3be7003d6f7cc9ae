// SPDX-License-Identifier: Apache-2.0

package enssim

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
)

// maxBody bounds the body of every request.
const maxBody = 1 << 20

// The signature versions as the history names them.
const (
	signatureV1 = "V1"
	signatureV3 = "V3"
)

// request is a received call before anything about it was believed.
type request struct {
	method, host     string
	header           http.Header
	query            url.Values
	body             []byte
	params           url.Values // query and form merged
	signatureVersion string
	action, version  string
	accessKeyID      string
	authorization    v3Authorization
	// malformed is a refusal that was found while reading.
	malformed *apiError
}

func readRequest(w http.ResponseWriter, r *http.Request) *request {
	req := &request{method: r.Method, host: r.Host, header: r.Header, signatureVersion: signatureV1}
	req.malformed = req.readParameters(w, r)
	authorization := r.Header.Get("Authorization")
	if strings.HasPrefix(authorization, v3Algorithm) {
		req.signatureVersion = signatureV3
		req.action, req.version = r.Header.Get("X-Acs-Action"), r.Header.Get("X-Acs-Version")
		req.authorization = parseV3Authorization(authorization)
		req.accessKeyID = req.authorization.credential
		return req
	}
	req.action, req.version = req.params.Get("Action"), req.params.Get("Version")
	req.accessKeyID = req.params.Get("AccessKeyId")
	return req
}

func (req *request) readParameters(w http.ResponseWriter, r *http.Request) *apiError {
	req.params = url.Values{}
	var err error
	if req.query, err = url.ParseQuery(r.URL.RawQuery); err != nil {
		return refuse(http.StatusBadRequest, "InvalidParameter", "The query string cannot be decoded.")
	}
	if req.body, err = io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody)); err != nil {
		if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
			return refuse(http.StatusRequestEntityTooLarge, "RequestEntityTooLarge", "The body has more than %d bytes.", maxBody)
		}
		return refuse(http.StatusBadRequest, "InvalidParameter", "The body cannot be read.")
	}
	form, refusal := req.parseForm()
	if refusal != nil {
		return refusal
	}
	return req.merge(form)
}

func (req *request) parseForm() (url.Values, *apiError) {
	if len(req.body) == 0 {
		return nil, nil
	}
	mediaType, _, err := mime.ParseMediaType(req.header.Get("Content-Type"))
	if err != nil || mediaType != "application/x-www-form-urlencoded" {
		return nil, refuse(http.StatusUnsupportedMediaType, "UnsupportedContentType",
			"A body must be of type application/x-www-form-urlencoded.")
	}
	form, err := url.ParseQuery(string(req.body))
	if err != nil {
		return nil, refuse(http.StatusBadRequest, "InvalidParameter", "The form in the body cannot be decoded.")
	}
	return form, nil
}

// merge joins query and form. A parameter that comes twice has no defined
// meaning and hides mistakes, so it is refused.
func (req *request) merge(form url.Values) *apiError {
	for _, source := range []url.Values{req.query, form} {
		for name, values := range source {
			if len(values) > 1 || req.params.Has(name) {
				return invalidParameter(name, "It is given more than once.")
			}
			req.params[name] = values
		}
	}
	return nil
}

// commonParameters belong to the gateway and not to an action. RegionId and
// ClientToken are sent by SDKs whether an action knows them or not.
var commonParameters = map[string]bool{
	"AccessKeyId": true, "Action": true, "Version": true, "Format": true, "Timestamp": true,
	"Signature": true, "SignatureMethod": true, "SignatureNonce": true, "SignatureType": true,
	"SignatureVersion": true, "SecurityToken": true, "RegionId": true, "ClientToken": true,
}

// businessParameters are what may be shown: never a signature or a token.
func (req *request) businessParameters() map[string]string {
	params := map[string]string{}
	for name := range req.params {
		if !commonParameters[name] {
			params[name] = req.params.Get(name)
		}
	}
	return params
}
