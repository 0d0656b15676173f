#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# export of a 64 GiB disk is a sparse file with the right ends.
# shellcheck source=tests/tools/common
. "$(dirname "$0")/common"

need jq
need_fixtures

expect 0 timeout 60 "$tool" export "$(config base64)" "$work/disk"
want() { jq -r ".$1" "$fixtures/base64/expect.json"; }

[ "$(stat -c %s "$work/disk")" = "$(want virtual_size)" ] || fail "wrong size"
[ "$(du -m "$work/disk" | cut -f 1)" -lt 100 ] ||
	fail "takes $(du -m "$work/disk" | cut -f 1) MiB"
head -c 256M "$work/disk" >"$work/front"
[ "$(sum "$work/front")" = "$(want sha256_first_256m)" ] ||
	fail "the first 256 MiB are wrong"
tail -c 1M "$work/disk" >"$work/back"
[ "$(sum "$work/back")" = "$(want sha256_last_1m)" ] ||
	fail "the last 1 MiB is wrong"
