// SPDX-License-Identifier: Apache-2.0

// Package integration tells the user's stories: what a person sees on the object, and what the cloud saw. The operator
// runs against a real kube-apiserver with exactly the rights of config/rbac, and against the simulator through the
// official SDK.
package integration

import (
	"os"
	"testing"

	"github.com/ens-image-operator/ens-image-operator/test/testenv"
)

func TestMain(m *testing.M) { os.Exit(testenv.Main(m)) }
