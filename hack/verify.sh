#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Checks that everything derived from something else is current, and changes nothing: generated files, go.mod and
# go.sum of all modules, the kustomize directories, paths and commands named in the documents. Reports every fault
# before it fails, and does not care whether the rest of the tree is committed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

faults=0
fault() { echo "FAULT: $*" >&2; faults=$((faults + 1)); }

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

hack/generate.sh "$work"
for path in api/v1alpha1/zz_generated.deepcopy.go config/crd/bases config/rbac/role.yaml; do
  # Without a marker in the sources, controller-gen writes no file at all; that is a difference too.
  [[ -e $work/$path ]] || mkdir -p "$work/$path"
  git --no-pager diff --no-index --exit-code --src-prefix=committed/ --dst-prefix=generated/ -- "$path" "$work/$path" >&2 ||
    fault "$path is out of date: run make generate"
done

for module in . hack/controlplane hack/tools; do
  echo "checking go.mod and go.sum of $module"
  if ! (cd "$module" && go mod tidy -diff) >"$work/tidy" 2>&1; then
    head -n 30 "$work/tidy" >&2
    fault "go.mod or go.sum of $module is not tidy: run make tidy"
  fi
done

kubectl=$(hack/controlplane/build.sh)/kubectl
for directory in config/*/kustomization.yaml; do
  directory=${directory%/kustomization.yaml}
  echo "rendering $directory"
  "$kubectl" kustomize "$directory" >/dev/null || fault "$directory does not render"
done

hack/verify-docs.sh || faults=$((faults + 1))

((faults == 0)) || { echo "verify: $faults faults" >&2; exit 1; }
echo "verify: everything is current"
