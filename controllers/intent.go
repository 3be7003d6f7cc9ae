// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"bytes"
	"crypto/sha256"
	"encoding/base32"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/ens-image-operator/ens-image-operator/api/v1alpha1"
)

// closure says why an attempt to import is over without an image.
type closure string

const (
	// closedRefused : the cloud refused ImportImage, certainly without making an image.
	closedRefused closure = "Refused"
	// closedFailed : the image ended in a failure state, or its object is being deleted, and it is to be removed.
	closedFailed closure = "Failed"
)

// intent is the durable record of an import, kept in the annotation ens.alibabacloud.com/import. It is written before
// the cloud is, always with the object's resourceVersion, and (Epoch, Attempt) only grow.
type intent struct {
	// Cluster and UID bind the record to one object in one cluster: copied or restored manifests carry it along.
	Cluster types.UID `json:"cluster"`
	UID     types.UID `json:"uid"`
	// Epoch counts the images that this object has asked for. The token derives from it.
	Epoch int64 `json:"epoch"`
	// Attempt counts the ImportImage calls of all epochs. The nonce derives from it.
	Attempt int32 `json:"attempt"`
	// SignedAt is the timestamp of the signed request, in seconds. The cloud refuses the request some time after it.
	SignedAt metav1.Time `json:"signedAt"`
	// Hash is over the fields of the spec that the request was made of.
	Hash string `json:"hash"`
	// ImageID is set once the image was seen Available. It proves ownership after the rename took the token away.
	ImageID string `json:"imageID,omitempty"`
	// Adopted is set when the image was not imported for this object, but taken over. There is no attempt then.
	Adopted bool `json:"adopted,omitempty"`
	// Shared is set before the image is shared with the first account. From then on its sharing is looked after.
	Shared bool `json:"shared,omitempty"`
	// Key tells the access keys apart that the attempt was signed, or the image was seen, with: an absence that another
	// key shows may be that of another account. Empty for temporary keys, which change all the time.
	Key string `json:"key,omitempty"`
	// Closed is set when the attempt is over without a usable image, ClosedAt says since when, and Cause is the state
	// that a failed image was in.
	Closed   closure      `json:"closed,omitempty"`
	ClosedAt *metav1.Time `json:"closedAt,omitempty"`
	Cause    string       `json:"cause,omitempty"`
}

// readIntent returns the recorded intent: as own when it is this object's, as foreign when it came along with a copied
// manifest, a restored backup or a move. Both are nil when there is none.
func readIntent(obj *v1alpha1.ImageImport, cluster types.UID) (own, foreign *intent, err error) {
	recorded, found := obj.Annotations[v1alpha1.ImportAnnotation]
	if !found {
		return nil, nil, nil
	}
	in := &intent{}
	decoder := json.NewDecoder(strings.NewReader(recorded))
	decoder.DisallowUnknownFields()
	decodeErr := decoder.Decode(in)
	if _, end := decoder.Token(); decodeErr != nil || end != io.EOF || !in.sound() {
		return nil, nil, fmt.Errorf("the annotation %s cannot be read", v1alpha1.ImportAnnotation)
	}
	if in.Cluster != cluster || in.UID != obj.UID {
		return nil, in, nil
	}
	return in, nil, nil
}

// sound is true for what this operator may have written. Anything else, such as the word of a later version, is as good
// as unreadable: to act on the half that is understood could cost an image.
func (in *intent) sound() bool {
	if in.Epoch < 1 || in.Attempt < 1 && !in.Adopted || in.SignedAt.IsZero() || in.Adopted && in.ImageID == "" {
		return false
	}
	switch in.Closed {
	case "":
		return in.ClosedAt == nil
	case closedRefused, closedFailed:
		return in.ClosedAt != nil && in.ImageID == ""
	}
	return false
}

func (in *intent) encode() string {
	var encoded bytes.Buffer
	_ = json.NewEncoder(&encoded).Encode(in) // strings, numbers and times always encode
	return strings.TrimSpace(encoded.String())
}

// tokenLength is in characters of 5 bits each.
const tokenLength = 26

// token is the part of the image's name that proves whose it is. It derives from two UIDs that nobody can choose, so
// it cannot be forged and is never lost.
func token(cluster, uid types.UID, epoch int64) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "ensimport/v1|%s|%s|%d", cluster, uid, epoch))
	return strings.ToLower(base32.StdEncoding.EncodeToString(sum[:]))[:tokenLength]
}

// open is true while the attempt may still make an image that nobody has recorded.
func (in *intent) open() bool { return in.ImageID == "" && in.Closed == "" }

func (in *intent) token() string { return token(in.Cluster, in.UID, in.Epoch) }

// nameSuffix is what the name of every image that is imported under a token ends with. The first part marks all images
// of this cluster's operator, so that one that lost its object can be told from everybody else's.
func nameSuffix(cluster types.UID, token string) string { return "-" + marker(cluster) + "-" + token }

func marker(cluster types.UID) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "ensimport/cluster/v1|%s", cluster))
	return strings.ToLower(base32.StdEncoding.EncodeToString(sum[:]))[:6]
}

func (in *intent) nameSuffix() string { return nameSuffix(in.Cluster, in.token()) }

// nonce makes the request of one attempt unique: the cloud runs it at most one time.
func (in *intent) nonce() string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s|%d", in.token(), in.Attempt))
	return hex.EncodeToString(sum[:16])
}

// again is the intent of the next attempt at the same image, after one that has certainly left none behind.
func (in *intent) again(now time.Time, hash string) *intent {
	return &intent{Cluster: in.Cluster, UID: in.UID, Epoch: in.Epoch, Attempt: in.Attempt + 1, SignedAt: seconds(now), Hash: hash}
}

// anew is the intent of an attempt at another image. Its token differs, so that what is left of the last image, or
// shows up late, is never mistaken for the new one.
func (in *intent) anew(now time.Time, hash string) *intent {
	following := in.again(now, hash)
	following.Epoch++
	return following
}

// adopting is the intent of an object that takes over an existing image. The attempts so far still count.
func (in *intent) adopting(id string, now time.Time, hash string) *intent {
	taken := in.anew(now, hash)
	taken.Attempt, taken.ImageID, taken.Adopted = in.Attempt, id, true
	return taken
}

// closed is the intent once there is no usable image, and so nothing that could be owned.
func (in *intent) closed(why closure, now time.Time) *intent {
	over := *in
	at := seconds(now)
	over.Closed, over.ClosedAt = why, &at
	over.ImageID, over.Adopted, over.Shared = "", false, false
	return &over
}

func (in *intent) failed(status string, now time.Time) *intent {
	over := in.closed(closedFailed, now)
	over.Cause = status
	return over
}

func (in *intent) withImage(id string) *intent {
	recorded := *in
	recorded.ImageID = id
	return &recorded
}

func (in *intent) withKey(key string) *intent {
	seen := *in
	seen.Key = key
	return &seen
}

func (in *intent) sharing() *intent {
	asked := *in
	asked.Shared = true
	return &asked
}

func seconds(t time.Time) metav1.Time { return metav1.NewTime(t.UTC().Truncate(time.Second)) }
