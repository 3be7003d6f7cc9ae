#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Provides kube-apiserver, etcd and kubectl and prints the directory that holds them, its only line on stdout.
# They are built from Go modules, once, into bin/k8s/<version>; hack/controlplane/go.mod names the version.
# With KUBEBUILDER_ASSETS set, the binaries there are used and nothing is built.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)

if [[ -n ${KUBEBUILDER_ASSETS:-} ]]; then
  missing=()
  for name in kube-apiserver etcd kubectl; do
    [[ -x $KUBEBUILDER_ASSETS/$name ]] || missing+=("$name")
  done
  if ((${#missing[@]})); then
    echo "KUBEBUILDER_ASSETS=$KUBEBUILDER_ASSETS lacks ${missing[*]}: add what is missing, or unset it to build all three" >&2
    exit 1
  fi
  cd "$KUBEBUILDER_ASSETS" && pwd
  exit
fi

version=$(sed -n 's|^[[:space:]]*k8s\.io/kubernetes v\([^ ]*\).*|\1|p' "$root/hack/controlplane/go.mod")
[[ $version =~ ^([0-9]+)\.([0-9]+)\. ]] || { echo "hack/controlplane/go.mod requires no version of k8s.io/kubernetes" >&2; exit 1; }

# Kubernetes reports the version it was linked with.
component=k8s.io/component-base/version
ldflags="-s -w -X $component.gitVersion=v$version -X $component.gitMajor=${BASH_REMATCH[1]} -X $component.gitMinor=${BASH_REMATCH[2]}"

"$root/hack/build-once.sh" "$root/hack/controlplane" "$root/bin/k8s/$version" \
  "Kubernetes v$version from Go modules; the first build takes about 7 minutes on 2 cores, then it is cached" "$ldflags" \
  kube-apiserver=k8s.io/kubernetes/cmd/kube-apiserver \
  kubectl=k8s.io/kubernetes/cmd/kubectl \
  etcd=go.etcd.io/etcd/server/v3
echo "$root/bin/k8s/$version"
