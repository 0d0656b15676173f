# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash source-path=SCRIPTDIR
# Description: whatever program or option of zlib has compressed, all is read right
# Kernels: uml-debug
# Timeout: 900
. "${0%/*}/lib.sh" || exit

# attach FILE NAME: LINE is a device that has all of it, and its length. NAME is the
# file that it is on.
attach()
{
	local size

	size=$(stat -c %s "$1")
	cp "$1" "$2"
	truncate -s "%$SECTOR" "$2"
	loop_attach "$2"
	LINE="$LOOP $size"
}

# show GZIP: with points anywhere, the device shows what DATA holds, at random
# places and in order. The bits of the points are added to the file "bits".
show()
{
	local span=$((4096 + RANDOM % 40000)) level=$((RANDOM % 3))
	local name=maker$((shown += 1)) option=''

	[ $((RANDOM % 2)) = 0 ] || option=' 1 no_cache'
	say "$1: span $span, level $level$option"
	"$TOOL" gzindex --span $span --level $level --out index "$1" >made
	"$TOOL" dump --entries --json index |
		sed -n 's/.*"bits": \([0-9]*\).*/\1/p' >>bits
	attach "$1" $name-gzip
	STACK="0 $(($(stat -c %s "$DATA") / SECTOR)) overlaybd-gzip $LINE"
	attach index $name-index
	dm_create $name "$STACK $LINE$option" --readonly
	device compare direct=1 reads=25 seed=$RANDOM /dev/mapper/$name "$DATA"
	expect_same /dev/mapper/$name "$DATA"
	dmsetup remove --retry $name
}

# by MAKER...: it compresses, if there is such a program.
by()
{
	if ! command -v "$1" >made; then
		say "$1 is missing: run scripts/install-deps"
		return
	fi
	"$@" <"$DATA" >made.gz
	say "$*"
	show made.gz
}

shown=0
need_tool
device fill seed=3 noise 0 70144
{ seq 18000; cat noise; head -c 80000 /dev/zero; tr '\0-\200' '\0-\17' <noise
	cat noise; } >mixed
truncate -s "%$SECTOR" mixed
DATA=mixed
for level in 1 6 9; do
	by gzip -n -$level
done
by pigz --independent --processes 2 --blocksize 128
by pigz -9 --huffman
DATA=noise
by zopfli --i1 -c /dev/stdin
DATA=mixed
mkdir zlib
helper gzmake mixed zlib
for gzip in zlib/*.gz; do
	show "$gzip"
done
expect_equal 'bits that points had' "$(sort -u bits | xargs)" '0 1 2 3 4 5 6 7'
