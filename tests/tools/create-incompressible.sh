#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Data that does not compress goes through blocks of any size.
# shellcheck source=tests/tools/common
. "$(dirname "$0")/common"

need python3

python3 "$here/make-image.py" noise 8 2100224 "$work/raw"
for algorithm in lz4 zstd; do
	for size in 512 1K 2K 4K 8K 16K 32K 64K 128K 256K 512K 1M; do
		expect 0 "$tool" create --raw "$work/raw" --block-size $size \
			--compress $algorithm "$work/layer"
		case $size in
		512|1K|2K|128K|256K|512K|1M)
			says "other implementations read 4096 to 65536";;
		64K)	says "a block that does not compress";;
		*)	[ ! -s "$work/err" ] || fail "$(cat "$work/err")";;
		esac
		config_of "$work/layer" >"$work/c.json"
		expect 0 "$tool" export "$work/c.json" "$work/disk"
		cmp "$work/raw" "$work/disk" || fail "$algorithm $size differs"
	done
done
