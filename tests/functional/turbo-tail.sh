# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash source-path=SCRIPTDIR
# Description: behind the end of a file of an OCI layer, its last block is zeros
# Kernels: uml-debug
. "${0%/*}/lib.sh" || exit
. "$HERE/turbo.sh"

BLOCK=4096
FILES=(1 511 700 4097 8191)

# make_tar FILE SIZE...: files of these sizes, called so; what a tar has behind each to
# the end of a sector is not zeros.
make_tar()
{
	python3 - "$@" <<-'PYTHON'
		import io, random, sys, tarfile

		with open(sys.argv[1], "wb") as out:
		    for size in map(int, sys.argv[2:]):
		        info = tarfile.TarInfo(str(size))
		        info.size = size
		        out.write(info.tobuf())
		        out.write(random.Random(size).randbytes(size))
		        out.write(b"\xee" * (-size % 512))
		    out.write(bytes(1024))
	PYTHON
}

# check_tail NAME: a file's last block, on the device
check_tail()
{
	local last size rest

	size=$(stat -c %s "wanted/$1")
	rest=$((size % BLOCK))
	last=$(debugfs -R "blocks /$1" /dev/mapper/box 2>log | tr -s ' ' '\n' |
		grep . | tail -n 1)
	dd if=/dev/mapper/box bs=$BLOCK skip="$last" count=1 iflag=direct \
		status=none >block
	tail -c $rest "wanted/$1" | cmp -n $rest - block
	cmp -n $((BLOCK - rest)) -i "$rest:0" block /dev/zero ||
		fail "$1: there is something behind its end"
}

need_tool
need_commands python3 mke2fs debugfs tar
mkdir wanted
make_tar layer.tar "${FILES[@]}"
tar -C wanted -xf layer.tar
gzip -n <layer.tar >layer.gz
for target in layer.tar layer.gz; do
	say $target
	TARGET=("$target")
	add_layer 0 --size 16M
	open_image image-1.json box
	for name in "${FILES[@]}"; do
		check_tail "$name"
	done
	"$TOOL" close box
done
