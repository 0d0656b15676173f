#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# dump shows every blob, and of broken ones what can be read.
# shellcheck source=tests/tools/common
. "$(dirname "$0")/common"

need python3 jq

python3 "$here/make-image.py" new 15 300032 "$work/raw"
expect 0 "$tool" create --raw "$work/raw" --compress zstd --tar \
	--user-tag "$(printf 'a\033b')" "$work/blob"
expect 0 "$tool" dump "$work/blob"
for text in "tar header:" "ZFile header:" "ZFile trailer:" "jump table:" \
	"LSMT header:" "LSMT trailer:" "index:" "overlaybd.commit" \
	"0x1b (header data overwritten digest)" "0x6 (data sealed)" \
	'a\x1bb' "ZFile in a tar"; do
	says "$text"
done
expect 0 "$tool" dump --json --entries "$work/blob"
jq -e '.zfile_header.flags == 27 and .zfile_trailer.flags == 22 and
       .lsmt_header.flags == 7 and .lsmt_trailer.virtual_size == 300032 and
       .index.entries - .index.padding == (.entries | length) and
       ([.entries[] | .length] | add) * 512 == .index.mapped_bytes and
       .jump_table.blocks == .zfile_header.index_size' "$work/out" \
	>/dev/null || fail "wrong JSON"

# A hole in the jump table, in the trailer of the layer, in the headers.
offset=$(jq .zfile_header.index_offset "$work/out")
cp "$work/blob" "$work/bad"
printf '\377\377\377\377' | dd of="$work/bad" bs=1 seek=$((offset + 512)) \
	conv=notrunc status=none
expect 3 "$tool" dump "$work/bad"
says "ZFile trailer:"
says "jump table entry 0"
expect 3 "$tool" dump --json "$work/bad"
jq -e '.error and .zfile_header' "$work/out" >/dev/null || fail "wrong JSON"

head -c 2000 "$work/blob" >"$work/bad"
expect 3 "$tool" dump "$work/bad"
says "tar header:"
head -c 100 "$work/blob" >"$work/bad"
expect 3 "$tool" dump "$work/bad"
: >"$work/bad"
expect 3 "$tool" dump "$work/bad"
expect 1 "$tool" dump "$work/none"
expect 1 "$tool" dump "$work"
mkfifo "$work/fifo"
expect 1 timeout 10 "$tool" dump "$work/fifo"
expect 2 "$tool" dump
expect 2 "$tool" dump a b

[ -d "$fixtures" ] || exit 0
for image in "${readonly_images[@]}" base64; do
	for blob in "$fixtures/$image"/*; do
		case $blob in
		*.json|*.txt)	continue;;
		esac
		expect 0 "$tool" dump --json --entries "$blob"
		jq -e .index "$work/out" >/dev/null || fail "$blob: no JSON"
	done
done
