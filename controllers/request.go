// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"

	"github.com/ens-image-operator/ens-image-operator/api/v1alpha1"
	"github.com/ens-image-operator/ens-image-operator/internal/ens"
)

// maxImageName is the longest name that ENS takes, in characters.
const maxImageName = 128

// importRequest is the ImportImage call that the spec asks for, without the image's name.
func importRequest(spec *v1alpha1.ImageImportSpec) ens.Import {
	request := ens.Import{
		ComputeType: spec.ComputeType, OSType: spec.OSType, OSVersion: spec.OSVersion, Platform: spec.Platform,
		Architecture: spec.Architecture, ImageFormat: spec.ImageFormat, LicenseType: spec.LicenseType,
		Source: ens.OSSObject(spec.Source.OSS), TargetOSSRegionID: spec.TargetOSSRegionID,
	}
	for _, mapping := range spec.DiskDeviceMappings {
		request.DiskDeviceMappings = append(request.DiskDeviceMappings, ens.OSSObject(mapping.OSS))
	}
	// The cloud's own default is not documented, so it is never relied on.
	if request.TargetOSSRegionID == "" {
		request.TargetOSSRegionID = request.Source.Region
	}
	if request.TargetOSSRegionID == "" && len(request.DiskDeviceMappings) > 0 {
		request.TargetOSSRegionID = request.DiskDeviceMappings[0].Region
	}
	return request
}

// importHash identifies what an import is made of, or which image is adopted instead.
func importHash(spec *v1alpha1.ImageImportSpec) string {
	encoded, _ := json.Marshal(importRequest(spec)) // strings always encode
	encoded = append(encoded, spec.ImageID...)
	sum := sha256.Sum256(encoded)
	return hex.EncodeToString(sum[:8])
}

// wantedName is the name that the spec asks for, before any suffix.
func wantedName(obj *v1alpha1.ImageImport) string {
	if obj.Spec.ImageName != "" {
		return obj.Spec.ImageName
	}
	return obj.Name
}

// uniqueName is the name during the import: the wanted one, cut to fit, and the suffix that proves whose it is.
func uniqueName(obj *v1alpha1.ImageImport, in *intent) string {
	suffix := in.nameSuffix()
	name := []rune(wantedName(obj))
	if limit := maxImageName - len(suffix); len(name) > limit {
		name = name[:limit]
	}
	return string(name) + suffix
}

// finalName is the name that the image bears once it is available. An adopted image keeps its present one, unless the
// spec names another.
func finalName(obj *v1alpha1.ImageImport, in *intent, present string) string {
	switch {
	case in.Adopted && obj.Spec.ImageNamePolicy == v1alpha1.ImageNameUnique, obj.Spec.ImageID != "" && obj.Spec.ImageName == "":
		return present
	case obj.Spec.ImageNamePolicy == v1alpha1.ImageNameUnique:
		return uniqueName(obj, in)
	}
	return wantedName(obj)
}
