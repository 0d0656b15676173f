# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash source-path=SCRIPTDIR
# Description: gzip files of every kind read right, from the middle as well
# Kernels: uml-debug
. "${0%/*}/lib.sh" || exit

# show NAME GZIP INDEX FILE: the device shows what the file holds, and zeros up
# to the end of its last sector.
show()
{
	local size

	size=$(stat -c %s "$4")
	gzip_create "$1" "$size" "$2" "$3"
	cp "$4" "$1.padded"
	truncate -s "%$SECTOR" "$1.padded"
	device compare direct=1 reads=60 threads=3 "/dev/mapper/$1" "$1.padded"
	expect_same "/dev/mapper/$1" "$1.padded"
	expect_equal "table of $1" "$(dmsetup table "$1" | sed 's/[0-9]*:[0-9]*/D/g')" \
		"$(sed 's|/dev/[^ ]*|D|g' <<<"$STACK")"
	dmsetup remove --retry "$1"
}

need_fixtures
need_tool
for case in gzip-only gzip-equal-points; do
	gunzip -c <"$FIXTURES/$case/data.gz" >"$case"
	show $case "$FIXTURES/$case/data.gz" "$FIXTURES/$case/gzip.meta" $case
done

# Compressible and not, in one, and not to the end of a sector.
device fill seed=1 compressible=1 mixed 0 $((2 * MIB))
device fill seed=2 mixed $((2 * MIB)) $((MIB + 100))
device fill seed=3 compressible=1 mixed $((3 * MIB + 100)) $((2 * MIB + 7))
for level in 1 6 9; do
	gzip -n -$level <mixed >mixed.gz
	"$TOOL" gzindex --span 64K --out index mixed.gz >gzindex.log
	show level$level mixed.gz index mixed
done

# Without compressed windows, and with a span that no window bounds.
"$TOOL" gzindex --span 4K --level 0 --out index mixed.gz >gzindex.log
show raw mixed.gz index mixed
"$TOOL" gzindex --span 1G --out index mixed.gz >gzindex.log
show one mixed.gz index mixed

# Members, one of them empty, one in the middle of a block of the cache.
{
	head -c 100000 mixed | gzip -n
	gzip -n </dev/null
	tail -c +100001 mixed | gzip -n -1
} >members.gz
"$TOOL" gzindex --span 256K --out index members.gz >gzindex.log
show members members.gz index mixed
