#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# export refuses what it cannot read, says why, and leaves nothing behind.
# shellcheck source=tests/tools/common
. "$(dirname "$0")/common"

need python3

python3 "$here/make-image.py" new 1 300000 "$work/raw"
"$tool" create --raw "$work/raw" --compress lz4 "$work/good" >/dev/null ||
	fail "create"

expect 1 "$tool" export "$work/none.json" "$work/disk"
says none.json
echo '{ "lowers": 1 }' >"$work/bad.json"
expect 3 "$tool" export "$work/bad.json" "$work/disk"

cp "$work/good" "$work/bad"
printf XXXXX | dd of="$work/bad" bs=1 seek=5000 conv=notrunc status=none
config_of "$work/bad" >"$work/c.json"
expect 3 "$tool" export "$work/c.json" "$work/disk"
says "layer 0 ("
[ ! -e "$work/disk" ] || fail "a file came out"
nothing_left "$work"

config_of "$work/good" >"$work/c.json"
expect 1 "$tool" export "$work/c.json" "$work/none/disk"
expect 1 "$tool" export "$work/c.json" ""
says "no name"
expect 1 "$tool" export "$work/c.json" /dev/null
says "no regular file"
expect 1 "$tool" export "$work/c.json" "$work/good"
says "would be lost"
"$tool" verify "$work/good" >/dev/null || fail "the layer was replaced"
expect 2 "$tool" export "$work/c.json"
expect 2 "$tool" export --threads 0 "$work/c.json" "$work/disk"
expect 2 "$tool" export --what "$work/c.json" "$work/disk"

if [ -d "$fixtures" ]; then
	cp -L "$fixtures/turbo-gz/layer.tgz" "$work/layer.tgz"
	sed "s|$fixtures/turbo-gz/layer.tgz|$work/layer.tgz|" \
		"$(config turbo-gz)" >"$work/t.json"
	printf XXXXX | dd of="$work/layer.tgz" bs=1 seek=500000 conv=notrunc \
		status=none
	expect 3 "$tool" export "$work/t.json" "$work/disk"
	says "layer 1 ($work/layer.tgz): the gzip file does not inflate to byte"
	truncate -s -1 "$work/layer.tgz"
	expect 3 "$tool" export "$work/t.json" "$work/disk"
	says "gzip index: gzip_size is 2216876, expected 2216875"
	expect 1 "$tool" export "$(config rw-append)" \
		"$fixtures/rw-append/upper.index"
	says "would be lost"
fi
[ ! -e "$work/disk" ] || fail "a file came out"
