#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A stack whose middle layer is shorter shows nothing that was cut off.
# shellcheck source=tests/tools/common
. "$(dirname "$0")/common"

need python3

# A base of 2 MiB, cut to 1 MiB, then grown again: what the lowest layer holds
# behind 1 MiB must not come back.
python3 "$here/make-image.py" noise 14 2097152 "$work/v0"
head -c 1M "$work/v0" >"$work/v1"
cp "$work/v1" "$work/v2"
truncate -s 3M "$work/v2"
printf data | dd of="$work/v2" bs=1 seek=2000000 conv=notrunc status=none
expect 0 "$tool" create --raw "$work/v0" "$work/l0"
expect 0 "$tool" create --raw "$work/v1" --base "$work/v0" "$work/l1"
expect 0 "$tool" create --raw "$work/v2" --base "$work/v1" "$work/l2"
config_of "$work/l0" "$work/l1" "$work/l2" >"$work/c.json"
expect 0 "$tool" export "$work/c.json" "$work/disk"
cmp "$work/v2" "$work/disk" || fail "wrong content"

# --virtual-size is the same as a longer image.
expect 0 "$tool" create --raw "$work/v1" --base "$work/v1" \
	--virtual-size 4M "$work/l2"
config_of "$work/l0" "$work/l1" "$work/l2" >"$work/c.json"
expect 0 "$tool" export "$work/c.json" "$work/disk"
truncate -s 4M "$work/v1"
cmp "$work/v1" "$work/disk" || fail "wrong content with --virtual-size"
