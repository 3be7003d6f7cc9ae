// SPDX-License-Identifier: Apache-2.0

package faults

import (
	"encoding/base64"
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/ens-image-operator/ens-image-operator/api/v1alpha1"
	"github.com/ens-image-operator/ens-image-operator/internal/enssim"
)

// The pace of a hot loop: nobody polls that often, and no backoff begins that slowly.
const (
	paceWindow             = time.Minute
	maxReconcilesPerWindow = 40
	maxCallsPerWindow      = 60
)

// dumped is the readable column of a hex dump.
var dumped = regexp.MustCompile(`\|([^|]{1,16})\|`)

// account counts a call for the budget.
func (w *world) account(x *exchange) {
	if x.site.inCloud() {
		w.called = append(w.called, w.clock.Now())
	}
}

// judge applies the oracles to a run that has come to rest.
func (w *world) judge() {
	w.judgeImages()
	w.judgeForeign()
	w.judgePace("reconciles", w.paced, maxReconcilesPerWindow)
	w.judgePace("cloud calls", w.called, maxCallsPerWindow)
	w.judgeSecrecy()
}

// imported returns the token under which each image was imported.
func (w *world) imported() map[string]string {
	tokens := map[string]string{}
	for _, call := range w.cloud.History() {
		if call.Action == "ImportImage" && call.ImageID != "" {
			name := call.Params["ImageName"]
			tokens[call.ImageID] = name[len(name)-26:]
		}
	}
	return tokens
}

// judgeTokens: at most one image was ever made under a token, not only at rest. One that somebody else deleted before
// the operator knew of it does not count: nobody can tell it from one that was never made.
func (w *world) judgeTokens() {
	made := map[string]int{}
	for id, token := range w.imported() {
		if !w.removed[id] {
			made[token]++
		}
	}
	for token, count := range made {
		if count > 1 {
			w.violate("%d images were made under the token %s", count, token)
		}
	}
}

// judgeImages: what is left is what the object wants.
func (w *world) judgeImages() {
	w.judgeTokens()
	tokens, left := w.imported(), []enssim.Image{}
	for _, image := range w.cloud.Images() {
		if _, ours := tokens[image.ImageID]; ours {
			left = append(left, image)
		}
	}
	obj := w.obj()
	switch {
	case obj == nil && w.retained():
		if len(left) > 1 {
			w.violate("%d images are left of an object that retains one", len(left))
		}
	case obj == nil && len(left) > 0:
		w.violate("the object is gone, and left %d images behind: %s %s", len(left), left[0].ImageID, left[0].ImageName)
	case obj != nil && len(left) != 1:
		w.violate("the object has %d images at rest, not one", len(left))
	case obj != nil && (left[0].ImageID != obj.Status.ImageID || left[0].ImageName != obj.Spec.ImageName):
		w.violate("image %s is named %s, status says %s, spec %s", left[0].ImageID, left[0].ImageName, obj.Status.ImageID, obj.Spec.ImageName)
	}
}

// retained is true when the last version of the object asked to keep the image.
func (w *world) retained() bool {
	for _, version := range slices.Backward(w.versions) {
		if version != nil {
			return version.Spec.DeletionPolicy == v1alpha1.DeletionRetain
		}
	}
	return false
}

// judgeForeign: nobody touched what others own.
func (w *world) judgeForeign() {
	tokens := w.imported()
	for _, call := range w.cloud.History() {
		writes := call.Action == "DeleteImage" || call.Action == "ModifyImageAttribute" || call.Action == "ModifyImageSharePermission"
		if _, ours := tokens[call.Params["ImageId"]]; writes && !ours {
			w.violate("%s of %s, which is not ours (executed: %t)", call.Action, call.Params["ImageId"], call.ImageID != "")
		}
	}
	present := map[string]string{}
	for _, image := range w.cloud.Images() {
		present[image.ImageID] = image.ImageName
	}
	for id, name := range w.foreign {
		if present[id] != name {
			w.violate("the foreign image %s %s is %q now", id, name, present[id])
		}
	}
}

func (w *world) judgePace(what string, at []time.Time, limit int) {
	for i := limit; i < len(at); i++ {
		if took := at[i].Sub(at[i-limit]); took >= 0 && took < paceWindow {
			w.violate("hot loop: %d %s within %s", limit+1, what, took)
			return
		}
	}
}

// judgeSecrecy looks for the keys in everything that people can read.
func (w *world) judgeSecrecy() {
	versions, err := json.Marshal(w.versions)
	w.must(err)
	told := w.told.String() + string(versions)
	// client-go logs a body in protobuf as a hex dump, which breaks every word, and JSON holds Secrets in base64.
	var columns strings.Builder
	for _, column := range dumped.FindAllStringSubmatch(told, -1) {
		columns.WriteString(column[1])
	}
	told += columns.String()
	canaries := slices.Clone(w.canaries)
	for _, canary := range w.canaries {
		canaries = append(canaries, base64.StdEncoding.EncodeToString([]byte(canary)))
	}
	for _, canary := range canaries {
		if at := strings.Index(told, canary); at >= 0 {
			w.violate("%s is shown: ...%s", canary, told[max(0, at-80):min(len(told), at+80)])
		}
	}
}
