// SPDX-License-Identifier: Apache-2.0

package crash

import (
	"regexp"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ens-image-operator/ens-image-operator/api/v1alpha1"
	"github.com/ens-image-operator/ens-image-operator/internal/enssim"
)

// outcome is what a user finds in the end, without what may differ from run to run: IDs, times and tokens.
type outcome struct {
	Exists     bool
	Finalizers []string
	Spec       v1alpha1.ImageImportSpec
	// Conditions are type, status and reason of each condition.
	Conditions []string
	Ownership  v1alpha1.Ownership
	ImageName  string
	Status     string
	Error      bool
	// Images are those in the cloud that are not somebody else's.
	Images []outcomeImage
}

type outcomeImage struct {
	// Recorded is true for the image that the object's status names.
	Recorded   bool
	Name       string
	Status     string
	Source     enssim.DiskSource
	DataDisks  []enssim.DiskSource
	SharedWith []string
}

var token = regexp.MustCompile(`[a-z2-7]{26}$`)

// read finds the outcome as it is now.
func (r *run) read() outcome {
	found := outcome{}
	obj := r.imageImport()
	err := r.client.Get(r.ctx, client.ObjectKeyFromObject(obj), obj)
	if err != nil && !apierrors.IsNotFound(err) {
		r.t.Errorf("reading the object: %v", err)
	}
	if err == nil {
		found = outcome{
			Exists: true, Finalizers: obj.Finalizers, Spec: obj.Spec, Ownership: obj.Status.Ownership,
			ImageName: token.ReplaceAllString(obj.Status.ImageName, "token"), Status: obj.Status.ImageStatus, Error: obj.Status.LastError != nil,
		}
		for _, c := range obj.Status.Conditions {
			found.Conditions = append(found.Conditions, c.Type+"="+string(c.Status)+" "+c.Reason)
		}
		slices.Sort(found.Conditions)
	}
	for _, image := range r.ownImages() {
		slices.Sort(image.SharedWith)
		found.Images = append(found.Images, outcomeImage{
			Recorded: found.Exists && image.ImageID == obj.Status.ImageID,
			Name:     token.ReplaceAllString(image.ImageName, "token"), Status: image.Status,
			Source: image.DiskSource, DataDisks: image.DiskDeviceMapping, SharedWith: image.SharedWith,
		})
	}
	return found
}

// ownImages returns the images of the account that are not somebody else's.
func (r *run) ownImages() []enssim.Image {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.DeleteFunc(r.cloud.Images(), func(image enssim.Image) bool {
		_, foreign := r.foreign[image.ImageID]
		return foreign
	})
}

// putForeign puts an image of somebody else into the account. The caller holds the lock, or has the run for itself.
func (r *run) putForeign(image enssim.Image) {
	image.AccountID = accountID
	stored := r.cloud.PutImage(image)
	r.foreign[stored.ImageID] = stored
}
