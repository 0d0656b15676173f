# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash source-path=SCRIPTDIR
# Description: a disk, and the room for what is written, grow while they are in use
# Kernels: uml-debug
. "${0%/*}/lib.sh" || exit

# status FILTER: of the device.
status()
{
	"$TOOL" status --json grows | jq "$1"
}

virtual_size()
{
	od -An -t u8 -j 48 -N 8 "$1" | tr -d ' '
}

# grow_linear NAME MIB: as an LV grows.
grow_linear()
{
	dmsetup suspend "$1"
	dmsetup reload "$1" --table \
		"0 $(($2 * MIB / SECTOR)) linear $(dmsetup table "$1" |
			cut -d ' ' -f 4) 0"
	dmsetup resume "$1"
}

is_open()
{
	[ "$(status .open_count)" = 1 ]
}

need_tool
need_commands jq

# Files: a larger disk takes larger ones, all while somebody reads.
"$TOOL" create-upper --size 8M data index >create.log
echo '{ "upper": { "data": "data", "index": "index" } }' >config
truncate -s 8M disk
open_image config grows --low-water 1M
expect_equal 'low water' "$(status .low_water)" 2048
write_both grows 1 $MIB 100000
sectors=$(status .upper.data_sectors)
cp disk old
start_device compare reads=0 /dev/mapper/grows old
retry is_open
"$TOOL" grow --size 64M --json grows >grow.json
jq -e '.size == 67108864' grow.json >/dev/null || fail "$(cat grow.json)"
truncate -s 64M disk
expect_same /dev/mapper/grows disk
stop_device
[ "$(status .upper.data_sectors)" -gt $((sectors + 100000)) ] ||
	fail "the data has not grown: $(status .upper.data_sectors)"
expect_equal 'data sectors' "$(status .upper.data_sectors)" \
	$(($(stat -c %s data) / SECTOR))
expect_equal 'log slots' "$(status .upper.log_slots)" \
	$((($(stat -c %s index) - 4096) / 16))
expect_equal 'virtual size of the data' "$(virtual_size data)" $((64 * MIB))
expect_equal 'virtual size of the index' "$(virtual_size index)" $((64 * MIB))
expect_equal 'low water' "$(status .low_water)" 2048
write_both grows 2 $((60 * MIB)) $MIB
# More than the disk takes.
"$TOOL" grow --capacity 300M grows >grow.log
expect_equal 'length of the data' "$(stat -c %s data)" $((300 * MIB))
"$TOOL" grow grows >grow.log
expect_equal 'length of the data' "$(stat -c %s data)" $((300 * MIB))
expect_exit 1 'cannot shrink' "$TOOL" grow --size 8M grows
expect_exit 2 "size is '100'" "$TOOL" grow --size 100 grows
expect_exit 2 "capacity is 'x'" "$TOOL" grow --capacity x grows
expect_exit 2 'expected a name' "$TOOL" grow
expect_exit $EXIT_NO_DEVICE 'there is no device none' "$TOOL" grow none
dmsetup suspend grows
expect_exit 1 'grows is suspended' "$TOOL" grow --size 128M grows
dmsetup resume grows
expect_same /dev/mapper/grows disk
"$TOOL" close grows
[ "$(stat -c %s data)" -lt $((2 * MIB)) ] || fail 'the data is not cut'
open_image config grows
expect_same /dev/mapper/grows disk
"$TOOL" close grows

# Where the disk cannot grow, nothing has changed, and it goes on.
open_image config grows --read-only
expect_exit 1 'its upper cannot be written: it is ro' \
	"$TOOL" grow --size 128M grows
"$TOOL" close grows
device fill raw 0 $MIB
create_layer --raw raw layer0
write_config lowers layer0
open_image lowers grows
expect_exit 1 'has no upper, and cannot be changed' "$TOOL" grow --size 128M grows
"$TOOL" close grows
dm_create other '0 8 error'
expect_exit 1 'was not made by overlaybdsetup open' "$TOOL" grow other

# Block devices: full, and then not any more.
truncate -s 64M below.data
truncate -s 8M below.index
BELOW=$(losetup --find --show below.data)
defer losetup --detach "$BELOW"
BELOW_INDEX=$(losetup --find --show below.index)
defer losetup --detach "$BELOW_INDEX"
dm_create lv-data "0 $((8 * MIB / SECTOR)) linear $BELOW 0"
dm_create lv-index "0 $((2 * MIB / SECTOR)) linear $BELOW_INDEX 0"
"$TOOL" create-upper --size 32M /dev/mapper/lv-data /dev/mapper/lv-index \
	>create.log 2>&1
grep -q 'warning: /dev/mapper/lv-data: has 8388608 bytes' create.log ||
	fail "$(cat create.log)"
echo '{ "upper": { "data": "/dev/mapper/lv-data",
	"index": "/dev/mapper/lv-index" } }' >config
truncate -s 0 disk
truncate -s 32M disk
open_image config grows
! device fill seed=3 /dev/mapper/grows 0 $((16 * MIB)) 2>/dev/null ||
	! sync /dev/mapper/grows || fail '8 MiB took 16'
expect_exit 1 'lv-data is a block device of 8388608 bytes: make it larger first' \
	"$TOOL" grow --capacity 48M grows
grow_linear lv-data 48
grow_linear lv-index 4
"$TOOL" grow --capacity 48M grows >grow.log
expect_equal 'data sectors' "$(status .upper.data_sectors)" \
	$((48 * MIB / SECTOR))
expect_equal 'log slots' "$(status .upper.log_slots)" \
	$(((4 * MIB - 4096) / 16))
write_both grows 3 0 $((16 * MIB))
write_both grows 4 $((20 * MIB)) 65536
expect_same /dev/mapper/grows disk
expect_exit $EXIT_BUSY 'lv-data is in use by the device grows' \
	"$TOOL" repair config
"$TOOL" close grows
"$TOOL" repair config >repair.log
open_image config grows
expect_same /dev/mapper/grows disk
"$TOOL" close grows
