#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Converting a sparse layer does not write over what is no index, even if that
# begins with zeros.
# shellcheck source=tests/tools/common
. "$(dirname "$0")/common"

need python3
cd "$work" || exit 1
python3 "$here/make-image.py" new 41 3000320 base
python3 "$here/make-upper.py" sparse 9 base data index raw || fail 'no layer'
expect 0 "$tool" create --raw base lower

# kept COMMAND...: refuses the pair, and leaves it as it is
kept()
{
	local before

	before=$(sum data)$(sum index)
	expect 3 "$tool" "$@"
	says 'index: is not that of the data, which is sparse'
	[ "$(sum data)$(sum index)" = "$before" ] ||
		fail "the files are not what they were: $*"
}

# As a file system or a table of partitions: nothing in the first sectors.
truncate -s 20M index
printf x | dd of=index bs=1 seek=1080 conv=notrunc status=none
kept repair data index
kept seal data index
head -c 4000000 /dev/zero >index
printf x >>index
kept repair data index
printf 'a note' >index
kept repair data index

config_with_upper data index lower >image.json
truncate -s 0 index
truncate -s 20M index
expect 0 "$tool" repair data index
reads_as raw image.json
