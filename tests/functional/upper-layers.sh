# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash source-path=SCRIPTDIR
# Description: commit, merge and seal make layers of what was written
# Kernels: uml-debug
. "${0%/*}/lib.sh" || exit

# change SEED: the same to the device and to the file: single sectors, zeros
# that are written, and zeros that a discard leaves.
change()
{
	device sprinkle seed="$1" sectors=500 /dev/mapper/w
	device sprinkle seed="$1" sectors=500 disk
	write_both w "$1" $((3 * MIB + 512)) 70144
	blkdiscard --offset $((MIB + $1 * 4096)) --length 50176 /dev/mapper/w
	dd if=/dev/zero of=disk bs=512 seek=$(((MIB + $1 * 4096) / 512)) \
		count=98 conv=notrunc status=none
	expect_same /dev/mapper/w disk
}

# shows_disk BLOB...: as read-only layers they are the disk, mapped or not.
shows_disk()
{
	write_config shown.json "$@"
	"$TOOL" export shown.json exported
	cmp exported disk || fail "wrong content of $*"
	open_image shown.json shown
	expect_same /dev/mapper/shown disk
	"$TOOL" close shown
}

need_tool
device fill layer0.raw 0 $((4 * MIB))
create_layer --raw layer0.raw --virtual-size 8M --compress lz4 layer0
cp layer0.raw disk
truncate -s 8M disk

"$TOOL" create-upper --size 8M data index >create.log
cat >config <<END
{ "lowers": [ { "file": "layer0" } ],
  "upper": { "data": "data", "index": "index" } }
END
open_image config w
change 1
expect_exit $EXIT_BUSY 'data is in use by the device w' \
	"$TOOL" seal data index
expect_exit $EXIT_BUSY 'data is in use by the device w' \
	"$TOOL" commit config committed
expect_exit $EXIT_BUSY 'data is in use by the device w' \
	"$TOOL" merge config merged
expect_exit $EXIT_BUSY 'data is in use by the device w' \
	"$TOOL" verify --index index data
"$TOOL" close w
open_image config w
change 2
"$TOOL" close w

"$TOOL" verify --index index data
"$TOOL" commit --compress zstd --tar config committed
shows_disk layer0 committed
"$TOOL" merge --compress lz4 config merged
shows_disk merged
"$TOOL" seal data index
shows_disk layer0 data
expect_exit $EXIT_INVALID 'has been sealed' "$TOOL" open config w

# Block devices keep their size: the length of the layer has to be told.
truncate -s 16M data.dev
truncate -s 1M index.dev
DATA=$(losetup --find --show data.dev)
defer losetup --detach "$DATA"
INDEX=$(losetup --find --show index.dev)
defer losetup --detach "$INDEX"
loop_attach layer0
lower="lower $LOOP $(stat -c %s layer0)"
"$TOOL" create-upper --size 8M "$DATA" "$INDEX" >create.log
cp layer0.raw disk
truncate -s 8M disk
dm_create w "0 16384 overlaybd 6 $lower upper $DATA $INDEX"
change 3
dmsetup remove w
dm_create w "0 16384 overlaybd 6 $lower upper $DATA $INDEX"
change 4
dmsetup remove w
"$TOOL" verify --index "$INDEX" "$DATA"
"$TOOL" commit "$DATA" "$INDEX" committed
shows_disk layer0 committed
bytes=$("$TOOL" seal --print-bytes "$DATA" "$INDEX")
expect_equal 'length, sealed again' \
	"$("$TOOL" seal --print-bytes "$DATA" "$INDEX")" "$bytes"
dm_create w "0 16384 overlaybd 6 $lower lower $DATA $bytes" --readonly
expect_same /dev/mapper/w disk
dmsetup remove w
! dmsetup create w --table \
	"0 16384 overlaybd 6 $lower upper $DATA $INDEX" 2>dmsetup.log ||
	fail 'a sealed layer can be written'
