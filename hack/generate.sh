#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Generates deepcopy functions and the CRD from api, and the operator's ClusterRole from the markers in controllers.
#
#   hack/generate.sh [DESTINATION]     (default: the repository itself)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
to=${1:-.}

echo "generating deepcopy functions, CRD and ClusterRole"
hack/tools/build.sh controller-gen
bin/controller-gen object:headerFile=hack/boilerplate.go.txt paths=./api/... output:object:dir="$to/api/v1alpha1"
bin/controller-gen crd paths=./api/... output:crd:dir="$to/config/crd/bases"
bin/controller-gen rbac:roleName=ens-image-operator-manager paths=./controllers/... output:rbac:dir="$to/config/rbac"
