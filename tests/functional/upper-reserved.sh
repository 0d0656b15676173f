# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash source-path=SCRIPTDIR
# Description: what has been reserved for an upper below stays reserved
# Kernels: uml-debug
. "$(dirname "$0")/lib.sh" || exit

# blocks: of 512 bytes, that the files take.
blocks()
{
	stat -c %b files/data files/index | xargs
}

need_tool
need_commands mkfs.ext4
truncate -s 256M below
BELOW=$(losetup --find --show below)
defer losetup --detach "$BELOW"
mkfs.ext4 -q -b 4096 "$BELOW"
mkdir files
mount "$BELOW" files
defer umount files

"$TOOL" create-upper --size 16M files/data files/index >create.log
echo '{ "upper": { "data": "files/data", "index": "files/index" } }' >config
open_image config reserved
for file in data index; do
	fallocate -l "$(stat -c %s files/$file)" files/$file
done
before=$(blocks)
dmsetup suspend reserved
dmsetup resume reserved
expect_equal 'blocks after it was resumed' "$(blocks)" "$before"
device fill /dev/mapper/reserved 0 $((2 * MIB))
sync /dev/mapper/reserved
expect_equal 'blocks after writes' "$(blocks)" "$before"
