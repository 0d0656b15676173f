#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# verify takes a ZFile without a layer only when it is asked to.
# shellcheck source=tests/tools/common
. "$(dirname "$0")/common"

need python3

python3 "$here/make-image.py" new 4 200000 "$work/raw"
python3 "$here/make-zfile.py" "$work/raw" "$work/zfile"
expect 0 "$tool" verify --zfile "$work/zfile"
says "valid, lz4"
expect 3 "$tool" verify "$work/zfile"
says "LSMT header: bad magic"
expect 3 "$tool" verify --zfile "$work/raw"
says "is no ZFile"

"$tool" create --raw "$work/raw" --compress zstd "$work/layer" >/dev/null ||
	fail "create"
expect 0 "$tool" verify --zfile "$work/layer"
