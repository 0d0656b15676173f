#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# trace show prints a trace that another program wrote by the description.
# shellcheck source=tests/tools/common
. "$(dirname "$0")/common"

need python3 jq

uuid=01234567-89ab-cdef-0123-456789abcdef
python3 "$here/make-trace.py" "$work/trace" \
	"5000,40960,4096,4275878552,$uuid" \
	"777,777,0,0,$(printf 'a\033b')" \
	"123456789,17592186040320,4096,1,$uuid" -- \
	0,3,4 2,4294967294,1 2,0,300 0,0,3 0,7,3

expect 0 "$tool" trace show "$work/trace"
for text in "trace:" "layer 0:" "layer 2:" "$uuid" 'a\x1bb' 4275878552; do
	says "$text"
done
grep -q '^ranges' "$work/out" && fail "ranges that nobody asked for"
expect 0 "$tool" trace show --ranges "$work/trace"
sed -n '/^ranges/,$p' "$work/out" | tail -n +2 | tr -s ' ' >"$work/ranges"
printf ' %s\n' '0 3 4' '2 4294967294 1' '2 0 300' '0 0 3' '0 7 3' |
	cmp - "$work/ranges" || fail "wrong ranges: $(cat "$work/ranges")"

expect 0 "$tool" trace show --json --ranges "$work/trace"
jq -e --arg uuid "$uuid" '
	.trace == { nr_layers: 3, nr_ranges: 5, blocks: 311, bytes: 1273856 } and
	.layers[0] == { bytes: 5000, data_bytes: 40960, block_size: 4096,
			table_crc: 4275878552, uuid: $uuid, ranges: 3,
			blocks: 10 } and
	.layers[1].ranges == 0 and
	.layers[2].blocks == 301 and
	.ranges == [[0, 3, 4], [2, 4294967294, 1], [2, 0, 300], [0, 0, 3],
		    [0, 7, 3]]' "$work/out" >/dev/null ||
	fail "wrong JSON: $(cat "$work/out")"

python3 "$here/make-trace.py" "$work/empty" "1,1,1,1,x" --
expect 0 "$tool" trace show --ranges --json "$work/empty"
jq -e '.trace.nr_ranges == 0 and .ranges == []' "$work/out" >/dev/null ||
	fail "wrong JSON of an empty trace"
