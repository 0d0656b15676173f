# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash source-path=SCRIPTDIR
# Description: a corrupt block costs its own bytes and nothing else
# Kernels: uml-debug 6.12
. "${0%/*}/lib.sh" || exit

BLOCK=4096

# middle_of FILE: prints that byte's offset.
middle_of()
{
	say $(($(stat -c %s "$1") / 2))
}

# bad_block NAME: BAD is the one block of the disk that cannot be read. The
# blob has a block more, its header, in front.
bad_block()
{
	local offset length

	read -r offset length < <(device errors block=$BLOCK "/dev/mapper/$1")
	expect_equal 'bytes that cannot be read' "$length" $BLOCK
	BAD=$((offset / BLOCK))
}

# expect_rest NAME: all but the bad block is right.
expect_rest()
{
	device around "/dev/mapper/$1" raw $((BAD * BLOCK)) $BLOCK
}

need_tool
device fill compressible=1 raw 0 $MIB

say 'a wrong CRC'
create_layer --raw raw --compress lz4 layer
cp layer corrupt
device flip corrupt "$(middle_of corrupt)"
stack_create crc $((MIB / SECTOR)) no_cache -- corrupt
bad_block crc
expect_counter crc crc_errors 1
expect_counter crc decompress_errors 0
expect_counter crc blocks $((MIB / BLOCK - 1))
expect_log "overlaybd: [0-9]+:[0-9]+: layer 0: block $((BAD + 1)) has a wrong CRC"
expect_rest crc
expect_counter crc crc_errors 1
# A larger read fails as a whole, once.
expect_exit 1 'Input/output error' dd if=/dev/mapper/crc of=/dev/null bs=64k \
	skip=$((BAD / 16)) count=1 iflag=direct
expect_counter crc crc_errors 2
expect_counter crc read_errors 0

say 'no_verify: what decompresses is let through'
loop_attach corrupt
dm_create unverified "0 $((MIB / SECTOR)) overlaybd 3 \
lower $LOOP $(stat -c %s corrupt) 1 no_verify" --readonly
device errors block=$BLOCK /dev/mapper/unverified >bad-blocks
expect_counter unverified crc_errors 0
if [ -s bad-blocks ]; then
	expect_counter unverified decompress_errors 1
else
	! cmp -s /dev/mapper/unverified raw || fail 'nothing is corrupt'
fi

say 'blocks that do not decompress'
create_layer --raw raw --compress zstd --no-crc layer
cp layer smashed
device smash smashed "$(middle_of smashed)" $((3 * BLOCK))
stack_create decompress $((MIB / SECTOR)) -- smashed
read -r offset length < <(device errors block=$BLOCK /dev/mapper/decompress)
expect_counter decompress decompress_errors $((length / BLOCK))
expect_counter decompress crc_errors 0
expect_log "overlaybd: [0-9]+:[0-9]+: layer 0: block $((offset / BLOCK + 1)) does not decompress"
# Of a block that is smashed in part, nobody can tell.
device around /dev/mapper/decompress raw $((offset - BLOCK)) \
	$((length + 2 * BLOCK))

# Last: for a while the kernel says nothing more of the kind.
say 'a log that is not flooded'
python3 -S -c '
import mmap, os, sys
file = os.open("/dev/mapper/crc", os.O_RDONLY | os.O_DIRECT)
memory = mmap.mmap(-1, 4096)
for _ in range(30):
    try:
        os.preadv(file, [memory], int(sys.argv[1]))
    except OSError:
        pass' $((BAD * BLOCK))
expect_counter crc crc_errors 32
[ "$(kernel_log | grep -c 'has a wrong CRC')" -lt 30 ] ||
	fail 'the log is not rate-limited'
