#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# create refuses arguments that make no sense, and says which.
# shellcheck source=tests/tools/common
. "$(dirname "$0")/common"

: >"$work/raw"

refuse()
{
	local text=$1

	shift
	expect 2 "$tool" create "$@"
	says "$text"
}

refuse "one of --raw and --dir" "$work/layer"
refuse "one of --raw and --dir" --raw "$work/raw" --dir "$work" "$work/layer"
refuse "go together" --dir "$work" "$work/layer"
refuse "go together" --raw "$work/raw" --size 1M "$work/layer"
refuse "not with --dir" --dir / --size 1M --base "$work/raw" "$work/layer"
refuse "go with --compress" --raw "$work/raw" --block-size 4K "$work/layer"
refuse "go with --compress" --raw "$work/raw" --no-crc "$work/layer"
refuse "lz4 or zstd" --raw "$work/raw" --compress gzip "$work/layer"
for size in 0 256 5000 2M -4096 4x; do
	refuse "power of two" --raw "$work/raw" --compress lz4 \
		--block-size $size "$work/layer"
done
refuse "1 to 12 for lz4" --raw "$work/raw" --compress lz4 --level 13 layer
refuse "expected 1 to 22" --raw "$work/raw" --compress zstd --level 23 layer
refuse "expected a UUID" --raw "$work/raw" --uuid 1234 "$work/layer"
refuse "expected a UUID" --raw "$work/raw" --parent x "$work/layer"
refuse "at most 255" --raw "$work/raw" --user-tag \
	"$(printf %0256d 0)" "$work/layer"
refuse "--virtual-size is '1000'" --raw "$work/raw" --virtual-size 1000 layer
refuse "--virtual-size is '17000000T'" --raw "$work/raw" \
	--virtual-size 17000000T layer
refuse "--threads" --raw "$work/raw" --threads 0 "$work/layer"
refuse "--what" --what "$work/layer"
refuse "one file" --raw "$work/raw"
refuse "one file" --raw "$work/raw" a b

expect 1 "$tool" create --raw "$work/raw" "$work/layer"
says "is empty"
truncate -s 2M "$work/raw"
cp "$work/raw" "$work/base"
expect 1 "$tool" create --raw "$work/raw" --virtual-size 1M "$work/layer"
says "expected no less"
expect 1 "$tool" create --raw "$work/raw" "$work/raw"
says "would be lost"
expect 1 "$tool" create --raw "$work/raw" --base "$work/base" "$work/base"
expect 0 "$tool" create --help
says "--block-size"
[ ! -e "$work/layer" ] || fail "a file came out"
