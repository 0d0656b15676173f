# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash source-path=SCRIPTDIR
# Description: an ext4 file system in a layer mounts, and its files are right
. "${0%/*}/lib.sh" || exit

mount_image()
{
	open_image "$1" "$2"
	mkdir "$2"
	defer umount "$2"
	mount -t ext4 -o ro "/dev/mapper/$2" "$2"
}

need_tool
need_filesystem ext4
mkdir -p tree/a/b
device fill compressible=1 tree/large 0 $((2 * MIB))
device fill tree/a/odd 0 70001
echo text >tree/a/b/text
ln tree/a/odd tree/a/b/link
ln -s ../odd tree/a/b/symlink
create_layer --dir tree --size 8M --compress lz4 layer
write_config ext4.json layer
mount_image ext4.json ext4
diff -r --no-dereference --exclude=lost+found tree ext4

# The reference's image, compressed and not.
[ -d "$FIXTURES/zfile3" ] || exit 0
mount_image "$(fixture_config zfile3)" zfile3
mount_image "$(fixture_config plain3)" plain3
(cd zfile3 && find . -type f -print0 | sort -z | xargs -0 cksum) >zfile3.sums
(cd plain3 && find . -type f -print0 | sort -z | xargs -0 cksum) >plain3.sums
cmp zfile3.sums plain3.sums
[ "$(wc -l <zfile3.sums)" -gt 100 ] || fail 'there are hardly any files'
