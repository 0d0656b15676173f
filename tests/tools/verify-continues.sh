#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# verify goes on after a bad block, counts them all, shows the first 16.
# shellcheck source=tests/tools/common
. "$(dirname "$0")/common"

need python3

# Noise stays 1 MiB, so that a step of 32 KiB hits eight blocks of 4 KiB apart.
python3 "$here/make-image.py" noise 3 1048576 "$work/raw"
"$tool" create --raw "$work/raw" --compress lz4 "$work/blob" >/dev/null ||
	fail "create"
for i in {1..30}; do
	printf XXXXXXXX | dd of="$work/blob" bs=1 seek=$((i * 32768)) \
		conv=notrunc status=none
done

expect 3 "$tool" verify "$work/blob"
[ "$(grep -c 'wrong CRC' "$work/err")" = 16 ] || fail "expected 16 lines"
says "14 more errors"
says "30 bad"
expect 3 "$tool" verify --threads 1 "$work/blob"
cp "$work/err" "$work/one-thread"
expect 3 "$tool" verify --threads 7 "$work/blob"
cmp "$work/err" "$work/one-thread" || fail "the order depends on threads"

need jq
expect 3 "$tool" verify --json "$work/blob" "$work/none"
[ "$(jq -c '.[0] | [.valid, .bad_blocks, .nr_errors, (.errors | length)]' \
     "$work/out")" = '[false,30,30,16]' ] || fail "wrong JSON"
[ "$(jq '.[1].valid' "$work/out")" = false ] || fail "a missing file is valid"
expect 1 "$tool" verify "$work/none"
expect 2 "$tool" verify
