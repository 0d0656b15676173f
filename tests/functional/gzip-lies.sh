# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash source-path=SCRIPTDIR
# Description: indexes with points out of order, or with another size of the data
# Kernels: uml-debug
. "${0%/*}/lib.sh" || exit

BLOCK=65536
SIZE=$((32 * BLOCK))
NR=3			# an access point in the middle

point()
{
	helper gzindex "$@"
}

# lie FIELD CHANGE [POINT]: "lying" is the index but for that.
lie()
{
	cp index lying
	if [ $# = 3 ]; then
		point lying "$3" "$1" "$2"
	else
		python3 -S "$TREE/tests/tools/patch-gzindex.py" lying "$@"
	fi
}

# distance FIELD: from the point before, and one more
distance()
{
	say $(($(point index $NR "$1") - $(point index $((NR - 1)) "$1") + 1))
}

# refuse REASON: of the table with "lying"
refuse()
{
	refused=$((refused + 1))
	attach_whole lying "refused$refused"
	expect_exit 1 . dmsetup create refused --readonly --table \
		"0 8 overlaybd-gzip $gzip $LINE"
	expect_log "layer 0: gzip index: $1"
}

need_tool
device fill compressible=1 raw 0 $SIZE
gzip -n <raw >raw.gz
"$TOOL" gzindex --span 256K --level 0 --out index raw.gz >made
attach_whole raw.gz gzip
gzip=$LINE
refused=0

say 'points out of order'
lie data_pos -"$(distance data_pos)" $NR
refuse "point $NR: data position is [0-9]*, expected $(point index $((NR - 1)) data_pos) to"
lie gzip_pos -"$(distance gzip_pos)" $NR
refuse "point $NR: gzip position is [0-9]*, expected $(point index $((NR - 1)) gzip_pos) to"
lie data_pos $SIZE $((NR - 1))
refuse "point $((NR - 1)): data position is [0-9]*, expected .* to $SIZE"
lie data_pos 1 0
refuse 'point 0: data position is 1, expected 0'
lie gzip_pos -10 0
refuse 'point 0: gzip position is 0, expected 1 to'

say 'more data than there is'
# In the last block of what is there the member ends, which is too early.
end=$((SIZE - BLOCK))
for more in $BLOCK $((2 * MIB)); do
	lie data_size "$more"
	gzip_create "more$more" $((SIZE + more)) raw.gz lying
	expect_equal 'what cannot be read' \
		"$(device errors block=$BLOCK "/dev/mapper/more$more")" \
		"$end $((more + BLOCK))"
	[ "$(single_counter "more$more" decompress_errors)" -gt 0 ] ||
		fail 'no error was counted'
	expect_log "layer 0: gzip: does not inflate to byte $end as the index says"
	cmp -n $end "/dev/mapper/more$more" raw
done
lie data_size $((1032 * $(stat -c %s raw.gz)))
refuse 'data_size is [0-9]*, too much for [0-9]* bytes of gzip'
cp index plain
"$TOOL" gzindex --span 256K --level 0 --checksums --out index raw.gz >made
lie data_size $BLOCK
refuse 'CRC of the checksums is'
mv plain index

say 'less data than there is'
less=10007
lie data_size -$less
gzip_create less $((SIZE - less)) raw.gz lying
head -c $((SIZE - less)) raw >wanted
truncate -s "%$SECTOR" wanted
device compare direct=1 reads=30 /dev/mapper/less wanted
expect_same /dev/mapper/less wanted
expect_equal errors "$(single_counter less decompress_errors)" 0
lie data_size -$((SIZE - $(point index $NR data_pos) + 1))
refuse "point $NR: data position is [0-9]*, expected [0-9]* to $(($(point index $NR data_pos) - 1))"
