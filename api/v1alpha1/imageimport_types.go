// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// ImageNamePolicy says which name the image bears once it is available.
// +kubebuilder:validation:Enum=Exact;Unique
type ImageNamePolicy string

const (
	// ImageNameExact renames the available image to exactly spec.imageName.
	ImageNameExact ImageNamePolicy = "Exact"
	// ImageNameUnique keeps the unique name that was used during the import: spec.imageName and a suffix.
	ImageNameUnique ImageNamePolicy = "Unique"
)

// DeletionPolicy says what happens to the image when the ImageImport is deleted.
// +kubebuilder:validation:Enum=Delete;Retain
type DeletionPolicy string

const (
	// DeletionDelete deletes the image, and the ImageImport once the image is gone.
	DeletionDelete DeletionPolicy = "Delete"
	// DeletionRetain keeps the image and lets the ImageImport go at once.
	DeletionRetain DeletionPolicy = "Retain"
)

// ManagementPolicy says how far the operator's care for the image goes.
// +kubebuilder:validation:Enum=Managed;ObserveOnly
type ManagementPolicy string

const (
	// ManagementManaged keeps the image as the spec asks, and writes to the cloud for it.
	ManagementManaged ManagementPolicy = "Managed"
	// ManagementObserveOnly reports an existing image and never writes to the cloud.
	ManagementObserveOnly ManagementPolicy = "ObserveOnly"
)

// ImageImportSpec is the wish: which file becomes which image. What defines the import (source, image attributes,
// diskDeviceMappings, targetOSSRegionID, imageID) may be edited until an import has been started and again after it
// failed. Everything else may be edited at any time, and takes effect in the cloud.
//
// The rules on strings let "" pass, because the minimum length refuses it: one mistake gets one message. For the same
// reason the rules on imports speak only where there is something to import: the first two rules refuse what is neither
// an import nor an image that exists. And the rules on a changed source (diskDeviceMappings) of a started import leave it
// to the rules on imageID, which source excludes, to refuse a change from one to the other.
// +kubebuilder:validation:XValidation:rule="has(self.source) || has(self.diskDeviceMappings) || has(self.imageID) || self.managementPolicy == 'ObserveOnly'",message="spec needs a qcow2 file to import (spec.source.oss, spec.diskDeviceMappings or both, with spec.osType) or an existing image to adopt (spec.imageID)",reason=FieldValueRequired
// +kubebuilder:validation:XValidation:rule="self.managementPolicy != 'ObserveOnly' || has(self.imageID)",fieldPath=".managementPolicy",message="spec.managementPolicy ObserveOnly needs spec.imageID, the image to observe, in place of spec.source and spec.diskDeviceMappings; an import is always Managed"
// +kubebuilder:validation:XValidation:rule="self.managementPolicy != 'ObserveOnly' || !has(self.imageID) || !has(self.imageName) && (!has(self.shareWith) || self.shareWith.size() == 0) && (!has(self.deletionPolicy) || self.deletionPolicy == 'Retain')",fieldPath=".managementPolicy",message="spec.managementPolicy ObserveOnly never writes to the cloud: it excludes spec.imageName, spec.shareWith and spec.deletionPolicy Delete"
// +kubebuilder:validation:XValidation:rule="!has(self.imageID) || !has(self.source) && !has(self.diskDeviceMappings)",fieldPath=".imageID",message="spec.imageID names an existing image, so nothing is imported: it excludes spec.source and spec.diskDeviceMappings"
// +kubebuilder:validation:XValidation:rule="!has(self.imageID) || self.imageNamePolicy != 'Unique'",fieldPath=".imageNamePolicy",message="spec.imageNamePolicy must be Exact where spec.imageID is set: Unique is for imports, and an existing image keeps its name or gets spec.imageName"
// +kubebuilder:validation:XValidation:rule="has(self.osType) || has(self.imageID) || self.managementPolicy == 'ObserveOnly' || !has(self.source) && !has(self.diskDeviceMappings)",fieldPath=".osType",message="spec.osType is required for an import: linux or windows",reason=FieldValueRequired
type ImageImportSpec struct {
	// imageName is the name of the image in ENS. Allowed are 2 to 128 characters: a letter or a Chinese character
	// first, then letters, Chinese characters, digits, ":", "_" and "-".
	// Default: metadata.name, when that is a legal image name; the image of spec.imageID keeps its name.
	// May be changed at any time: the image is renamed. Source: ImportImage, ModifyImageAttribute.
	// +optional
	// +kubebuilder:validation:MinLength=2
	// +kubebuilder:validation:MaxLength=128
	// +kubebuilder:validation:XValidation:rule="self.size() == 0 || self.matches('^[A-Za-z\\\\p{Han}][A-Za-z0-9\\\\p{Han}:_-]*$')",message="spec.imageName must start with a letter or a Chinese character, followed by letters, Chinese characters, digits, ':', '_' and '-' only (2 to 128 characters)"
	ImageName string `json:"imageName,omitempty"`

	// imageNamePolicy says which name the image bears once it is available. During the import it is imageName and a
	// unique suffix, by which the operator finds it again after a crash.
	// "Exact": renamed to exactly imageName. "Unique": keeps the suffix. Default: Exact.
	// +optional
	// +default="Exact"
	ImageNamePolicy ImageNamePolicy `json:"imageNamePolicy,omitempty"`

	// imageID is the ID of an existing image of the account, "m-…", to adopt instead of importing one. Its deletionPolicy
	// is Retain unless the spec says otherwise. Of several ImageImports that claim one image, the one that imported it
	// keeps it, else the oldest; the others are Stalled and write nothing. Source: DescribeSelfImages.
	// Default: none, the image is imported.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	// +kubebuilder:validation:XValidation:rule="self.size() == 0 || self.matches('^[A-Za-z0-9][A-Za-z0-9_-]*$')",message="spec.imageID must be the ID of an image: a letter or digit, followed by letters, digits, '-' and '_' only, for example m-5wn1dhxyz"
	ImageID string `json:"imageID,omitempty"`

	// managementPolicy says how far the operator's care goes. "Managed": the image is kept as the spec asks.
	// "ObserveOnly": the image of spec.imageID is reported and never written to, not even at deletion. Default: Managed.
	// +optional
	// +default="Managed"
	ManagementPolicy ManagementPolicy `json:"managementPolicy,omitempty"`

	// source is the file of the system disk. At least one of source and diskDeviceMappings is needed for an import.
	// Default: none.
	// +optional
	Source ImageSource `json:"source,omitzero"` //nolint:kubeapilinter // the zero value is an absent source; a pointer would add nothing but nil checks

	// computeType is the kind of machine the image is for. Allowed: "ens_vm". Default: ens_vm.
	// +optional
	// +default="ens_vm"
	// +kubebuilder:validation:Enum=ens_vm
	ComputeType string `json:"computeType,omitempty"`

	// osType is the operating system. Allowed: "linux", "windows" (the cloud's documentation says that only linux is
	// supported at present; the cloud decides). Default: none; required for an import.
	// +optional
	// +kubebuilder:validation:Enum=linux;windows
	OSType string `json:"osType,omitempty"`

	// platform is the distribution. Documented values: "centos", "ubuntu". Default: none, the parameter is not sent.
	// +optional
	// +kubebuilder:validation:MinLength=0
	// +kubebuilder:validation:MaxLength=64
	Platform string `json:"platform,omitempty"` //nolint:kubeapilinter // "" and absent mean the same: not sent

	// osVersion is the version of the operating system as free text, for example "22.04".
	// Default: none, the parameter is not sent.
	// +optional
	// +kubebuilder:validation:MinLength=0
	// +kubebuilder:validation:MaxLength=64
	OSVersion string `json:"osVersion,omitempty"` //nolint:kubeapilinter // "" and absent mean the same: not sent

	// architecture is the processor architecture. Allowed: "x86_64". Default: x86_64.
	// +optional
	// +default="x86_64"
	// +kubebuilder:validation:Enum=x86_64
	Architecture string `json:"architecture,omitempty"`

	// imageFormat is the format of the file. Allowed: "qcow2". Default: qcow2.
	// +optional
	// +default="qcow2"
	// +kubebuilder:validation:Enum=qcow2
	ImageFormat string `json:"imageFormat,omitempty"`

	// licenseType is the licence under which the image is used. The cloud documents no values; it is passed on as it
	// is. Default: none, the parameter is not sent.
	// +optional
	// +kubebuilder:validation:MinLength=0
	// +kubebuilder:validation:MaxLength=64
	LicenseType string `json:"licenseType,omitempty"` //nolint:kubeapilinter // "" and absent mean the same: not sent

	// diskDeviceMappings are further files to import with the image, in the cloud's order. At most 16.
	// Default: none.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	DiskDeviceMappings []DiskDeviceMapping `json:"diskDeviceMappings,omitempty"`

	// targetOSSRegionID is the region in which the image is stored. Documented values: "cn-beijing",
	// "ap-southeast-1". Default: the region of the source (of the first disk device mapping when there is no source).
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	// +kubebuilder:validation:XValidation:rule="self.size() == 0 || self.matches('^[a-z0-9-]+$')",message="spec.targetOSSRegionID must be a region ID of lower case letters, digits and '-', for example cn-beijing"
	TargetOSSRegionID string `json:"targetOSSRegionID,omitempty"`

	// shareWith are the Alibaba Cloud accounts, by their IDs, that may use the image. They are kept exactly as listed:
	// what somebody else adds or takes away is put back. At most 100. Source: ModifyImageSharePermission, which adds any
	// number of accounts in one call and removes one at a time.
	// Default: none; sharing that was never asked for here is left as it is.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=0
	// +kubebuilder:validation:MaxItems=100
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=20
	// +kubebuilder:validation:items:XValidation:rule="self.size() == 0 || self.matches('^[1-9][0-9]*$')",message="spec.shareWith must list account IDs: up to 20 digits and no 0 first, for example 1234567890123456"
	ShareWith []string `json:"shareWith,omitempty"`

	// deletionPolicy says what happens to the image when this object is deleted. "Delete": the image is deleted first.
	// "Retain": the image stays. May be changed up to the last moment.
	// Default: Delete for an image that was imported for this object, Retain for one that was adopted.
	// +optional
	DeletionPolicy DeletionPolicy `json:"deletionPolicy,omitempty"`

	// suspend stops every write to the cloud while it is true, except those of a deletion. Default: false.
	// +optional
	Suspend bool `json:"suspend,omitempty"` //nolint:kubeapilinter // a boolean as in CronJob and Flux, where users know it from

	// timeoutSeconds is how long an import may take, in seconds, before the object is reported as Stalled. The import
	// is still followed after that. Allowed: 1 to 604800 (a week). Default: 7200.
	// +optional
	// +default=7200
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=604800
	TimeoutSeconds int32 `json:"timeoutSeconds,omitempty"`

	// credentials are the account in which the image is imported.
	// Default: the operator's own credentials.
	// +optional
	Credentials Credentials `json:"credentials,omitzero"` //nolint:kubeapilinter // the zero value is absent credentials; a pointer would add nothing but nil checks
}

// ImageSource is where the file lies.
type ImageSource struct {
	// oss is an object in Object Storage Service.
	// +required
	OSS OSSObject `json:"oss,omitzero"`
}

// DiskDeviceMapping is one further file of the image.
type DiskDeviceMapping struct {
	// oss is an object in Object Storage Service.
	// +required
	OSS OSSObject `json:"oss,omitzero"`
}

// OSSObject is one object in Object Storage Service. The account must have allowed ENS to read it.
type OSSObject struct {
	// region is the region of the bucket. Documented value: "cn-beijing".
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	// +kubebuilder:validation:XValidation:rule="self.size() == 0 || self.matches('^[a-z0-9-]+$')",message="oss.region must be a region ID of lower case letters, digits and '-', for example cn-beijing"
	Region string `json:"region,omitempty"`

	// bucket is the name of the bucket: 3 to 63 lower case letters, digits and "-", with no "-" first or last.
	// +required
	// +kubebuilder:validation:MinLength=3
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:XValidation:rule="self.size() == 0 || self.matches('^[a-z0-9]([a-z0-9-]*[a-z0-9])?$')",message="oss.bucket must be a bucket name: 3 to 63 lower case letters, digits and '-', with no '-' first or last"
	Bucket string `json:"bucket,omitempty"`

	// object is the key of the object, 1 to 1023 characters, with no "/" or "\" first and no control characters.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1023
	// +kubebuilder:validation:XValidation:rule="self.size() == 0 || self.matches('^[^/\\\\\\\\\\\\p{Cc}][^\\\\p{Cc}]*$')",message="oss.object must be an object key: 1 to 1023 characters, no '/' or '\\' first, no control characters"
	Object string `json:"object,omitempty"`
}

// Credentials say on whose account the operator works.
type Credentials struct {
	// secretRef names a Secret in the namespace of this object with the keys accessKeyID and accessKeySecret, and
	// securityToken when the key is a temporary one of STS.
	// +required
	SecretRef SecretReference `json:"secretRef,omitzero"`
}

// SecretReference names a Secret in the same namespace.
type SecretReference struct {
	// name of the Secret.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="self.size() == 0 || !format.dns1123Subdomain().validate(self).hasValue()",message="secretRef.name must be the name of a Secret: up to 253 lower case letters, digits, '-' and '.', with a letter or digit first and last and on both sides of each '.'"
	Name string `json:"name,omitempty"`
}

// ImageImport imports a disk image file from OSS into Edge Node Service (ENS), exactly once, or adopts an existing image,
// and keeps the image's name and sharing, and status.imageID, up to date.
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:shortName=imgimp;ensimage,categories=ens
// +kubebuilder:metadata:labels="clusterctl.cluster.x-k8s.io/move="
// +kubebuilder:selectablefield:JSONPath=`.spec.imageID`
// +kubebuilder:selectablefield:JSONPath=`.status.imageID`
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Reason",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].reason`
// +kubebuilder:printcolumn:name="ImageID",type=string,JSONPath=`.status.imageID`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:printcolumn:name="Image Name",type=string,priority=1,JSONPath=`.status.imageName`
// +kubebuilder:printcolumn:name="OSS Object",type=string,priority=1,JSONPath=`.spec.source.oss.object`
// +kubebuilder:printcolumn:name="Last Error",type=string,priority=1,JSONPath=`.status.lastError.code`
// +kubebuilder:validation:XValidation:rule="has(self.spec.imageName) || has(self.spec.imageID) || self.spec.managementPolicy == 'ObserveOnly' || !has(self.spec.source) && !has(self.spec.diskDeviceMappings) || self.metadata.name.matches('^[a-z][a-z0-9-]{1,127}$')",fieldPath=".spec.imageName",reason=FieldValueRequired,message="spec.imageName is required here, because metadata.name is not a legal image name (2 to 128 characters, a letter first, no '.')"
// +kubebuilder:validation:XValidation:rule="!has(oldSelf.status) || !has(oldSelf.status.startTime) || has(self.spec.imageID) || has(oldSelf.spec.imageID) || (has(self.spec.source) ? has(oldSelf.spec.source) && self.spec.source == oldSelf.spec.source : !has(oldSelf.spec.source))",fieldPath=".spec.source",message="spec.source cannot be changed once the import has started; create a new ImageImport for another file"
// +kubebuilder:validation:XValidation:rule="!has(oldSelf.status) || !has(oldSelf.status.startTime) || has(self.spec.imageID) || has(oldSelf.spec.imageID) || (has(self.spec.diskDeviceMappings) ? has(oldSelf.spec.diskDeviceMappings) && self.spec.diskDeviceMappings == oldSelf.spec.diskDeviceMappings : !has(oldSelf.spec.diskDeviceMappings))",fieldPath=".spec.diskDeviceMappings",message="spec.diskDeviceMappings cannot be changed once the import has started; create a new ImageImport for other files"
// +kubebuilder:validation:XValidation:rule="!has(oldSelf.status) || !has(oldSelf.status.startTime) || self.spec.computeType == oldSelf.spec.computeType",fieldPath=".spec.computeType",message="spec.computeType cannot be changed once the import has started or the image is adopted; create a new ImageImport"
// +kubebuilder:validation:XValidation:rule="!has(oldSelf.status) || !has(oldSelf.status.startTime) || (has(self.spec.osType) ? has(oldSelf.spec.osType) && self.spec.osType == oldSelf.spec.osType : !has(oldSelf.spec.osType))",fieldPath=".spec.osType",message="spec.osType cannot be changed once the import has started or the image is adopted; create a new ImageImport"
// +kubebuilder:validation:XValidation:rule="!has(oldSelf.status) || !has(oldSelf.status.startTime) || (has(self.spec.platform) && self.spec.platform.size() > 0 ? has(oldSelf.spec.platform) && self.spec.platform == oldSelf.spec.platform : !has(oldSelf.spec.platform) || oldSelf.spec.platform.size() == 0)",fieldPath=".spec.platform",message="spec.platform cannot be changed once the import has started or the image is adopted; create a new ImageImport"
// +kubebuilder:validation:XValidation:rule="!has(oldSelf.status) || !has(oldSelf.status.startTime) || (has(self.spec.osVersion) && self.spec.osVersion.size() > 0 ? has(oldSelf.spec.osVersion) && self.spec.osVersion == oldSelf.spec.osVersion : !has(oldSelf.spec.osVersion) || oldSelf.spec.osVersion.size() == 0)",fieldPath=".spec.osVersion",message="spec.osVersion cannot be changed once the import has started or the image is adopted; create a new ImageImport"
// +kubebuilder:validation:XValidation:rule="!has(oldSelf.status) || !has(oldSelf.status.startTime) || self.spec.architecture == oldSelf.spec.architecture",fieldPath=".spec.architecture",message="spec.architecture cannot be changed once the import has started or the image is adopted; create a new ImageImport"
// +kubebuilder:validation:XValidation:rule="!has(oldSelf.status) || !has(oldSelf.status.startTime) || self.spec.imageFormat == oldSelf.spec.imageFormat",fieldPath=".spec.imageFormat",message="spec.imageFormat cannot be changed once the import has started or the image is adopted; create a new ImageImport"
// +kubebuilder:validation:XValidation:rule="!has(oldSelf.status) || !has(oldSelf.status.startTime) || (has(self.spec.licenseType) && self.spec.licenseType.size() > 0 ? has(oldSelf.spec.licenseType) && self.spec.licenseType == oldSelf.spec.licenseType : !has(oldSelf.spec.licenseType) || oldSelf.spec.licenseType.size() == 0)",fieldPath=".spec.licenseType",message="spec.licenseType cannot be changed once the import has started or the image is adopted; create a new ImageImport"
// +kubebuilder:validation:XValidation:rule="!has(oldSelf.status) || !has(oldSelf.status.startTime) || (has(self.spec.targetOSSRegionID) ? has(oldSelf.spec.targetOSSRegionID) && self.spec.targetOSSRegionID == oldSelf.spec.targetOSSRegionID : !has(oldSelf.spec.targetOSSRegionID))",fieldPath=".spec.targetOSSRegionID",message="spec.targetOSSRegionID cannot be changed once the import has started or the image is adopted; create a new ImageImport"
// +kubebuilder:validation:XValidation:rule="!has(oldSelf.status) || !has(oldSelf.status.startTime) || (has(self.spec.imageID) ? has(oldSelf.spec.imageID) && self.spec.imageID == oldSelf.spec.imageID : !has(oldSelf.spec.imageID))",fieldPath=".spec.imageID",message="spec.imageID cannot be changed once the image is adopted or an import has started; create a new ImageImport for another image"
type ImageImport struct {
	metav1.TypeMeta `json:",inline"`

	// metadata is standard object metadata.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// spec is the wish: which file becomes which image.
	// +required
	Spec ImageImportSpec `json:"spec,omitzero"` //nolint:kubeapilinter // the first rule of ImageImportSpec asks for more than a minimum of properties would

	// status is the truth: which image came of it, and every error on the way. Written by the operator only.
	// +optional
	// +default={"observedGeneration": -1}
	Status ImageImportStatus `json:"status,omitzero"` //nolint:kubeapilinter // optional: the zero value is an absent status
}

// ImageImportList is a list of ImageImports.
// +kubebuilder:object:root=true
type ImageImportList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []ImageImport `json:"items"`
}
