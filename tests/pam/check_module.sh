#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# check_module.sh MODULE: exports nothing but PAM's entry points, needs nothing but libc and libpam,
# is hardened, has no demangler and no pool for exceptions (50 KiB for a message nobody sees, 73 KB
# taken and given back in every login; needs the symbol table), looks up 20 symbols at most, has no
# thread-local storage, and stays within 128 KiB without its debug information.
set -eu
module=$1
exports=$(nm -D --defined-only "$module" | awk '{print $3}' | sort | tr '\n' ' ')
wanted='pam_sm_acct_mgmt pam_sm_authenticate pam_sm_close_session pam_sm_open_session pam_sm_setcred '
[ "$exports" = "$wanted" ] || { echo "exports: $exports"; exit 1; }
needed=$(readelf -d "$module" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p')
for library in $needed; do
  case $library in
    libc.so.* | libpam.so.*) ;;
    *) echo "needs $library"; exit 1 ;;
  esac
done
readelf -lW "$module" | grep -q GNU_RELRO || { echo 'no relro'; exit 1; }
readelf -dW "$module" | grep -q 'NOW' || { echo 'not bound at once'; exit 1; }
readelf -lW "$module" | grep GNU_STACK | grep -q 'RW ' || { echo 'executable stack'; exit 1; }
readelf -lW "$module" | grep -q ' TLS ' && { echo 'has thread-local storage'; exit 1; }
nm -C "$module" | grep -q ' pam_sm_authenticate$' || { echo 'no symbols'; exit 1; }
nm "$module" | grep -q '__cxa_demangle$' && { echo 'has a demangler'; exit 1; }
nm -C "$module" | grep -q '__freeres' && { echo 'has a pool for exceptions'; exit 1; }
imports=$(nm -D --undefined-only "$module" | wc -l)
[ "$imports" -le 20 ] || { echo "looks up $imports symbols"; exit 1; }
stripped=$(mktemp)
trap 'rm -f "$stripped"' EXIT
strip -o "$stripped" "$module"
size=$(stat -c %s "$stripped")
[ "$size" -le 131072 ] || { echo "$size bytes"; exit 1; }
echo "$size bytes"
