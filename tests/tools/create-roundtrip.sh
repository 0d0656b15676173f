#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What create writes exports as it was, in every form.
# shellcheck source=tests/tools/common
. "$(dirname "$0")/common"

need python3

# Sizes are no multiples of a page, or even of a sector.
python3 "$here/make-image.py" new 5 1500000 "$work/base"
python3 "$here/make-image.py" change 6 1800700 "$work/base" "$work/larger"
python3 "$here/make-image.py" change 7 1000448 "$work/base" "$work/smaller"

same()
{
	local raw=$1
	shift

	config_of "$@" >"$work/c.json"
	expect 0 "$tool" export "$work/c.json" "$work/disk"
	# The disk ends at a sector.
	truncate -s %512 "$raw.padded"
	cmp "$raw.padded" "$work/disk" || fail "differs: $*"
}

for raw in base larger smaller; do
	cp "$work/$raw" "$work/$raw.padded"
done
forms=("" "--compress lz4 --no-crc" "--compress lz4 --level 9")
for algorithm in lz4 zstd; do
	for size in 512 4096 64K 1M; do
		forms+=("--compress $algorithm --block-size $size")
	done
done
for form in "${forms[@]}"; do
	for tar in "" --tar; do
		# shellcheck disable=SC2086 # several options
		{
		expect 0 "$tool" create --raw "$work/base" $form $tar \
			"$work/l0"
		expect 0 "$tool" create --raw "$work/larger" --base \
			"$work/base" $form $tar "$work/l1"
		}
		same "$work/base" "$work/l0"
		same "$work/larger" "$work/l0" "$work/l1"
		expect 0 "$tool" verify "$work/l0" "$work/l1"
	done
done
expect 0 "$tool" create --raw "$work/smaller" --base "$work/base" "$work/l1"
same "$work/smaller" "$work/l0" "$work/l1"
