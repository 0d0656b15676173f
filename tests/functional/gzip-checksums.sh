# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash source-path=SCRIPTDIR
# Description: data of gzip files that inflates, but is wrong, is found out by checksums
# Leaks: watched
. "${0%/*}/lib.sh" || exit

BLOCK=65536
BAD=20
SIZE=$((2 * MIB + 1000))

# read_block NAME BLOCK
read_block()
{
	dd if="/dev/mapper/$1" of=/dev/null bs=4k count=1 status=none \
		iflag=direct,skip_bytes skip=$(($2 * BLOCK + 4096))
}

# attach_gzip NAME INDEX [OPTION...]
attach_gzip()
{
	gzip_create "$1" $SIZE bad.gz "${@:2}"
}

need_tool
device fill seed=3 raw 0 $SIZE
# Stored blocks, so that a byte of the file is a byte of the data.
python3 -S -c '
import sys, zlib
c = zlib.compressobj(0, zlib.DEFLATED, 31)
data = open("raw", "rb").read()
sys.stdout.buffer.write(c.compress(data) + c.flush())' >raw.gz
"$TOOL" gzindex --span 1M --checksums --out index raw.gz >gzindex.log
"$TOOL" gzindex --span 256K --out unchecked raw.gz >gzindex.log
gzip_create good $SIZE raw.gz index
cmp -n $SIZE /dev/mapper/good raw
expect_equal 'CRC errors' "$(single_counter good crc_errors)" 0
expect_equal 'unverified' "$(single_counter good unverified)" 0

cp raw.gz bad.gz
device flip bad.gz $((BAD * BLOCK + 30000))

say 'a wrong block that is passed by is nobody'"'"'s error'
attach_gzip passing index
read_block passing $((BAD + 2))
expect_equal 'CRC errors' "$(single_counter passing crc_errors)" 0
blocks=$(single_counter passing blocks)
[ "$blocks" -gt 2 ] || fail 'it was not passed by'
# The others are in the cache: checked there, not inflated again.
read_block passing $((BAD - 1))
read_block passing $((BAD + 1))
expect_equal blocks "$(single_counter passing blocks)" "$blocks"
expect_exit 1 'Input/output error' read_block passing $BAD

say 'one block is wrong'
attach_gzip bad index
device errors block=$BLOCK /dev/mapper/bad >errors
expect_equal 'what cannot be read' "$(cat errors)" "$((BAD * BLOCK)) $BLOCK"
expect_equal 'CRC errors' "$(single_counter bad crc_errors)" 1
expect_equal 'decompression errors' "$(single_counter bad decompress_errors)" 0
expect_log "layer 0: gzip: the data from byte $((BAD * BLOCK)) on has a wrong CRC"
cp raw padded
truncate -s "%$SECTOR" padded
device around /dev/mapper/bad padded $((BAD * BLOCK)) $BLOCK

say 'who does not check has it, and does not hand it to those who do'
dmsetup create lax --readonly --table "$STACK 1 no_verify"
defer dmsetup remove --retry lax
read_block lax $BAD
expect_exit 1 'Input/output error' read_block bad $BAD

say 'nor if there is no cache: what was inflated for one is checked for the other'
stack=$STACK
for name in 'lax 2 no_verify no_cache' 'strict 1 no_cache'; do
	dmsetup remove --retry "${name%% *}" 2>/dev/null || true
	dmsetup create "${name%% *}" --readonly --table "$stack ${name#* }"
done
defer dmsetup remove --retry strict
for block in 1 $BAD; do
	read_block lax "$block"
	blocks=$(single_counter lax blocks)
	[ "$block" = $BAD ] || read_block strict "$block"
	[ "$block" = 1 ] ||
		expect_exit 1 'Input/output error' read_block strict "$block"
	read_block lax "$block"
	expect_equal 'blocks' "$(single_counter lax blocks)" "$blocks"
	expect_equal 'blocks of the other' "$(single_counter strict blocks)" 0
done
expect_equal 'CRC errors' "$(single_counter strict crc_errors)" 1

say 'without checksums nobody knows'
attach_whole unchecked unchecked-index
dmsetup create unchecked --readonly --table \
	"${STACK%/dev/mapper/bad-index*}$LINE"
defer dmsetup remove --retry unchecked
expect_equal 'unverified' "$(single_counter unchecked unverified)" 1
read_block unchecked $BAD
! cmp -n $SIZE -s /dev/mapper/unchecked raw || fail 'nothing is wrong'

say 'checksums that are wrong themselves'
python3 -S -c '
import struct
index = bytearray(open("index", "rb").read())
offset = struct.unpack_from("<Q", index, 57 + 16)[0]
index[offset] ^= 1
open("index2", "wb").write(index)'
attach_whole index2 index2
expect_exit 1 . dmsetup create refused --readonly --table \
	"${STACK%/dev/mapper/bad-index*}$LINE"
expect_log 'layer 0: gzip index: CRC of the checksums is 0x'
