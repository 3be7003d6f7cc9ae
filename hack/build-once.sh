#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Builds commands of a nested Go module once. A second run with the same go.mod, go.sum, sources, flags and Go version
# finds the stamp of the first and does nothing.
#
#   hack/build-once.sh MODULE_DIR OUT_DIR NOTE LDFLAGS NAME=PACKAGE...
#
# NOTE is shown with the progress, so that a long build does not look like a hang. A failed build prints the
# compiler's output, changes no binary and leaves no stamp.
set -euo pipefail

module=$1 note=$3 ldflags=$4
mkdir -p "$2"
out=$(cd "$2" && pwd)
shift 4
names=("${@%%=*}") packages=("${@#*=}")
stamp=$out/.${names[0]}.stamp

main_sources=()
while IFS= read -r file; do main_sources+=("$file"); done < <(find "$module" -name '*.go' | sort)
wanted=$({
  go env GOVERSION GOOS GOARCH
  echo "$ldflags" "$@"
  cat "$module/go.mod" "$module/go.sum" "${main_sources[@]}"
} | sha256sum)

current() {
  [[ -f $stamp && $(<"$stamp") == "$wanted" ]] || return 1
  local name
  for name in "${names[@]}"; do [[ -x $out/$name ]] || return 1; done
}
current && exit 0

work=$(mktemp -d "$out/.building.XXXXXX")
builder=
clean_up() {
  [[ -z $builder ]] || kill "$builder" 2>/dev/null || true
  rm -rf "$work"
}
trap clean_up EXIT
# A background command of a script ignores Ctrl-C by itself, so it is ended in clean_up.
trap 'exit 130' INT
trap 'exit 143' TERM

echo "building ${names[*]}: $note" >&2
(
  cd "$module"
  # One "go build" for all packages: they share most of their dependencies.
  exec go build -v -trimpath -ldflags "$ldflags" -o "$work/" "${packages[@]}"
) >"$work/log" 2>&1 &
builder=$!

started=$SECONDS shown=0
while kill -0 "$builder" 2>/dev/null; do
  sleep 0.2
  ((SECONDS - started >= shown + 5)) || continue
  shown=$((SECONDS - started))
  downloaded=$(grep -c '^go: downloading' "$work/log" || true)
  compiled=$(grep -vc '^go: ' "$work/log" || true)
  printf '  %d:%02d  %s modules downloaded, %s packages compiled\n' \
    $((shown / 60)) $((shown % 60)) "$downloaded" "$compiled" >&2
done
if ! wait "$builder"; then
  builder=
  echo "FAILED: building ${names[*]}. The last lines of go build:" >&2
  tail -n 40 "$work/log" >&2
  exit 1
fi
builder=

rm -f "$stamp"
for i in "${!names[@]}"; do
  # go build names a binary after its import path, where "…/server/v3" means "server".
  built=${packages[i]%/v[0-9]}
  mv -f "$work/${built##*/}" "$out/${names[i]}"
done
echo "$wanted" >"$stamp"
echo "built ${names[*]} in $((SECONDS - started)) s" >&2
