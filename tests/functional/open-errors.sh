# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash source-path=SCRIPTDIR
# Description: what open and close say, leave and exit with when they fail
# Kernels: uml-debug
. "${0%/*}/lib.sh" || exit

nothing_left()
{
	[ -z "$(cat /sys/block/dm-*/dm/name 2>/dev/null)" ] ||
		fail 'a mapped device is left'
}

# expect_refusal STATUS REGEX CONFIG: also in its resultFile.
expect_refusal()
{
	rm -f result
	expect_exit "$1" "$2" "$TOOL" open "$3" errors
	nothing_left
	grep -qE -- "$2" result || fail "resultFile holds: $(cat result)"
}

# config_of BLOB...: an image that has a resultFile.
config_of()
{
	write_config lowers "$@"
	sed "s|^{ |{ \"resultFile\": \"$PWD/result\",\n  |" lowers >config
}

need_tool
device fill raw 0 $MIB
create_layer --raw raw --compress lz4 layer0
create_layer --raw raw layer1

config_of layer0 missing
expect_refusal 1 'layer 1.*missing.*No such file' config

# Four bytes of the trailer's index_offset.
cp layer1 bad
device flip bad $(($(stat -c %s bad) - 4096 + 36))
config_of layer0 bad
expect_refusal $EXIT_INVALID 'layer 1.*/bad.*LSMT trailer: index_offset' config
# The ZFile header's block_size.
cp layer0 bad
device flip bad 72
config_of bad layer1
expect_refusal $EXIT_INVALID 'layer 0.*/bad.*ZFile header' config
head -c 100000 raw >bad
config_of bad
expect_refusal $EXIT_INVALID 'layer 0.*/bad.*LSMT' config
: >bad
expect_refusal $EXIT_INVALID 'layer 0.*/bad' config

echo '{ "lowers": [' >broken
expect_exit $EXIT_INVALID 'broken' "$TOOL" open broken errors
expect_exit 1 'No such file' "$TOOL" open nowhere errors
expect_exit 2 'name' "$TOOL" open config 'a/b'
nothing_left

config_of layer0 layer1
open_image config errors
expect_equal resultFile "$(cat result)" success
open_image config errors
cp config lowers.both
config_of layer0
expect_exit $EXIT_BUSY 'errors is in use with other layers' \
	"$TOOL" open config errors
cmp /dev/mapper/errors raw

dmsetup suspend errors
expect_exit 0 'errors is suspended: dmsetup resume errors' \
	"$TOOL" open lowers.both errors
dmsetup resume errors

hold_open /dev/mapper/errors
expect_exit $EXIT_BUSY "held open by process $HOLDER \\(sleep\\)" \
	"$TOOL" close errors
let_go
dm_create above '0 8 linear /dev/mapper/errors 0' --readonly
expect_exit $EXIT_BUSY 'part of the device above' "$TOOL" close errors
expect_exit 1 'not made by overlaybdsetup' "$TOOL" close above
dmsetup remove --retry above
loop_attach /dev/mapper/errors
expect_exit $EXIT_BUSY "what the loop device $LOOP is made of" \
	"$TOOL" close errors
losetup --detach "$LOOP"
"$TOOL" close errors
nothing_left
expect_exit $EXIT_NO_DEVICE 'there is no device errors' "$TOOL" close errors
expect_exit $EXIT_NO_DEVICE 'there is no device errors' "$TOOL" status errors

# A logical volume is as long as its extents.
create_layer --raw raw longer
truncate -s 4M longer
loop_attach longer
config_of "$LOOP"
expect_refusal 3 'if the device is longer than the blob, say its "size"' config
