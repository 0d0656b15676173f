# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash source-path=SCRIPTDIR
# Description: an EROFS image in a layer mounts, and its files are right
# Kernels: uml-debug
. "${0%/*}/lib.sh" || exit

need_tool
need_commands mkfs.erofs
need_filesystem erofs
mkdir -p tree/a/b
device fill compressible=1 tree/large 0 $((2 * MIB))
device fill tree/a/odd 0 70001
echo text >tree/a/b/text
ln -s ../odd tree/a/b/symlink
mkfs.erofs image tree >mkfs.log
for block_size in 4096 65536; do
	create_layer --raw image --compress zstd --block-size $block_size \
		"layer$block_size"
	write_config "$block_size.json" "layer$block_size"
	open_image "$block_size.json" "erofs$block_size"
	mkdir "erofs$block_size"
	defer umount "erofs$block_size"
	mount -t erofs -o ro "/dev/mapper/erofs$block_size" "erofs$block_size"
	diff -r --no-dereference tree "erofs$block_size"
done
