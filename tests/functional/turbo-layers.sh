# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash source-path=SCRIPTDIR
# Description: OCI layers with metadata made by turbo show what unpacking makes
# Kernels: uml-debug
. "${0%/*}/lib.sh" || exit
. "$HERE/turbo.sh"

need_tool
need_commands python3 e2fsck mke2fs
need_filesystem ext4
plain_root
mkdir mapped
defer umount mapped
python3 "$HERE/oci.py" make .
TARGET=(lay-0.tar.gz lay-1.tar lay-2.tar.gz)
for n in "${!TARGET[@]}"; do
	say "layer $n"
	add_layer "$n" --compress lz4
	python3 "$HERE/oci.py" unpack unpacked "${TARGET[n]}"
	open_image "image-$((n + 1)).json" turbo
	e2fsck -fn /dev/mapper/turbo >fsck.log 2>&1 || fail "$(cat fsck.log)"
	mount -t ext4 -o ro /dev/mapper/turbo mapped
	expect_unpacked mapped
	umount mapped
	"$TOOL" close turbo
done
