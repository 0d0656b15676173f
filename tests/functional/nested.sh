# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash source-path=SCRIPTDIR
# Description: an image inside of a file system inside of an image
# Kernels: uml-debug
. "${0%/*}/lib.sh" || exit

need_tool
need_filesystem ext4
device fill compressible=1 raw 0 $((3 * MIB))
mkdir tree
create_layer --raw raw --compress zstd --block-size 64K tree/layer
create_layer --dir tree --size 8M --compress lz4 outer
write_config outer.json outer
open_image outer.json outer
mkdir mounted
defer umount mounted
mount -o ro /dev/mapper/outer mounted
write_config inner.json mounted/layer
open_image inner.json inner

fill_memory 160
for mode in direct=0 direct=1; do
	echo 3 >/proc/sys/vm/drop_caches
	device compare $mode threads=4 reads=60 /dev/mapper/inner raw
done
expect_exit $EXIT_BUSY 'outer is' "$TOOL" close outer
"$TOOL" close inner
umount mounted
"$TOOL" close outer
