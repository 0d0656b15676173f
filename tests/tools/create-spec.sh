#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What create writes is by the letter of the format description.
# shellcheck source=tests/tools/common
. "$(dirname "$0")/common"

need python3

python3 "$here/make-image.py" new 11 120100 "$work/base"
python3 "$here/make-image.py" change 12 150016 "$work/base" "$work/new"
: >"$work/empty"
for options in "" "--tar" "--compress lz4" "--compress zstd" \
	"--compress lz4 --block-size 512 --tar" \
	"--compress zstd --block-size 1M --no-crc" \
	"--compress lz4 --level 12 --block-size 64K" \
	"--compress zstd --level 19 --block-size 16K --user-tag hello"; do
	# shellcheck disable=SC2086 # several options
	{
	expect 0 "$tool" create --raw "$work/base" $options "$work/l0"
	expect 0 "$tool" create --raw "$work/new" --base "$work/base" \
		--parent 6d2c1c07-6c8b-4b5a-9c0e-0d4c8f6f1a10 $options \
		"$work/l1"
	}
	python3 "$here/check-spec.py" "$work/base" "$work/l0" || exit
	python3 "$here/check-spec.py" "$work/new" "$work/l0" "$work/l1" || exit
done
expect 0 "$tool" create --raw "$work/empty" --virtual-size 1M "$work/l0"
python3 "$here/check-spec.py" "$work/empty" "$work/l0"
