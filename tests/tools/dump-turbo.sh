#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# dump shows indexes of gzip files, and where the data of TurboOCI metadata is.
# shellcheck source=tests/tools/common
. "$(dirname "$0")/common"

need python3 jq gzip
cd "$work" || exit 1

# dumped FILTER: it is true of the JSON
dumped()
{
	jq -e "$1" out >/dev/null || fail "not $1: $(cat out)"
}

seq 200000 | gzip -9nc >some.gz
expect 0 "$tool" gzindex --json --span 64K --level 0 --out plain some.gz
points=$(jq .points out)
data_size=$(jq .data_size out)
expect 0 "$tool" dump plain
says 'gzip index header:'
says 'access points:'
grep -q '^checksums:' out && fail 'there are checksums'
expect 0 "$tool" dump --json --entries plain
dumped ".points.points == $points and (.entries | length) == $points"
dumped ".gzip_index_header | .data_size == $data_size and .level == 0 and
	.nr_entries == $points and .span == 65536"
dumped ".gzip_index_header.index_size == $(stat -c %s plain) and
	.gzip_index_header.gzip_size == $(stat -c %s some.gz)"
dumped '.points.window_bytes == ([.entries[].window_size] | add) and
	.points.no_window == 0 and .points.checksums == 0'
dumped ".points.largest_gap == ([.entries[].data_pos, $data_size] |
	[.[1:], .[:-1]] | transpose | map(.[0] - .[1]) | max)"
for field in data_pos gzip_pos bits window_pos window_size; do
	dumped ".entries[3].$field == $(python3 \
		"$here/../functional/gzindex.py" plain 3 $field)"
done
line=$(jq -r '.entries[3] | "  \(.data_pos) \(.gzip_pos) \(.bits) \(.window_pos) \(.window_size)"' out)
dumped 'has("checksums") | not'
expect 0 "$tool" dump --entries plain
grep -qxF -- "$line" out || fail "not in the list: $line"
[ "$(grep -c '^  [0-9 ]*$' out)" = "$points" ] || fail 'more in the list'

expect 0 "$tool" gzindex --checksums --out sums some.gz
expect 0 "$tool" dump sums
grep -q '^checksums:' out || fail 'no checksums'
expect 0 "$tool" dump --json sums
dumped ".checksums.version == 1 and .checksums.block_shift == 16 and
	.points.checksums == ($data_size / 65536 | ceil)"
dumped '.gzip_index_header.level == 6 and (has("entries") | not)'

# What can be read of a bad one, and what is wrong with it.
sums=$(jq .checksums.offset out)
table=$(jq .gzip_index_header.table_offset out)
cp sums bad
flip bad "$sums"
expect 3 "$tool" dump bad
says 'gzip index header:'
says 'gzip index: CRC of the checksums is'
cp sums bad
flip bad "$table"
expect 3 "$tool" dump --json bad
dumped 'has("gzip_index_header") and has("checksums") and has("error")'
for change in 'nr_entries 1' 'nr_entries -1' 'nr_entries 4611686018427387904' \
	'index_size 1' 'data_size -200000' 'data_size 4611686018427387904' \
	'table_offset 1' 'table_offset 4611686018427387904' 'sums_offset 4' \
	'sums_offset 4611686018427387904' 'sums_crc 1'; do
	cp sums bad
	# shellcheck disable=SC2086 # two words
	python3 "$here/patch-gzindex.py" bad $change || fail "$change"
	expect 3 "$tool" dump --entries bad
	says 'gzip index header:'
done
head -c 332 sums >bad
expect 3 "$tool" dump bad
head -c 333 sums >bad
expect 3 "$tool" dump bad
says 'gzip index: index_size is'

[ -d "$fixtures" ] || exit 0
for image in gzip-only gzip-equal-points; do
	expect 0 "$tool" dump --json "$fixtures/$image/gzip.meta"
	jq -e --slurpfile want "$fixtures/$image/expect.json" '$want[0] as $w |
		.points.points == $w.points and
		.points.largest_gap == $w.largest_gap and
		.gzip_index_header.span == $w.span and
		.gzip_index_header.algorithm == $w.algorithm' out >/dev/null ||
		fail "$image: $(cat out)"
done

# Of metadata, the entries with data in the target are those of the map.
for image in "${turbo_images[@]}"; do
	expect 0 "$tool" dump --json --entries "$fixtures/$image/ext4.fs.meta"
	sectors=$(awk '$5 == 1 { sum += $2 } END { print sum }' \
		"$fixtures/$image/map.txt")
	dumped ".index.target_bytes == $sectors * 512"
	dumped '([.entries[] | select(.in == "target") | .length] | add) * 512 ==
		.index.target_bytes'
	dumped '.index.target_entries ==
		([.entries[] | select(.in == "target")] | length) and
		.index.target_end == ([.entries[] | select(.in == "target") |
		.moffset + .length] | max)'
	nr=$(jq .index.target_entries out)
	expect 0 "$tool" dump --entries "$fixtures/$image/ext4.fs.meta"
	[ "$(grep -c '^  [0-9 ]* 1 target$' out)" = "$nr" ] ||
		fail "$image: $nr entries"
done

# Tags alone make no metadata.
for blob in "$fixtures"/merged/*; do
	[ "${blob##*.}" = json ] || [ "${blob##*.}" = txt ] && continue
	expect 0 "$tool" dump --json --entries "$blob"
	dumped '.index.largest_tag == 2 and .index.target_entries == 0 and
		([.entries[].in] | unique - ["layer", "none"]) == []'
done
