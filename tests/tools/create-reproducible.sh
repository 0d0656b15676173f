#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# create writes the same bytes each time, on any number of threads.
# shellcheck source=tests/tools/common
. "$(dirname "$0")/common"

need python3

python3 "$here/make-image.py" new 9 9000448 "$work/raw"
python3 "$here/make-image.py" change 10 9000448 "$work/raw" "$work/new"
for options in "" "--tar" "--compress lz4" "--compress zstd --block-size 64K" \
	"--compress zstd --level 7 --block-size 128K" \
	"--compress lz4 --level 9 --block-size 16K --tar"; do
	for threads in 1 1 5; do
		# shellcheck disable=SC2086 # several options
		{
		expect 0 "$tool" create --raw "$work/raw" $options \
			--threads $threads "$work/layer"
		expect 0 "$tool" create --raw "$work/new" --base "$work/raw" \
			$options --threads $threads "$work/diff"
		}
		now=$(sum "$work/layer")$(sum "$work/diff")
		[ "$threads" = 1 ] && before=${before:-$now}
		[ "$now" = "$before" ] || fail "'$options' on $threads threads"
	done
	before=
done

# The uuid tells contents apart, not the ways in which they are compressed.
expect 0 "$tool" create --raw "$work/raw" --json "$work/layer"
uuid=$(grep '"uuid"' "$work/out")
expect 0 "$tool" create --raw "$work/raw" --json --compress lz4 "$work/layer"
[ "$(grep '"uuid"' "$work/out")" = "$uuid" ] || fail "uuid of the same content"
expect 0 "$tool" create --raw "$work/new" --json "$work/layer"
[ "$(grep '"uuid"' "$work/out")" != "$uuid" ] || fail "uuid of other content"
