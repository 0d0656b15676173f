# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash source-path=SCRIPTDIR
# Description: what inflates to very much, or to nothing, does not hold up the others
# Kernels: uml-debug
. "${0%/*}/lib.sh" || exit

MIBS=1024		# of zeros that one read has to inflate
EMPTY=3000000		# blocks of nothing before a byte: almost 16 MiB
CACHE=8

# zeros FILE MIBS: a gzip file of so many zeros. Only of one MiB its CRC is right:
# gzindex makes an index with a single point of that.
zeros()
{
	python3 -S -c '
import struct, sys, zlib
deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
mib = deflate.compress(bytes(1 << 20)) + deflate.flush(zlib.Z_FULL_FLUSH)
nr = int(sys.argv[2])
with open(sys.argv[1], "wb") as out:
    out.write(b"\x1f\x8b\x08" + bytes(7))
    out.write(mib * nr)
    out.write(deflate.flush())
    out.write(struct.pack("<II", zlib.crc32(bytes(1 << 20)), 1 << 20))
' "$@"
}

# empty FILE BLOCKS: a gzip file of "raw", with blocks of no byte in the middle
empty()
{
	python3 -S -c '
import sys, zlib
deflate = zlib.compressobj(6, zlib.DEFLATED, 31)
with open("raw", "rb") as file, open(sys.argv[1], "wb") as out:
    half = file.seek(0, 2) // 2
    file.seek(0)
    out.write(deflate.compress(file.read(half)))
    out.write(deflate.flush(zlib.Z_FULL_FLUSH))
    out.write(b"\0\0\0\xff\xff" * int(sys.argv[2]))
    out.write(deflate.compress(file.read()) + deflate.flush())
' "$@"
}

# bomb MIBS: zeros.gz and its index, of a single point
bomb()
{
	zeros zeros.gz "$1"
	cp mib.index index
	python3 -S "$TREE/tests/tools/patch-gzindex.py" index \
		gzip_size $(($(stat -c %s zeros.gz) - $(stat -c %s mib.gz))) \
		data_size $((($1 - 1) * MIB))
}

# meanwhile NAME BYTE: while the block there is read, others go on, and there is as
# much memory as before. What inflates has the highest priority: on a single CPU
# the others need the same.
meanwhile()
{
	local took longest gone

	renice -n -20 $BASHPID >renice.log
	read -r took longest gone < <(device beside "/dev/mapper/$1" "$2" \
		/dev/mapper/other)
	say "$took ms, others waited $longest ms, $gone MiB were gone"
	[ "$longest" -le $((1000 + took / 2)) ] ||
		fail "while a read took $took ms, another one waited $longest ms"
	[ "$gone" -le $((CACHE + 256)) ] || fail "$gone MiB of memory were gone"
}

# block NAME BYTE: prints the 4096 bytes there
block()
{
	dd if="/dev/mapper/$1" bs=4096 count=1 iflag=direct,skip_bytes skip="$2" \
		status=none
}

# refuse GZIP REASON
refuse()
{
	attach_whole "$1" "refused-$1"
	gzip=$LINE
	attach_whole index "refused-$1-index"
	expect_exit 1 . dmsetup create refused --readonly --table \
		"0 8 overlaybd-gzip $gzip $LINE"
	expect_log "$2"
}

need_tool
cache_limit $CACHE
device fill compressible=1 raw 0 $MIB
gzip -n <raw >raw.gz
"$TOOL" gzindex --out index raw.gz >made
gzip_create other $MIB raw.gz index no_cache
zeros mib.gz 1
"$TOOL" gzindex --span 1G --level 0 --out mib.index mib.gz >made

say 'zeros'
bomb $MIBS
gzip_create zeros $((MIBS * MIB)) zeros.gz index
meanwhile zeros $((MIBS * MIB - 4096))
block zeros $((MIBS * MIB / 2 - 512)) | cmp -n 4096 - /dev/zero
[ "$(cache_bytes)" -le $((CACHE * MIB)) ] || fail "$(cache_bytes) bytes are kept"

say 'nothing'
empty empty.gz $EMPTY
"$TOOL" gzindex --span 1G --out index empty.gz >made
gzip_create empty $MIB empty.gz index
meanwhile empty $((MIB - 4096))
block empty $((MIB - 4096)) | cmp - <(tail -c 4096 raw)

say 'what is too much'
bomb 4097
refuse zeros.gz 'point 0: 4296015872 bytes of data follow without another'

say 'more of nothing than there may be'
empty much.gz $((4 * EMPTY))
"$TOOL" gzindex --span 1G --out index much.gz >made
gzip_create much $MIB much.gz index
expect_exit 1 'Input/output error' block much $((MIB - 4096))
[ "$(single_counter much decompress_errors)" -gt 0 ] || fail 'it is not counted'
