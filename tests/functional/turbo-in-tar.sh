# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash source-path=SCRIPTDIR
# Description: metadata of OCI layers inside tar archives, as registries have it
# Kernels: uml-debug
. "${0%/*}/lib.sh" || exit
. "$HERE/turbo.sh"

# wrap IN OUT: in a tar whose PAX header alone tells the size
wrap()
{
	python3 -S - "$1" "$2" <<-'PYTHON'
		import sys


		def header(name, kind, size):
		    block = bytearray(512)
		    block[:len(name)] = name
		    block[100:108] = b"0000444\0"
		    block[124:136] = b"%011o\0" % size
		    block[148:156] = b" " * 8
		    block[156:157] = kind
		    block[257:265] = b"ustar\x0000"
		    block[148:155] = b"%06o\0" % sum(block)
		    return block


		with open(sys.argv[1], "rb") as file:
		    blob = file.read()
		record = b"%d size=%d\n" % (len(b"NN size=\n%d" % len(blob)), len(blob))
		with open(sys.argv[2], "wb") as out:
		    out.write(header(b"pax", b"x", len(record)))
		    out.write(record.ljust(512, b"\0"))
		    out.write(header(b"overlaybd.commit", b"0", 0))
		    out.write(blob)
		    out.write(bytes(-len(blob) % 512 + 1024))
	PYTHON
}

need_tool
need_commands mke2fs tar jq
mkdir -p tree/folder
device fill compressible=1 tree/one 0 $((2 * MIB + 1000))
device fill seed=2 tree/folder/two 0 70001
tar -czf files.tar.gz tree
TARGET=(files.tar.gz)
for options in '' '--compress zstd'; do
	# shellcheck disable=SC2086	# two words
	add_layer 0 --size 16M $options
	mv meta-0 meta
	"$TOOL" dump meta >made
	! grep -q 'tar member' made || fail "$(cat made)"
	wrap meta pax
	# shellcheck disable=SC2086	# two words
	"$TOOL" turbo --size 16M --tar $options --out ustar files.tar.gz >made
	cp meta meta-0
	"$TOOL" export image-1.json disk >made
	for form in pax ustar; do
		say "$form $options"
		cp $form meta-0
		cmp -s meta meta-0 && fail 'it is the same'
		open_image image-1.json box
		cmp /dev/mapper/box disk
		"$TOOL" close box
		"$TOOL" verify image-1.json >made || fail "$(cat made)"
	done
done
