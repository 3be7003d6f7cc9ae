// SPDX-License-Identifier: Apache-2.0

// Package admission shows who may write the annotations that decide what happens to an image: config/default is
// deployed as it is shipped, and people act on it with the roles that they are meant to have.
package admission

import (
	"os"
	"testing"

	"github.com/ens-image-operator/ens-image-operator/test/testenv"
)

// editor stands in for the person at "kubectl edit".
const editor = `sed -i 's/osType: linux/&\n  deletionPolicy: Retain/'`

func TestMain(m *testing.M) {
	if err := os.Setenv("KUBE_EDITOR", editor); err != nil {
		panic(err)
	}
	os.Exit(testenv.Main(m))
}
