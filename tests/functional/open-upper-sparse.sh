# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash source-path=SCRIPTDIR
# Description: a sparse upper is opened and written, and no discard is forgotten
# Kernels: uml-debug
. "${0%/*}/lib.sh" || exit
. "$HERE/upper.sh"

BYTES=$((3 * MIB))
DEVICE=/dev/mapper/sparse

# discard [OFFSET LENGTH]...: of the device, and as zeros in the file.
discard()
{
	local words=()

	while [ $# -gt 0 ]; do
		words+=(discard "$1" "$2")
		fallocate --punch-hole --offset "$1" --length "$2" disk
		shift 2
	done
	upper 'do' $DEVICE "${words[@]}" flush 0 0
}

# write OFFSET LENGTH: of noise, to both.
write()
{
	local to

	for to in $DEVICE disk; do
		dd if=noise of="$to" bs=$SECTOR seek=$(($1 / SECTOR)) \
			count=$(($2 / SECTOR)) skip=$(($1 % 977)) \
			conv=notrunc,fsync status=none
	done
}

flags()
{
	od -An -t x4 -j 28 -N 4 data | tr -d ' '
}

need_tool
# Half of what is written below hits pages that it holds, half the layer below.
device fill base 0 $BYTES
device fill seed=2 noise 0 $MIB
create_layer --raw base layer0
python3 "$TREE/tests/tools/make-upper.py" sparse 1 base data index disk
! cmp -s base disk || fail 'it holds nothing'
expect_equal 'flags of the data' "$(flags)" 00000013
cat >config <<END
{ "lowers": [ { "file": "layer0" } ],
  "upper": { "data": "data", "index": "index" } }
END

say 'it has no log: to be opened, it gets one'
expect_exit 1 'is sparse.*repair' "$TOOL" open --read-only config sparse
open_image config sparse
expect_equal 'flags of the data' "$(flags)" 00000003
expect_same $DEVICE disk

say 'pages and parts of pages'
words=("$MIB" 262144)
for n in {0..15}; do
	words+=($((n * 65536 + 1024)) $(((n % 9 + 1) * SECTOR)))
done
discard "${words[@]}"
for n in {0..15}; do
	write $((2 * MIB + n * 32768 + 1536)) $(((n % 9 + 1) * SECTOR))
done
write $((MIB + 12288)) 8192
discard $((2 * MIB + 65536)) 262144
expect_same $DEVICE disk

say 'closed, opened again'
"$TOOL" close sparse
open_image config sparse
expect_same $DEVICE disk
write $((MIB + 65536)) $SECTOR
discard 0 $SECTOR
"$TOOL" close sparse
"$TOOL" export config exported >export.log
cmp exported disk
open_image config sparse --read-only
expect_same $DEVICE disk
