#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# check_module.sh MODULE: exports nothing but PAM's entry points, needs nothing but libc and libpam,
# is hardened (even its data is read-only), has no demangler and no pool for exceptions (50 KiB for a
# message nobody sees, 73 KB taken and given back in every login; needs the symbol table), looks up
# 13 symbols at most (50 elsewhere than on x86-64), has no thread-local storage, and stays within
# 128 KiB without its debug information.
set -eu
module=$1
exports=$(nm -D --defined-only "$module" | awk '{print $3}' | sort | tr '\n' ' ')
wanted='pam_sm_acct_mgmt pam_sm_authenticate pam_sm_close_session pam_sm_open_session pam_sm_setcred '
[ "$exports" = "$wanted" ] || { echo "exports: $exports"; exit 1; }
needed=$(readelf -d "$module" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p')
for library in $needed; do
  case $library in
    libc.so.* | libpam.so.* | ld-linux*.so.*) ;;
    *) echo "needs $library"; exit 1 ;;
  esac
done
readelf -lW "$module" | grep -q GNU_RELRO || { echo 'no relro'; exit 1; }
most=50
if [ "$(uname -m)" = x86_64 ]; then
  # All that is writable while it is loaded is in the file, and protected afterwards: one mapping.
  most=13
  readelf -dW "$module" | grep -q INIT_ARRAY && { echo 'writes after it is protected'; exit 1; }
  writable=$(readelf -lW "$module" | awk '$1 == "LOAD" && $7 == "RW" { print $3, $5, $6 }')
  protected=$(readelf -lW "$module" | awk '$1 == "GNU_RELRO" { print $3, $6 }')
  [ "${writable%% *}" = "${protected%% *}" ] || { echo 'not all is protected'; exit 1; }
  # shellcheck disable=SC2086  # address, and the sizes in the file and in memory
  set -- $writable
  [ $# -eq 3 ] && [ "$2" = "$3" ] && [ $((${protected##* })) -ge $(($3)) ] ||
    { echo 'not all is protected'; exit 1; }
fi
readelf -dW "$module" | grep -q 'NOW' || { echo 'not bound at once'; exit 1; }
readelf -lW "$module" | grep GNU_STACK | grep -q 'RW ' || { echo 'executable stack'; exit 1; }
readelf -lW "$module" | grep -q ' TLS ' && { echo 'has thread-local storage'; exit 1; }
nm -C "$module" | grep -q ' pam_sm_authenticate$' || { echo 'no symbols'; exit 1; }
nm "$module" | grep -q '__cxa_demangle$' && { echo 'has a demangler'; exit 1; }
nm -C "$module" | grep -q '__freeres' && { echo 'has a pool for exceptions'; exit 1; }
imports=$(nm -D --undefined-only "$module" | wc -l)
[ "$imports" -le $most ] || { echo "looks up $imports symbols"; exit 1; }
stripped=$(mktemp)
trap 'rm -f "$stripped"' EXIT
strip -o "$stripped" "$module"
size=$(stat -c %s "$stripped")
[ "$size" -le 131072 ] || { echo "$size bytes"; exit 1; }
echo "$size bytes"
