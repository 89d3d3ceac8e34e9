# SPDX-License-Identifier: Apache-2.0
# What the scripts share: where things are, and how they speak.
# shellcheck shell=bash

set -euo pipefail
export LC_ALL=C.UTF-8 PYTHONDONTWRITEBYTECODE=1
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)

say() { printf '%s\n' "$*" >&2; }

die() {
  say "$(basename "$0"): $*"
  exit 1
}

# The usage text is the comment block at the top of the script.
usage() { sed -n '3,/^$/s/^# \{0,1\}//p' "$0"; }

is_root() { [ "$(id -u)" -eq 0 ]; }

# Runs a command as the owner of the source tree, so that sudo leaves no files of root in it.
as_tree_owner() {
  local owner
  owner=$(stat -c %U "$root")
  if is_root && [ "$owner" != root ] && getent passwd "$owner" >/dev/null; then
    runuser -u "$owner" -- "$@"
  else
    "$@"
  fi
}

give_to_tree_owner() { ! is_root || chown -R --reference="$root" "$@"; }

# Compilers at once: every core, but no more than memory holds (the HTTP server takes 1 GB).
jobs_at_once() {
  local cores memory
  cores=$(nproc)
  memory=$(awk '/^MemAvailable:/ { print int($2 / 1300000) }' /proc/meminfo)
  if [ "$memory" -lt 1 ]; then memory=1; fi
  echo $((cores < memory ? cores : memory))
}

# configure_preset PRESET [CMAKE ARGUMENTS]: once; later, what changed is seen by the build.
configure_preset() {
  local preset=$1
  shift
  if [ -f "$root/build/$preset/build.ninja" ]; then return 0; fi
  say "Configuring ($preset) …"
  # Below /usr, where libpam looks for modules.
  (cd "$root" && as_tree_owner cmake --preset "$preset" -DCMAKE_INSTALL_PREFIX=/usr "$@" >&2) ||
    die "configuring failed"
}

# build_preset PRESET [TARGET…]: builds what changed.
build_preset() {
  local preset=$1 targets=()
  shift
  if [ $# -gt 0 ]; then targets=(--target "$@"); fi
  (cd "$root" && as_tree_owner cmake --build "build/$preset" -j "$(jobs_at_once)" \
    "${targets[@]}" >&2) || die "building failed"
}
