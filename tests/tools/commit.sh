#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# commit writes what is live in a writable layer, compact and the same each
# time, by the letter of the format description.
# shellcheck source=tests/tools/common
. "$(dirname "$0")/common"

need python3 jq

python3 "$here/make-image.py" new 41 3000320 "$work/base"
expect 0 "$tool" create --raw "$work/base" "$work/lower"
for options in "" "--tar" "--compress lz4" \
	"--compress zstd --block-size 64K --tar" \
	"--compress lz4 --block-size 16K --level 9 --no-crc"; do
	for kind in append crashed; do
		python3 "$here/make-upper.py" $kind 7 "$work/base" \
			"$work/data" "$work/index" "$work/raw"
		config_with_upper "$work/data" "$work/index" "$work/none" \
			>"$work/c.json" 2>/dev/null
		before=$(cat "$work/data" "$work/index" | sha256sum)
		# shellcheck disable=SC2086 # several options
		{
		expect 0 "$tool" commit $options --threads 1 "$work/data" \
			"$work/index" "$work/layer"
		expect 0 "$tool" commit $options --threads 5 "$work/c.json" \
			"$work/again"
		}
		cmp "$work/layer" "$work/again" || fail "not the same again"
		[ "$(cat "$work/data" "$work/index" | sha256sum)" = \
		  "$before" ] || fail "the layer has changed"
		python3 "$here/check-spec.py" "$work/raw" "$work/lower" \
			"$work/layer" || exit
		config_of "$work/lower" "$work/layer" >"$work/l.json"
		reads_as "$work/raw" "$work/l.json"
	done
	cmp "$work/layer" "$work/again" || fail "crashed is not the same"
done

# What it says of itself.
expect 0 "$tool" dump --json "$work/layer"
jq -e '.lsmt_trailer | .parent_uuid == "5ea1ab1e-0000-4000-8000-000000000000"
       and .user_tag == "a tag" and .virtual_size == 3000320 and
       .uuid != "5ea1ab1e-0000-4000-8000-000000000001"' "$work/out" \
	>/dev/null || fail "wrong header"
expect 0 "$tool" commit --uuid 6d2c1c07-6c8b-4b5a-9c0e-0d4c8f6f1a10 \
	--parent-uuid 00112233-4455-6677-8899-aabbccddeeff --user-tag other \
	"$work/data" "$work/index" "$work/layer"
expect 0 "$tool" dump --json "$work/layer"
jq -e '.lsmt_trailer | .uuid == "6d2c1c07-6c8b-4b5a-9c0e-0d4c8f6f1a10" and
       .parent_uuid == "00112233-4455-6677-8899-aabbccddeeff" and
       .user_tag == "other"' "$work/out" >/dev/null || fail "wrong header"

# A disk full of zeros takes no space, but hides what is below.
head -c 3000320 /dev/zero >"$work/zeros"
python3 - "$work/data" "$work/index" <<-'END'
	import struct, sys
	head = open(sys.argv[1], "rb").read(4096)
	open(sys.argv[1], "wb").write(head + bytes(3000320))
	log = open(sys.argv[2], "rb").read(4096)
	log += struct.pack("<QQ", 0 | 5860 << 50, 8)
	open(sys.argv[2], "wb").write(log)
END
expect 0 "$tool" commit "$work/data" "$work/index" "$work/layer"
[ "$(stat -c %s "$work/layer")" = 12288 ] || fail "zeros take space"
config_of "$work/lower" "$work/layer" >"$work/l.json"
reads_as "$work/zeros" "$work/l.json"

# The size of the disk may be that of the layers below.
python3 "$here/make-upper.py" append 8 "$work/base" "$work/data" \
	"$work/index" "$work/raw"
for file in data index; do
	printf '\0\0\0\0\0\0\0\0' | dd of="$work/$file" bs=1 seek=48 \
		conv=notrunc status=none
done
expect 0 "$tool" commit "$work/data" "$work/index" "$work/layer"
expect 0 "$tool" dump --json "$work/layer"
jq -e '.lsmt_trailer.virtual_size == 0' "$work/out" >/dev/null ||
	fail "wrong size"
reads_as "$work/raw" "$work/l.json"

# Nothing comes of what is wrong.
rm "$work/layer" "$work/again"
expect 2 "$tool" commit "$work/data"
expect 2 "$tool" commit --level 3 "$work/data" "$work/index" "$work/layer"
expect 2 "$tool" commit --what "$work/data" "$work/index" "$work/layer"
expect 1 "$tool" commit "$work/l.json" "$work/layer"
says "no upper"
expect 1 "$tool" commit "$work/data" "$work/index" "$work/index"
says "would be lost"
expect 1 "$tool" commit "$work/data" "$work/none" "$work/layer"
python3 "$here/make-upper.py" sparse 7 "$work/base" "$work/data" \
	"$work/index" "$work/raw"
expect 1 "$tool" commit "$work/data" "$work/index" "$work/layer"
says "is sparse"
[ ! -e "$work/layer" ] || fail "a file came out"
nothing_left "$work"
