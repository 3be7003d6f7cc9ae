// SPDX-License-Identifier: Apache-2.0

package crash

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ens-image-operator/ens-image-operator/api/v1alpha1"
	"github.com/ens-image-operator/ens-image-operator/internal/enssim"
)

const (
	bucket   = "golden"
	system   = "images/ubuntu.qcow2"
	dataDisk = "images/data.qcow2"
)

// scenario is a story of a user, an object and a cloud. Adding one to the table is all that it takes to have it crashed.
type scenario struct {
	name string
	// cloud prepares the cloud. Optional.
	cloud func(*enssim.Simulator)
	// object changes the plain ImageImport before it is created. Optional.
	object func(*v1alpha1.ImageImport)
	// steps act as the user and wait for what the user would wait for.
	steps []step
	// imports is how often ImportImage is carried out at most, whatever happens.
	imports int
	// leaves is how many images of the object stay when the object is gone.
	leaves int
}

var scenarios = []scenario{
	{
		name: "import", imports: 1,
		steps: []step{create, untilReady},
	},
	{
		name: "import-with-data-disks-and-sharing", imports: 1,
		object: func(obj *v1alpha1.ImageImport) {
			withDataDisk(obj)
			shareWith(obj, "1111111111111111", "2222222222222222")
		},
		steps: []step{create, untilReady},
	},
	{
		name: "share-otherwise-and-delete", imports: 1,
		object: func(obj *v1alpha1.ImageImport) { shareWith(obj, "1111111111111111", "2222222222222222") },
		steps: []step{
			create, untilReady,
			edited(func(obj *v1alpha1.ImageImport) { shareWith(obj, "2222222222222222", "3333333333333333") }), untilReady,
			remove, untilGone,
		},
	},
	{
		name: "adopt", leaves: 1,
		object: adopting,
		steps:  []step{makeByHand, create, untilReady, rename("ubuntu-adopted"), untilReady, remove, untilGone},
	},
	{
		name: "adopt-and-delete",
		object: func(obj *v1alpha1.ImageImport) {
			adopting(obj)
			obj.Spec.DeletionPolicy = v1alpha1.DeletionDelete
		},
		steps: []step{makeByHand, create, untilReady, remove, untilGone},
	},
	{
		name: "rename", imports: 1,
		steps: []step{create, untilReady, rename("ubuntu-renamed"), untilReady},
	},
	{
		name: "delete", imports: 1,
		steps: []step{create, untilReady, remove, untilGone},
	},
	{
		name: "delete-and-retain", imports: 1, leaves: 1,
		object: func(obj *v1alpha1.ImageImport) { obj.Spec.DeletionPolicy = v1alpha1.DeletionRetain },
		steps:  []step{create, untilReady, remove, untilGone},
	},
	{
		name: "delete-during-import", imports: 1,
		// Long enough that the deletion meets an import that is running.
		cloud: func(cloud *enssim.Simulator) { cloud.SetBehaviour(creatingFor(time.Second)) },
		steps: []step{create, untilImportIsRunning, remove, untilGone},
	},
	{
		name: "failed-import-and-retry", imports: 2,
		// Long enough for an operator that was restarted to see the import before it fails: one that has reported
		// nothing yet takes the new object for news of the user's, and tries again at once.
		cloud: func(cloud *enssim.Simulator) {
			cloud.SetBehaviour(creatingFor(time.Second))
			cloud.PutObject(enssim.Object{Bucket: bucket, Key: system, Corrupt: true})
		},
		steps: []step{create, untilFailed, mendSource, requestReconcile, untilReady},
	},
	{
		name: "lost-answer", imports: 1,
		cloud: func(cloud *enssim.Simulator) {
			cloud.AddFault(enssim.Fault{Action: importImage, Kind: enssim.DropAfter, Times: 1})
		},
		steps: []step{create, untilReady},
	},
}

func withDataDisk(obj *v1alpha1.ImageImport) {
	obj.Spec.DiskDeviceMappings = []v1alpha1.DiskDeviceMapping{
		{OSS: v1alpha1.OSSObject{Region: region, Bucket: bucket, Object: dataDisk}},
	}
}

func shareWith(obj *v1alpha1.ImageImport, accounts ...string) { obj.Spec.ShareWith = accounts }

// adopting names an image of the run's own: the cloud's IDs are unique, and so they are here, where each run has a cloud.
func adopting(obj *v1alpha1.ImageImport) {
	obj.Spec = v1alpha1.ImageImportSpec{ImageID: byHand(obj.Namespace), Credentials: obj.Spec.Credentials}
}

func byHand(namespace string) string { return "m-by-hand-" + namespace }

func creatingFor(d time.Duration) func(*enssim.Behaviour) {
	return func(b *enssim.Behaviour) {
		b.Steps = []enssim.Step{{Status: enssim.StatusCreating, Duration: metav1.Duration{Duration: d}}}
	}
}
