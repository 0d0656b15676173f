# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash source-path=SCRIPTDIR
# Description: an open with an upper that fails leaves no device and no grown file
# Kernels: uml-debug
. "${0%/*}/lib.sh" || exit

nothing_left()
{
	[ -z "$(cat /sys/block/dm-*/dm/name 2>/dev/null)" ] ||
		fail 'a mapped device is left'
	expect_equal 'the index' "$(stat -c %s index)" 4096
	expect_equal 'the data' "$(stat -c %s data)" 4096
}

# config_of DATA INDEX [LOWER]
config_of()
{
	local lowers=

	[ -z "${3:-}" ] || lowers="{ \"file\": \"$3\" }"
	echo "{ \"lowers\": [ $lowers ], \"resultFile\": \"$PWD/result\",
		\"upper\": { \"data\": \"$1\", \"index\": \"$2\" } }" >config
}

# refused STATUS REGEX [OPTION...]
refused()
{
	local status=$1 regex=$2

	shift 2
	rm -f result
	expect_exit "$status" "$regex" "$TOOL" open "$@" config fails
	nothing_left
	grep -qE -- "$regex" result || fail "resultFile holds: $(cat result)"
}

need_tool
"$TOOL" create-upper --size 8M data index >create.log
"$TOOL" create-upper --size 8M other.data other.index >create.log
device fill raw 0 $MIB
create_layer --raw raw layer0

config_of data missing
refused 1 'layer 0 \(.*missing\): No such file'
config_of missing index
refused 1 'layer 0 \(.*missing\): No such file'
config_of data other.index
refused $EXIT_INVALID 'index: uuid is'
config_of index data
refused $EXIT_INVALID 'upper \(.*index, .*data\): LSMT data: flags are 0x1'
config_of data /dev/null
refused 1 'neither a file nor a block device'
config_of data index missing
refused 1 'layer 0 \(.*missing\)'

# The module has the last word: after the files have been extended.
truncate -s 10M disk4k
LOOP4K=$(losetup --find --show --sector-size 4096 disk4k)
defer losetup --detach "$LOOP4K"
dd if=data of="$LOOP4K" conv=notrunc status=none
config_of "$LOOP4K" index
refused 1 'has logical blocks of 4096 bytes'
config_of data index
defer "$TOOL" close fails
dmsetup create fails --notable
expect_exit $EXIT_BUSY 'in use by a device that is not of this program' \
	"$TOOL" open config fails
dmsetup remove --retry fails

# Somebody else's loop device.
loop_attach index --sector-size 512
refused $EXIT_BUSY "index is in use by the loop device $LOOP\$"
losetup --detach "$LOOP"
loop_attach data
dm_create above "0 8 linear $LOOP 0" --readonly
expect_exit $EXIT_BUSY "data is in use by the device above, over $LOOP\$" \
	"$TOOL" open config fails
dmsetup remove --retry above
losetup --detach "$LOOP"

# The options of uppers need one.
write_config lowers layer0
expect_exit 1 'there is no upper' "$TOOL" open --low-water 1M lowers fails
expect_exit 2 "low-water is '1000'" "$TOOL" open --low-water 1000 config fails
nothing_left

# And then it works.
open_image config fails
"$TOOL" close fails
nothing_left
