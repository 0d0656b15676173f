# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash source-path=SCRIPTDIR
# Description: wrong gzip files and indexes cost reads, which fail and are counted
# Kernels: uml-debug
. "${0%/*}/lib.sh" || exit

SIZE=$((6 * MIB))
LAST=3			# an access point in the middle

point()
{
	helper gzindex "$@"
}

# show NAME GZIP INDEX
show()
{
	gzip_create "$1" $SIZE "$2" "$3" no_cache
}

# expect_errors NAME: some of the device cannot be read, and that is counted; the
# beginning can.
expect_errors()
{
	local n

	device errors block=65536 "/dev/mapper/$1" >errors
	[ -s errors ] || fail "$1: everything can be read"
	n=$(single_counter "$1" decompress_errors)
	[ "$n" -gt 0 ] || fail "$1: no error was counted"
	expect_log "layer 0: gzip: does not inflate to byte [0-9]* as the index says"
	cmp -n 65536 "/dev/mapper/$1" raw
}

need_tool
device fill compressible=1 raw 0 $SIZE
gzip -n <raw >raw.gz
"$TOOL" gzindex --span 1M --level 0 --out index raw.gz >gzindex.log

say 'a file that is not what was indexed, from the middle on'
cp raw.gz smashed.gz
at=$(point index $LAST gzip_pos)
device smash smashed.gz $((at + 1000)) 20000
show smashed smashed.gz index
expect_errors smashed
# Only what is inflated from that point on, in blocks of 64 KiB.
read -r begin _ < <(head -n 1 errors)
read -r offset length < <(tail -n 1 errors)
end=$((offset + length))
[ "$begin" -ge $(($(point index $LAST data_pos) / 65536 * 65536)) ] ||
	fail "from $begin on nothing can be read"
[ "$end" -le $(($(point index $((LAST + 1)) data_pos) + 65536)) ] ||
	fail "up to $end nothing can be read"
device around /dev/mapper/smashed raw "$begin" $((end - begin))

say 'points that are not where the index says'
for change in 'data_pos 1' 'data_pos -1' 'data_pos 70000' 'data_pos -70000' \
	'gzip_pos 1' 'gzip_pos -1' 'gzip_pos 3000' 'gzip_pos -3000'; do
	cp index lying
	# shellcheck disable=SC2086	# two words
	point lying $LAST $change
	name=$(tr -d ' -' <<<"lying-$change-${#change}")
	show "$name" raw.gz lying
	expect_errors "$name"
	dmsetup remove --retry "$name"
done

say 'bits and windows that are wrong'
for change in 'window_pos 4096' 'window_size -4000'; do
	cp index lying
	# shellcheck disable=SC2086	# two words
	point lying $LAST $change
	name=window-${#change}
	show "$name" raw.gz lying
	# Wrong bytes may inflate all the same; nothing else may happen.
	device errors block=65536 "/dev/mapper/$name" >errors
	cmp -n $MIB "/dev/mapper/$name" raw
done

say 'indexes that are refused'
refused=0
refuse()
{
	local gzip=$1 index=$2 reason=$3

	refused=$((refused + 1))
	attach_whole "$gzip" "refused$refused-gzip"
	gzip=$LINE
	attach_whole "$index" "refused$refused-index"
	expect_exit 1 . dmsetup create refused --readonly --table \
		"0 8 overlaybd-gzip $gzip $LINE"
	expect_log "$reason"
}
cp index bad
point bad $LAST bits 8
refuse raw.gz bad 'layer 0: gzip index: point 3: bits is [0-9]*, expected 0 to 7'
cp index bad
point bad $LAST data_pos $((2 * SIZE))
refuse raw.gz bad 'layer 0: gzip index: point 3: data position is'
cp index bad
point bad $LAST window_size 100000
refuse raw.gz bad 'layer 0: gzip index: point 3: window has'
head -c -1 index >bad
refuse raw.gz bad 'layer 0: gzip index: index_size is'
head -c -512 raw.gz >bad.gz
refuse bad.gz index 'layer 0: gzip index: gzip_size is'
attach_whole index whole
loop_attach raw.gz
expect_exit 1 . dmsetup create refused --readonly --table \
	"0 8 overlaybd-gzip $LOOP $(stat -c %s raw.gz) $LINE"
expect_log 'layer 0: gzip: length is .* last bytes must be joined'
