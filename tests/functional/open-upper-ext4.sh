# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash source-path=SCRIPTDIR
# Description: an upper in files of ext4: past the page cache, sparse, and as large as they may be
# Kernels: uml-debug
. "${0%/*}/lib.sh" || exit

# write SEED OFFSET LENGTH: the same to the device and to the file.
write()
{
	device fill seed="$1" /dev/mapper/onext4 "$2" "$3" disk
}

# blocks FILE: of 512 bytes, that it takes.
blocks()
{
	stat -c %b "$1"
}

need_tool
need_commands jq mkfs.ext4
truncate -s 64M below
BELOW=$(losetup --find --show below)
defer losetup --detach "$BELOW"
mkfs.ext4 -q -b 4096 "$BELOW"
mkdir files
mount "$BELOW" files
defer umount files

"$TOOL" create-upper --size 16M files/data files/index >create.log
echo '{ "upper": { "data": "files/data", "index": "files/index" } }' >config
truncate -s 16M disk
open_image config onext4
for file in data index; do
	expect_equal "direct I/O of $file" "$(losetup --noheadings --output DIO \
		--associated "$PWD/files/$file" | xargs)" 1
done
[ "$(blocks files/data)" -lt 64 ] || fail 'the data is not sparse'
# 256 KiB are zeroed ahead of the log.
[ "$(blocks files/index)" -lt 640 ] || fail 'the index is not sparse'
for n in 0 1 2 3 4 5 6 7; do
	write "$n" $((n * MIB + 512 * n)) $((512 + 1536 * n))
done
# Overwritten in part, in blocks that the file system has in one piece.
write 20 $((3 * MIB + 2048)) 1024
write 21 $((5 * MIB + 512 * 7)) 4096
expect_same /dev/mapper/onext4 disk
echo 3 >/proc/sys/vm/drop_caches
expect_same /dev/mapper/onext4 disk
"$TOOL" close onext4
[ "$(stat -c %s files/data)" -lt 100000 ] ||
	fail "length of the data: $(stat -c %s files/data)"
open_image config onext4 --direct-io=off
expect_equal 'direct I/O' "$(losetup --noheadings --output DIO | sort -u |
	xargs)" 0
expect_same /dev/mapper/onext4 disk
write 22 $((9 * MIB)) 10240
"$TOOL" close onext4
open_image config onext4
expect_same /dev/mapper/onext4 disk
"$TOOL" close onext4

# ext4 has no files of 32 TiB: there is room for less, and it works.
"$TOOL" create-upper --force --size 32T files/data files/index >create.log
defer "$TOOL" close onext4
"$TOOL" open config onext4 >open.log 2>warnings
grep -q 'warning: upper (files/data): cannot become larger than' warnings ||
	fail "warnings: $(cat warnings)"
[ "$("$TOOL" status --json onext4 | jq .upper.data_sectors)" -gt $((1 << 34)) ] ||
	fail 'there is room for less than 8 TiB'
device fill seed=7 /dev/mapper/onext4 $((31 << 40)) 65536
dd if=/dev/mapper/onext4 bs=64K skip=$((31 << 24)) count=1 status=none >found
"$TOOL" close onext4
open_image config onext4
dd if=/dev/mapper/onext4 bs=64K skip=$((31 << 24)) count=1 status=none |
	cmp - found
! cmp -s found <(head -c 65536 /dev/zero) || fail 'what was written is zeros'
"$TOOL" close onext4
[ "$(stat -c %s files/data)" = $((4096 + 65536)) ] ||
	fail "length of the data: $(stat -c %s files/data)"
