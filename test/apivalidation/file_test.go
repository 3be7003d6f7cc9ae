// SPDX-License-Identifier: Apache-2.0

package apivalidation

import (
	"fmt"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const (
	regionMessage = "oss.region must be a region ID of lower case letters, digits and '-', for example cn-beijing"
	bucketMessage = "oss.bucket must be a bucket name: 3 to 63 lower case letters, digits and '-', with no '-' first or last"
	objectMessage = `oss.object must be an object key: 1 to 1023 characters, no '/' or '\' first, no control characters`
)

// ossField is one mistake in an OSS object, wherever that stands.
type ossField struct {
	name              string
	refused, accepted any
	keyword, message  string
	cause             func(field string) metav1.StatusCause
}

// fileRefusals has every mistake in an OSS object twice: in the source and in a disk device mapping.
func fileRefusals() map[string]refusal {
	table := map[string]refusal{
		"source without file": {
			rule:     bound("spec.source.oss", "required"),
			refused:  edits{"spec.source": map[string]any{}},
			accepted: edits{"spec.source": file(nil)},
			cause:    missing("spec.source.oss"),
		},
		"mapping without file": {
			rule:     bound("spec.diskDeviceMappings[].oss", "required"),
			refused:  edits{"spec.diskDeviceMappings": []any{map[string]any{}}},
			accepted: edits{"spec.diskDeviceMappings": []any{file(nil)}},
			cause:    missing("spec.diskDeviceMappings[0].oss"),
		},
	}
	for name, mistake := range ossMistakes() {
		in := func(path, index string, place func(file map[string]any) edits) refusal {
			path += index + ".oss." + mistake.name
			covered := rule{path: strings.ReplaceAll(path, "[0]", "[]"), keyword: mistake.keyword, message: mistake.message}
			return refusal{
				rule:     covered,
				refused:  place(file(edits{mistake.name: mistake.refused})),
				accepted: place(file(edits{mistake.name: mistake.accepted})),
				cause:    mistake.cause(path),
			}
		}
		table["source: "+name] = in("spec.source", "", func(file map[string]any) edits {
			return edits{"spec.source": file}
		})
		table["mapping: "+name] = in("spec.diskDeviceMappings", "[0]", func(file map[string]any) edits {
			return edits{"spec.source": nil, "spec.diskDeviceMappings": []any{file}}
		})
	}
	return table
}

func ossMistakes() map[string]ossField {
	limits := map[string]struct {
		least, most int
		message     string
	}{
		"region": {1, 64, regionMessage},
		"bucket": {3, 63, bucketMessage},
		"object": {1, 1023, objectMessage},
	}
	table := map[string]ossField{}
	for name, limit := range limits {
		table["no "+name] = ossField{
			name: name, refused: nil, accepted: letters(limit.least), keyword: "required", cause: missing,
		}
		table["empty "+name] = ossField{
			name: name, refused: "", accepted: letters(limit.least), keyword: "minLength",
			cause: func(field string) metav1.StatusCause { return tooShort(field, "", limit.least) },
		}
		table["longest "+name] = ossField{
			name: name, refused: letters(limit.most + 1), accepted: letters(limit.most), keyword: "maxLength",
			cause: func(field string) metav1.StatusCause { return tooLong(field, limit.most) },
		}
	}
	table["bucket of 2 characters"] = ossField{
		name: "bucket", refused: "ab", accepted: "abc", keyword: "minLength",
		cause: func(field string) metav1.StatusCause { return tooShort(field, "ab", 3) },
	}
	table["longest Chinese object"] = ossField{
		name: "object", refused: chinese(1024), accepted: chinese(1023), keyword: "maxLength",
		cause: func(field string) metav1.StatusCause { return tooLong(field, 1023) },
	}

	for name, values := range map[string]map[string]string{
		"region": {"CN-beijing": "cn-beijing", "cn beijing": "cn-beijing-2", "cn_beijing": "x", "北京": "1", "oss://x": "-"},
		"bucket": {
			"Images": "images", "-images": "1images", "images-": "images1", "my_images": "my-images",
			"my.images": "m--images", "图片库": "000", "oss://images": "abc", "images\n": "imagesn",
		},
		"object": {
			"/ubuntu.qcow2": "u/ubuntu.qcow2", `\ubuntu.qcow2`: `u\ubuntu.qcow2`, "a\nb": "a b", "a\x7f": "a~", "\x01": " ",
			"a\u0085": "镜像 😀?*#%.qcow2", "//": "a//",
		},
	} {
		for refused, accepted := range values {
			table[fmt.Sprintf("%s %q", name, refused)] = ossField{
				name: name, refused: refused, accepted: accepted, keyword: celKeyword, message: limits[name].message,
				cause: func(field string) metav1.StatusCause {
					return invalid(field, fmt.Sprintf("%q: %s", refused, limits[name].message))
				},
			}
		}
	}
	return table
}
