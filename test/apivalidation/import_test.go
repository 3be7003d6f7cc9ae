// SPDX-License-Identifier: Apache-2.0

package apivalidation

import (
	"fmt"
)

const (
	noImageMessage = "spec needs a qcow2 file to import (spec.source.oss, spec.diskDeviceMappings or both, with spec.osType) " +
		"or an existing image to adopt (spec.imageID)"
	osTypeMessage       = "spec.osType is required for an import: linux or windows"
	targetRegionMessage = "spec.targetOSSRegionID must be a region ID of lower case letters, digits and '-', for example cn-beijing"
)

func importRefusals() map[string]refusal {
	table := map[string]refusal{
		"no spec": {
			rule:    bound("spec", "required"),
			refused: edits{"spec": nil},
			cause:   missing("spec"),
		},
		"no osType for a source": {
			rule:     cel("spec.osType", osTypeMessage),
			refused:  edits{"spec.osType": nil},
			accepted: edits{"spec.osType": "linux"},
			cause:    required("spec.osType", osTypeMessage),
		},
		"no osType for mappings": {
			rule:     cel("spec.osType", osTypeMessage),
			refused:  edits{"spec.osType": nil, "spec.source": nil, "spec.diskDeviceMappings": files(1)},
			accepted: adoption(nil),
			cause:    required("spec.osType", osTypeMessage),
		},
		"unknown osType": {
			rule:     bound("spec.osType", "enum"),
			refused:  edits{"spec.osType": "Linux"},
			accepted: edits{"spec.osType": "windows"},
			cause:    unsupported("spec.osType", "Linux", "linux", "windows"),
		},
		"unknown computeType": {
			rule:     bound("spec.computeType", "enum"),
			refused:  edits{"spec.computeType": "bare_metal"},
			accepted: edits{"spec.computeType": "ens_vm"},
			cause:    unsupported("spec.computeType", "bare_metal", "ens_vm"),
		},
		"unknown architecture": {
			rule:     bound("spec.architecture", "enum"),
			refused:  edits{"spec.architecture": "arm64"},
			accepted: edits{"spec.architecture": "x86_64"},
			cause:    unsupported("spec.architecture", "arm64", "x86_64"),
		},
		"unknown imageFormat": {
			rule:     bound("spec.imageFormat", "enum"),
			refused:  edits{"spec.imageFormat": "vhd"},
			accepted: edits{"spec.imageFormat": "qcow2"},
			cause:    unsupported("spec.imageFormat", "vhd", "qcow2"),
		},
		"empty targetOSSRegionID": {
			rule:     bound("spec.targetOSSRegionID", "minLength"),
			refused:  edits{"spec.targetOSSRegionID": ""},
			accepted: edits{"spec.targetOSSRegionID": "x"},
			cause:    tooShort("spec.targetOSSRegionID", "", 1),
		},
		"long targetOSSRegionID": {
			rule:     bound("spec.targetOSSRegionID", "maxLength"),
			refused:  edits{"spec.targetOSSRegionID": letters(65)},
			accepted: edits{"spec.targetOSSRegionID": letters(64)},
			cause:    tooLong("spec.targetOSSRegionID", 64),
		},
		"illegal targetOSSRegionID": {
			rule:     cel("spec.targetOSSRegionID", targetRegionMessage),
			refused:  edits{"spec.targetOSSRegionID": "ap_southeast_1"},
			accepted: edits{"spec.targetOSSRegionID": "ap-southeast-1"},
			cause:    invalid("spec.targetOSSRegionID", fmt.Sprintf("%q: %s", "ap_southeast_1", targetRegionMessage)),
		},
	}
	for _, name := range []string{"platform", "osVersion", "licenseType"} {
		path := "spec." + name
		table["long "+name] = refusal{
			rule:    bound(path, "maxLength"),
			refused: edits{path: chinese(65)}, accepted: edits{path: chinese(64)},
			cause: tooLong(path, 64),
		}
	}
	return table
}

func mappingRefusals() map[string]refusal {
	return map[string]refusal{
		"no file at all": {
			rule:     cel("spec", noImageMessage),
			refused:  edits{"spec.source": nil},
			accepted: edits{"spec.source": nil, "spec.diskDeviceMappings": files(1)},
			cause:    required("spec", noImageMessage),
		},
		"neither file nor image": {
			rule:     cel("spec", noImageMessage),
			refused:  edits{"spec": map[string]any{}},
			accepted: adoption(nil),
			cause:    required("spec", noImageMessage),
		},
		"neither file nor image, unfit object name": {
			rule:     cel("spec", noImageMessage),
			refused:  edits{"metadata.name": "1.nothing", "spec.source": nil},
			accepted: adoption(edits{"metadata.name": "1.nothing"}),
			cause:    required("spec", noImageMessage),
		},
		"empty mappings": {
			rule:     bound("spec.diskDeviceMappings", "minItems"),
			refused:  edits{"spec.diskDeviceMappings": []any{}},
			accepted: edits{"spec.diskDeviceMappings": files(1)},
			cause:    invalid("spec.diskDeviceMappings", "0: spec.diskDeviceMappings in body should have at least 1 items"),
		},
		"17 mappings": {
			rule:     bound("spec.diskDeviceMappings", "maxItems"),
			refused:  edits{"spec.diskDeviceMappings": files(17)},
			accepted: edits{"spec.diskDeviceMappings": files(16)},
			cause:    tooMany("spec.diskDeviceMappings", 17, 16),
		},
	}
}
