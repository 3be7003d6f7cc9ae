#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Builds the tools of hack/tools/go.mod, which names their versions, once into bin.
#
#   hack/tools/build.sh [controller-gen|golangci-lint]...     (default: all)
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)

(($#)) || set -- controller-gen golangci-lint
for tool in "$@"; do
  case $tool in
  controller-gen) package=sigs.k8s.io/controller-tools/cmd/controller-gen note="the first build takes one to two minutes on 2 cores, then it is cached" ;;
  golangci-lint)
    package=github.com/ens-image-operator/ens-image-operator/hack/tools/golangci-lint
    note="the first build takes two to three minutes on 2 cores, then it is cached"
    ;;
  *) echo "hack/tools/build.sh: unknown tool $tool" >&2; exit 2 ;;
  esac
  "$root/hack/build-once.sh" "$root/hack/tools" "$root/bin" "$note" "-s -w" "$tool=$package"
done
