#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Fails when README.md, CONTRIBUTING.md or a file in docs names a path or a make target that does not exist.
# A path is what begins with a folder of this repository (* may stand for a part of it), or the target of a link.
# A make target is what follows "make" in code.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

echo "checking paths and make targets named in the documents"
faults=0
fault() {
  echo "FAULT: $document names $*, which does not exist" >&2
  faults=$((faults + 1))
}

# The character before a path tells it from a part of something longer: a URL, an API version, an import path.
paths_in() {
  grep -oE '(^|[^A-Za-z0-9_./:{<*-])(\./)?(api|cmd|config|controllers|docs|hack|internal|test|\.ci)/[A-Za-z0-9_./*-]*' "$1" |
    sed -E 's|^[^A-Za-z.]||; s|^\./||; s|(/?\.+)+$||' | sort -u
}
links_in() { grep -oE '\]\([^) ]+' "$1" | sed 's|^](||; s|#.*||' | grep -vE '^$|^[a-z]+:' | sort -u; }
# Code is what stands in fenced or indented blocks and between backticks.
targets_in() {
  { sed -n '/^ *```/,/^ *```/p; /^    /p' "$1" && sed '/^ *```/,/^ *```/d' "$1" | grep -oE '`[^`]+`'; } |
    grep -oE '\bmake( [A-Z_]+=[^ `]+)*( [a-z][a-z0-9-]*)+' |
    sed -E 's/^make //; s/[A-Z_]+=[^ ]+ //g' | tr ' ' '\n' | sort -u
}

while IFS= read -r document; do
  while IFS= read -r path; do
    compgen -G "$path" >/dev/null || fault "$path"
  done < <(paths_in "$document")
  while IFS= read -r link; do
    [[ -e $(dirname "$document")/$link ]] || fault "$link"
  done < <(links_in "$document")
  while IFS= read -r target; do
    grep -qE "^$target:" Makefile || fault "make $target"
  done < <(targets_in "$document")
done < <(find README.md CONTRIBUTING.md docs -name '*.md' 2>/dev/null | sort)
((faults == 0))
