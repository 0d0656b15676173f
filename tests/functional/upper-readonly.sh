# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash source-path=SCRIPTDIR
# Description: a table loaded read-only writes nothing below
# Kernels: uml-debug
. "${0%/*}/lib.sh" || exit
. "$HERE/upper.sh"

BYTES=$((8 * MIB))
DEVICE=/dev/mapper/readonly

need_model
new_upper readonly $BYTES
open_upper readonly $BYTES
model --model saved --ops 3000 --max 65536 $DEVICE
dmsetup remove --retry readonly
sha256sum readonly.data readonly.index >before

say 'over devices that could be written to'
dm_create readonly "$TABLE" --readonly
expect_upper readonly mode ro
expect_equal read-only "$(blockdev --getro $DEVICE)" 1
"$MODEL" compare --model saved $DEVICE
expect_exit 1 'not permitted|[Rr]ead-only' dd if=/dev/zero of=$DEVICE bs=4096 \
	count=1 oflag=direct
dmsetup suspend readonly
dmsetup resume readonly
blockdev --flushbufs $DEVICE
dmsetup remove --retry readonly
sha256sum --quiet --check before

say 'over devices that could not, cut to what is in use'
upper cut readonly.data readonly.index
# A loop device ends at the last whole sector.
truncate -s %512 readonly.index
sha256sum readonly.data readonly.index >before
losetup --detach "$DATA"
losetup --detach "$INDEX"
loop_attach readonly.data
DATA=$LOOP
loop_attach readonly.index
INDEX=$LOOP
upper_table $BYTES
dm_create readonly "$TABLE" --readonly
"$MODEL" compare --model saved $DEVICE
dmsetup remove --retry readonly
sha256sum --quiet --check before

say 'but a writable table over them is refused'
expect_exit 1 'reload ioctl|create' \
	dmsetup create readonly --table "$TABLE"
expect_log "layer 0: device $DATA is read-only"
