#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The race detector needs a C compiler and the C library's headers. Where they are missing, root gets them installed.
set -euo pipefail

works() { echo '#include <stdlib.h>' | "${CC:-gcc}" -E - >/dev/null 2>&1; }

works && exit 0
if [[ $(id -u) != 0 ]] || ! command -v apt-get >/dev/null; then
  echo "go test -race needs gcc and the C library's headers: install them (Debian: apt-get install gcc libc6-dev)" >&2
  exit 1
fi
echo "go test -race needs gcc and the C library's headers: installing them with apt-get"
apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends gcc libc6-dev >/dev/null
works || { echo "gcc was installed and does not work" >&2; exit 1; }
