# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash source-path=SCRIPTDIR
# Description: overwriting in place leaves the index device alone, flushed or not
# Kernels: uml-debug
. "${0%/*}/lib.sh" || exit
. "$HERE/upper.sh"

BYTES=$((4 * MIB))
DEVICE=/dev/mapper/quiet

# statistic DEVICE FIELD...: of a disk: 5 and 7 are writes and their sectors, 12
# discards, 16 flushes.
statistic()
{
	local disk=/sys/block/${1#/dev/}/stat fields n

	shift
	read -ra fields <"$disk"
	for n; do
		say "${fields[n - 1]}"
	done
}

index_writes()
{
	statistic "$INDEX" 5 7 12 16 | xargs
}

data_flushes()
{
	statistic "$DATA" 16
}

# overwrite COUNT: sectors and more of what is written, each flushed.
overwrite()
{
	local n words=()

	for ((n = 0; n < $1; n++)); do
		words+=(write $((n * 7 * SECTOR)) $(((n % 20 + 1) * SECTOR))
			flush 0 0)
	done
	upper 'do' $DEVICE "${words[@]}"
}

new_upper quiet $BYTES
[ "$(wc -w <"/sys/block/${INDEX#/dev/}/stat")" -ge 16 ] ||
	skip 'this kernel does not count flushes'
open_upper quiet $BYTES

say 'what is new is logged, and the index flushed'
before=$(index_writes)
upper 'do' $DEVICE write 0 $MIB flush 0 0
read -ra old <<<"$before"
read -ra now < <(index_writes)
for n in 0 1 3; do
	[ "${now[n]}" -gt "${old[n]}" ] ||
		fail "the index has seen '${old[*]}', then '${now[*]}'"
done

say 'what is overwritten is not'
before=$(index_writes) flushes=$(data_flushes)
overwrite 50
expect_equal 'writes to the index, sectors, discards, flushes' \
	"$(index_writes)" "$before"
[ $(($(data_flushes) - flushes)) -ge 50 ] ||
	fail "the data has been flushed $(($(data_flushes) - flushes)) times"
dd if=/dev/zero of=$DEVICE bs=64k count=16 conv=fsync,notrunc status=none
expect_equal 'after buffered writes' "$(index_writes)" "$before"
dmsetup remove --retry quiet
expect_equal 'after its removal' "$(index_writes)" "$before"
