#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# verify notices a flipped bit anywhere in a blob with checksums.
# shellcheck source=tests/tools/common
. "$(dirname "$0")/common"

need python3

python3 "$here/make-image.py" new 2 200000 "$work/raw"
for options in "lz4" "zstd" "lz4 --tar" "zstd --tar --block-size 64K"; do
	blob="$work/${options//[^a-z0-9]/}"
	# shellcheck disable=SC2086 # several options
	"$tool" create --raw "$work/raw" --compress $options "$blob" \
		>/dev/null || fail "create"
	python3 "$here/corrupt.py" "$tool" "$blob" "$work/scratch" 20 || exit 1
done
[ -d "$fixtures" ] || exit 0
python3 "$here/corrupt.py" "$tool" "$fixtures/zfile3/layer0.lz4-4k.tar" \
	"$work/scratch" 20
