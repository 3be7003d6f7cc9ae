#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Fails when a document names a path or a make target that does not exist: README.md, CONTRIBUTING.md, docs.
# A path is what begins with a folder of this repository, or the target of a relative link; * may stand for a part.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

echo "checking paths and make targets named in the documents"
faults=0
fault() { echo "FAULT: $*" >&2; faults=$((faults + 1)); }

documents=()
while IFS= read -r file; do documents+=("$file"); done < <(find README.md CONTRIBUTING.md docs -name '*.md' 2>/dev/null | sort)
folders='(api|cmd|config|controllers|docs|hack|internal|test|\.ci)'

for document in ${documents[@]+"${documents[@]}"}; do
  # The character before a path tells it from a part of something longer: a URL, an API version, an import path.
  while IFS= read -r path; do
    compgen -G "${path%[.]}" >/dev/null || fault "$document names $path, which does not exist"
  done < <(grep -oE "(^|[^A-Za-z0-9_./:{<*-])(\./)?$folders/[A-Za-z0-9_./*-]*" "$document" |
    sed -E "s|^[^A-Za-z.]+||; s|^\./||; s|^(\.\.\.)?||" | sort -u)

  while IFS= read -r link; do
    [[ -e $(dirname "$document")/$link ]] || fault "$document links to $link, which does not exist"
  done < <(grep -oE '\]\([^)#: ]+' "$document" | sed 's|^](||' | sort -u)

  while IFS= read -r target; do
    grep -qE "^$target:" Makefile || fault "$document names make $target, which the Makefile lacks"
  done < <(grep -oE '(^|[`$(]|^ *\$ )make( [A-Z]+=[^ `]+)* [a-z][a-z-]*( [a-z][a-z-]*)*' "$document" |
    sed -E 's/^.*make //; s/[A-Z]+=[^ ]+ //g' | tr ' ' '\n' | sort -u)
done
((faults == 0))
