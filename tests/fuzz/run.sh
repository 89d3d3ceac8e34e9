#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# run.sh PROGRAM SEEDS FOLDER: fuzzes for 10 s, or for an hour with SPAREKEY_LONG=1 (any other time
# with SPAREKEY_FUZZ_SECONDS). What is found stays in FOLDER: inputs that reach new code in
# FOLDER/corpus, those that crash, leak, or take over 10 s or 1 GiB beside it.
set -eu
program=$1 seeds=$2 folder=$3
seconds=10
if [ "${SPAREKEY_LONG:-}" = 1 ]; then seconds=3600; fi
seconds=${SPAREKEY_FUZZ_SECONDS:-$seconds}
mkdir -p "$folder/corpus"
# Stores and sockets in memory: a disk would be most of the time.
scratch=$(mktemp -d -p /dev/shm sparekey-fuzz-XXXXXX 2>/dev/null || mktemp -d)
trap 'rm -rf "$scratch"' EXIT INT TERM
grown=$folder/corpus
# Short runs begin at the seeds alone and always go the same way, so that a failure is the change's.
seed=0
if [ "$seconds" -lt 60 ]; then grown=$scratch/corpus seed=1 && mkdir "$grown"; fi
echo "$(basename "$program"): ${seconds} s from $(find "$seeds" -type f | wc -l) seeds"
TMPDIR=$scratch ASAN_OPTIONS=detect_leaks=1:quarantine_size_mb=64:${ASAN_OPTIONS:-} "$program" \
  -seed=$seed -max_total_time="$seconds" -timeout=10 -rss_limit_mb=1024 -max_len=4096 -print_final_stats=1 -print_funcs=0 \
  -artifact_prefix="$folder/" "$grown" "$seeds"
