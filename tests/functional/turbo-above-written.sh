# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash source-path=SCRIPTDIR
# Description: an OCI layer applied to a file system that a kernel has written
# Kernels: uml-debug
. "${0%/*}/lib.sh" || exit
. "$HERE/turbo.sh"

need_tool
need_commands python3 e2fsck mke2fs debugfs
need_filesystem ext4
plain_root
mkdir mapped unpacked/many unpacked/kept unpacked/gone
defer umount mapped
touch unpacked/kept/low unpacked/gone/file
(cd unpacked/many && seq -f 'of-them-with-a-name-that-takes-some-space-%g' 900 |
	xargs touch)
umount unpacked
debugfs -R 'htree_dump /many' disk 2>log | grep 'Root node' >/dev/null ||
	fail 'the directory is not indexed'
"$TOOL" create --raw disk --compress lz4 base >made
mount -t ext4 "$DISK" unpacked

python3 "$HERE/oci.py" make .
python3 "$HERE/oci.py" unpack unpacked lay-1.tar
write_config base.json base
"$TOOL" turbo --base base.json --out meta lay-1.tar >made
cat >image.json <<-END
	{ "lowers": [ { "file": "$PWD/base" },
	              { "file": "$PWD/meta", "targetFile": "$PWD/lay-1.tar" } ] }
END
open_image image.json turbo
e2fsck -fn /dev/mapper/turbo >fsck.log 2>&1 || fail "$(cat fsck.log)"
mount -t ext4 -o ro /dev/mapper/turbo mapped
expect_unpacked mapped
umount mapped
"$TOOL" close turbo
