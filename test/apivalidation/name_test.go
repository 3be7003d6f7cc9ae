// SPDX-License-Identifier: Apache-2.0

package apivalidation

import (
	"fmt"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ens-image-operator/ens-image-operator/test/testenv"
)

const (
	imageNameMessage = "spec.imageName must start with a letter or a Chinese character, followed by letters, " +
		"Chinese characters, digits, ':', '_' and '-' only (2 to 128 characters)"
	objectNameMessage = "spec.imageName is required here, because metadata.name is not a legal image name " +
		"(2 to 128 characters, a letter first, no '.')"
)

func imageNameRefusals() map[string]refusal {
	table := map[string]refusal{}
	lengths := map[string]struct {
		refused, accepted string
		keyword           string
		cause             metav1.StatusCause
	}{
		"empty image name":              {"", "ab", "minLength", tooShort("spec.imageName", "", 2)},
		"image name of 1 letter":        {"a", "ab", "minLength", tooShort("spec.imageName", "a", 2)},
		"image name of 1 Chinese":       {"镜", "镜像", "minLength", tooShort("spec.imageName", "镜", 2)},
		"image name of 129 letters":     {letters(129), letters(128), "maxLength", tooLong("spec.imageName", 128)},
		"image name of 129 Chinese":     {chinese(129), chinese(128), "maxLength", tooLong("spec.imageName", 128)},
		"image name of 129, mixed":      {"a" + chinese(128), "a" + chinese(127), "maxLength", tooLong("spec.imageName", 128)},
		"image name of 129, 4-byte Han": {strings.Repeat("𠀀", 129), strings.Repeat("𠀀", 128), "maxLength", tooLong("spec.imageName", 128)},
	}
	for name, tc := range lengths {
		table[name] = refusal{
			rule:    bound("spec.imageName", tc.keyword),
			refused: edits{"spec.imageName": tc.refused}, accepted: edits{"spec.imageName": tc.accepted},
			cause: tc.cause,
		}
	}

	for refused, accepted := range map[string]string{
		"1ubuntu":             "u1buntu",
		"-ubuntu":             "u-buntu",
		"_ubuntu":             "u_buntu",
		":ubuntu":             "u:buntu",
		" ubuntu":             "ubuntu",
		"http://ubuntu":       "http:ubuntu",
		"https://ubuntu":      "https:ubuntu",
		"ubuntu-22.04":        "ubuntu-22-04",
		"ubuntu 22":           "ubuntu_22",
		"ubuntu\n":            "ubuntu-",
		"ubuntu/22":           "ubuntu:22",
		"ubuntu😀":             "ubuntu笑",
		"😀ubuntu":             "笑ubuntu",
		"１ubuntu":             "ubuntu1",
		"，镜像":                 "镜像",
		"いろは":                 "伊呂波",
		"우분투":                 "牛分土",
		"убунту":              "ubuntu-ru",
		"élan":                "elan",
		"镜像.qcow2":            "镜像:qcow2",
		"ubuntu\u200bgolden":  "ubuntu-golden",
		"oss://bucket/ubuntu": "oss:bucket:ubuntu",
	} {
		table[fmt.Sprintf("image name %q", refused)] = refusal{
			rule:    cel("spec.imageName", imageNameMessage),
			refused: edits{"spec.imageName": refused}, accepted: edits{"spec.imageName": accepted},
			cause: invalid("spec.imageName", fmt.Sprintf("%q: %s", refused, imageNameMessage)),
		}
	}
	return table
}

func objectNameRefusals() map[string]refusal {
	table := map[string]refusal{}
	for refused, accepted := range map[string]string{
		"a":          "ab",
		"1ubuntu":    "u1buntu",
		"ubuntu.22":  "ubuntu-22",
		letters(129): letters(128),
	} {
		table[fmt.Sprintf("no image name, object name %.12q", refused)] = refusal{
			rule:    cel("spec.imageName", objectNameMessage),
			refused: edits{"metadata.name": refused}, accepted: edits{"metadata.name": accepted},
			cause: required("spec.imageName", objectNameMessage),
		}
	}
	table["no image name, object name of mappings"] = refusal{
		rule:     cel("spec.imageName", objectNameMessage),
		refused:  edits{"metadata.name": "1.mappings", "spec.source": nil, "spec.diskDeviceMappings": files(1)},
		accepted: adoption(edits{"metadata.name": "1.mappings"}),
		cause:    required("spec.imageName", objectNameMessage),
	}
	return table
}

// TestImageNameMayNotBeRemoved holds the rule on metadata.name also for updates, and that an image name makes every
// object name usable.
func TestImageNameMayNotBeRemoved(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	obj := imageImport(testenv.Namespace(t), edits{"metadata.name": "1.ubuntu", "spec.imageName": "ubuntu"})
	g.Expect(kubectl().Create(t.Context(), obj)).To(Succeed())

	err := kubectl().Update(t.Context(), edited(obj, edits{"spec.imageName": nil}))
	g.Expect(causesOf(err)).To(ConsistOf(required("spec.imageName", objectNameMessage)), "%v", err)
}

func letters(n int) string { return strings.Repeat("a", n) }

func chinese(n int) string { return strings.Repeat("镜", n) }
