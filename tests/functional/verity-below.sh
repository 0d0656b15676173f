# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash source-path=SCRIPTDIR
# Description: layers that lie on dm-verity devices
. "${0%/*}/lib.sh" || exit

# verity_open NAME FILE BLOCK: dm-verity wants whole blocks.
verity_open()
{
	truncate -s "%$3" "$2"
	ROOT=$(veritysetup format --data-block-size="$3" "$2" "$2.hashes" |
		awk '/^Root hash:/ { print $3 }')
	defer veritysetup close "$1"
	veritysetup open "$2" "$1" "$2.hashes" "$ROOT"
}

need_tool
need_commands veritysetup
need_target verity
device fill compressible=1 raw 0 $MIB
cp raw lower
device smash lower 70000 5000
create_layer --raw lower --compress zstd layer0
create_layer --raw raw --base lower layer1
bytes=$(stat -c %s layer0)
bytes1=$(stat -c %s layer1)
verity_open below0 layer0 512
root0=$ROOT
# A loop device makes sectors of its blocks of 4096 bytes.
verity_open below1 layer1 4096
expect_exit 1 . dmsetup create blocks --readonly --table \
	"0 8 overlaybd 3 lower /dev/mapper/below1 $bytes1"
expect_log 'layer 0: device /dev/mapper/below1 has logical blocks of 4096 bytes'
loop_attach /dev/mapper/below1 --sector-size 512
dm_create verified "0 2048 overlaybd 6 lower /dev/mapper/below0 $bytes \
lower $LOOP $bytes1" --readonly
cmp /dev/mapper/verified raw
device compare direct=1 threads=2 /dev/mapper/verified raw
dmsetup remove --retry verified

# verity refuses what has been changed before anybody decompresses it.
veritysetup close below0
device flip layer0 $((bytes / 2))
veritysetup open layer0 below0 layer0.hashes "$root0"
dm_create verified "0 2048 overlaybd 3 lower /dev/mapper/below0 $bytes" \
	--readonly
[ -n "$(device errors /dev/mapper/verified)" ] || fail 'everything is readable'
expect_counter verified crc_errors 0
[ "$(counter verified read_errors)" -gt 0 ] || fail 'no read error'
