// SPDX-License-Identifier: Apache-2.0

// Package apivalidation holds the CRD's schema and rules against a real kube-apiserver: what is accepted, what is
// refused with which words, and that no rule is left without a case.
package apivalidation

import (
	"os"
	"testing"

	"github.com/ens-image-operator/ens-image-operator/test/testenv"
)

func TestMain(m *testing.M) { os.Exit(testenv.Main(m)) }
