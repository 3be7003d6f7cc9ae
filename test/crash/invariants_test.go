// SPDX-License-Identifier: Apache-2.0

package crash

import (
	"fmt"
	"reflect"

	"sigs.k8s.io/yaml"

	"github.com/ens-image-operator/ens-image-operator/internal/enssim"
)

// fault is the column of the table that a violated invariant counts in.
type fault string

const (
	double   fault = "double"
	orphan   fault = "orphan"
	wrongEnd fault = "wrong end state"
)

type violation struct {
	fault   fault
	message string
}

func (r *run) violated(what fault, format string, values ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.violations = append(r.violations, violation{what, fmt.Sprintf(format, values...)})
}

// assertInvariants judges a run that is over, by all that ever happened in the cloud and by what is left. expected is the
// outcome without a crash; nil for the run that finds it.
func (r *run) assertInvariants(expected *outcome) outcome {
	r.t.Helper()
	history, found := r.cloud.History(), r.read()
	r.noDoubles(history)
	r.noOrphans(found)
	r.nothingForeignTouched(history)
	if expected != nil && !reflect.DeepEqual(found, *expected) {
		r.violated(wrongEnd, "the end state differs from that without a crash\nfound:\n%s\nexpected:\n%s", text(found), text(*expected))
	}
	for _, v := range r.violations {
		r.t.Errorf("invariant violated: %s: %s", v.fault, v.message)
	}
	return found
}

// noDoubles: the cloud carries out at most one ImportImage for each token, and no more of them than the scenario needs.
// The token is the end of the name, and its shape is all that is known of it here.
func (r *run) noDoubles(history []enssim.Call) {
	executed, total := map[string]int{}, 0
	for _, call := range history {
		if call.Action != importImage || !call.Executed {
			continue
		}
		total++
		mark := token.FindString(call.Params["ImageName"])
		if executed[mark]++; mark == "" || executed[mark] > 1 {
			r.violated(double, "ImportImage %q was carried out %d times", call.Params["ImageName"], executed[mark])
		}
	}
	if total > r.scenario.imports {
		r.violated(double, "ImportImage was carried out %d times, allowed are %d", total, r.scenario.imports)
	}
}

// noOrphans: every image in the cloud belongs to the object, to somebody else, or is one that the object left behind as
// it was told. And none is lost.
func (r *run) noOrphans(found outcome) {
	recorded, others := 0, 0
	for _, image := range found.Images {
		if image.Recorded {
			recorded++
		} else {
			others++
		}
	}
	leaves := 0
	if !found.Exists {
		leaves = r.scenario.leaves
	}
	switch {
	case others > leaves:
		r.violated(orphan, "nobody owns an image of these: %s", names(r.ownImages()))
	case others < leaves:
		r.violated(wrongEnd, "none lost: %d images were to stay, %d are in the cloud", leaves, others)
	}
	if found.Exists && found.Ownership != "" && recorded == 0 {
		r.violated(wrongEnd, "none lost: the object's image is not in the cloud")
	}
}

// nothingForeignTouched: images of others are as they were, and no write was ever tried on them.
func (r *run) nothingForeignTouched(history []enssim.Call) {
	for _, call := range history {
		if _, foreign := r.foreign[call.Params["ImageId"]]; foreign && call.Action != "DescribeSelfImages" {
			r.violated(wrongEnd, "foreign image: %s %s", call.Action, call.Params["ImageId"])
		}
	}
	left := map[string]enssim.Image{}
	for _, image := range r.cloud.Images() {
		left[image.ImageID] = image
	}
	for id, image := range r.foreign {
		if !reflect.DeepEqual(left[id], image) {
			r.violated(wrongEnd, "foreign image: %s is not as it was", id)
		}
	}
}

func text(value any) string {
	written, err := yaml.Marshal(value)
	if err != nil {
		return err.Error()
	}
	return string(written)
}
