# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash source-path=SCRIPTDIR
# Description: a layer as eStargz has it: a member for each file, a footer
# Kernels: uml-debug
. "${0%/*}/lib.sh" || exit
. "$HERE/turbo.sh"

FILES=300

# make_layer FILE: a tar in which each entry is gzip members of its own, a large file
# several. The last entry tells where the others are, and the footer, a member without
# data, tells in a field of its header where that entry is.
make_layer()
{
	python3 - "$1" $FILES <<-'PYTHON'
		import io, random, struct, sys, tarfile, zlib

		PIECE = 60000
		rng = random.Random(1)
		out = open(sys.argv[1], "wb")


		def member(data):
		    deflate = zlib.compressobj(9, zlib.DEFLATED, 31)
		    out.write(deflate.compress(data) + deflate.flush())


		def entry(name, data):
		    info = tarfile.TarInfo(name)
		    info.size = len(data)
		    member(info.tobuf(tarfile.USTAR_FORMAT))
		    for at in range(0, len(data), PIECE):
		        member(data[at:at + PIECE])
		    if len(data) % 512:
		        member(bytes(-len(data) % 512))


		for n in range(int(sys.argv[2])):
		    noise = rng.randbytes(rng.randrange(1500))
		    entry(f"folder-{n % 7}/file-{n}", noise + b"text " * (n % 500))
		entry("large", rng.randbytes(250000) + b"more text " * 30000)
		toc = out.tell()
		entry("stargz.index.json", b'{"version":1,"entries":[]}')
		member(bytes(1024))
		extra = b"SG" + struct.pack("<H", 22) + b"%016xSTARGZ" % toc
		out.write(b"\x1f\x8b\x08\x04" + bytes(5) + b"\xff")
		out.write(struct.pack("<H", len(extra)) + extra)
		out.write(b"\x01\0\0\xff\xff" + bytes(8))
	PYTHON
}

need_tool
need_commands python3 jq mke2fs e2fsck
need_filesystem ext4
make_layer layer.tar.gz
gzip -dc layer.tar.gz >layer.tar || fail 'it is no gzip file'
size=$(stat -c %s layer.tar)

say 'the gzip file'
"$TOOL" gzindex --json --checksums layer.tar.gz >made
members=$(jq .members made)
[ "$members" -gt $((2 * FILES)) ] || fail "$members members"
expect_equal 'points' "$(jq '.points >= .members - 1' made)" true
"$TOOL" verify --gzip-index layer.tar.gz.gzindex layer.tar.gz >made ||
	fail "$(cat made)"
gzip_create members "$size" layer.tar.gz layer.tar.gz.gzindex
device compare direct=1 reads=60 /dev/mapper/members layer.tar
expect_same /dev/mapper/members layer.tar

say 'a layer of it'
TARGET=(layer.tar.gz)
add_layer 0 --size 64M
plain_root
python3 "$HERE/oci.py" unpack unpacked layer.tar.gz
"$TOOL" verify image-1.json >made || fail "$(cat made)"
mkdir mapped
defer umount mapped
open_image image-1.json box
e2fsck -fn /dev/mapper/box >fsck.log 2>&1 || fail "$(cat fsck.log)"
mount -t ext4 -o ro /dev/mapper/box mapped
expect_unpacked mapped
umount mapped
"$TOOL" close box
