# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash source-path=SCRIPTDIR
# Description: whatever step of a snapshot fails, the device goes on, and nothing is left
# Kernels: uml-debug
# Timeout: 300
. "${0%/*}/lib.sh" || exit
. "$HERE/upper.sh"

# goes_on: it is as it was, and takes more.
goes_on()
{
	seed=$((seed + 1))
	! suspended || fail 'it is suspended'
	expect_equal 'the inactive table' "$(dmsetup table --inactive live)" ''
	expect_equal 'the table' "$(dmsetup table live)" "$table"
	expect_same /dev/mapper/live disk
	write_both live $seed $((seed * 1000 * SECTOR)) 20480
	expect_same /dev/mapper/live disk
}

no_new_loop()
{
	! losetup --list --noheadings --output BACK-FILE | grep -q /new
}

# refused STATUS REGEX [OPTION...]: and nothing is left.
refused()
{
	local status=$1 regex=$2

	shift 2
	expect_exit "$status" "$regex" "$TOOL" snapshot live "$@"
	[ ! -e new.data ] || fail 'a new file is left'
	[ ! -e new.index ] || fail 'a new file is left'
	[ -z "$(find . -name '.out*')" ] || fail 'a temporary file is left'
	[ ! -e out ] || fail 'a configuration is left'
	retry no_new_loop
	goes_on
}

# reopen: close it, and open it by the configuration that it had.
reopen()
{
	"$TOOL" close live
	"$TOOL" repair config >repair.log
	grep -q 'as before' repair.log || fail "$(cat repair.log)"
	"$TOOL" export config exported >export.log
	cmp exported disk
	open_image config live
	table=$(dmsetup table live)
	expect_same /dev/mapper/live disk
}

need_tool
need_commands jq
seed=0
upper=(--upper new.data new.index)
"$TOOL" create-upper --size 32M data index >create.log
echo '{ "upper": { "data": "data", "index": "index" } }' >config
truncate -s 32M disk
open_image config live
table=$(dmsetup table live)
write_both live 100 $((20 * MIB)) $MIB

# What cannot even begin.
refused 2 'upper is missing'
refused 2 'option --upper needs a value' --upper
refused 2 'needs a data and an index' --upper new.data
refused 2 "uuid is 'x'" "${upper[@]}" --uuid x
expect_exit $EXIT_NO_DEVICE 'no device none' "$TOOL" snapshot none "${upper[@]}"
touch there
refused 1 'there: is there already' --upper there new.index
refused 1 'there: is there already' --upper new.data there
refused 1 'there already' --upper data new.index
refused $EXIT_BUSY 'index is in use by the device live' --force \
	--upper new.data index
refused 1 'missing/new.index' --upper new.data missing/new.index
refused 1 'are the same' --upper new.data new.data
for file in data index; do
	refused 1 "$file is in use by the device live" "${upper[@]}" --config $file
done
for file in new.data new.index; do
	refused 1 "$file: is the input .*/$file" "${upper[@]}" --config $file
done
refused 1 'neither a file nor a block device' --upper /dev/null new.index
refused 1 'missing/out: cannot create' "${upper[@]}" --config missing/out
dmsetup suspend live
expect_exit 1 'live is suspended' "$TOOL" snapshot live "${upper[@]}"
dmsetup resume live
goes_on
ln data elsewhere
rm data
refused 1 'cannot open it: No such file' "${upper[@]}" --config out
mv elsewhere data
expect_exit 1 'not cut' "$TOOL" close live
"$TOOL" repair config >repair.log
open_image config live
table=$(dmsetup table live)

# A table that the kernel refuses when all has been sealed: the data device of
# the new upper has large blocks.
truncate -s 40M below4k
LOOP4K=$(losetup --find --show --sector-size 4096 below4k)
defer losetup --detach "$LOOP4K"
for _ in 1 2; do
	refused 1 'logical blocks of 4096 bytes' --upper "$LOOP4K" new.index \
		--config out
done
cmp -n 4096 below4k /dev/zero
reopen

# A trailer that was left is free space: nothing but what lies behind the end
# of the log, not even if the data that was freed ends where it does.
write_both live 200 $((30 * MIB)) 4608
blkdiscard -o $((30 * MIB)) -l 4608 /dev/mapper/live
device fill disk 0 0
dd if=/dev/zero of=disk bs=512 seek=$((30 * MIB / SECTOR)) count=9 \
	conv=notrunc status=none
sync /dev/mapper/live
refused 1 'logical blocks of 4096 bytes' --upper "$LOOP4K" new.index
reopen
losetup --detach "$LOOP4K"

# A table that is loaded, but cannot be used: the index of the new upper can be
# read, but takes no writes any more. The old table is loaded once more. Flushes
# are slow, so that there is time to break it.
break_index()
{
	until suspended; do
		sleep 0.05
	done
	dmsetup reload bad \
		--table "0 8192 flakey ${LOOPS[1]} 0 0 600 1 error_writes"
	dmsetup resume bad
}

need_target delay
need_target flakey
"$TOOL" close live
for file in below.data below.index slow; do
	truncate -s 40M $file
	LOOP=$(losetup --find --show $file)
	defer losetup --detach "$LOOP"
	LOOPS+=("$LOOP")
done
dm_create bad "0 8192 linear ${LOOPS[1]} 0"
dm_create slow "0 81920 delay ${LOOPS[2]} 0 0 ${LOOPS[2]} 0 0 ${LOOPS[2]} 0 2000"
"$TOOL" create-upper --size 32M --force /dev/mapper/slow index >create.log
echo '{ "upper": { "data": "/dev/mapper/slow", "index": "index" } }' >config
truncate -s 0 disk
truncate -s 32M disk
open_image config live
table=$(dmsetup table live)
write_both live 400 $MIB $MIB
break_index &
refused 1 'cannot resume live' --upper "${LOOPS[0]}" /dev/mapper/bad \
	--config out
wait $!
reopen
"$TOOL" close live
dmsetup remove --retry slow
dmsetup remove --retry bad

# A data device with no room for an index and a trailer. What is not sealed
# goes on; with more room it is.
truncate -s 20M lv
LV=$(losetup --find --show lv)
defer losetup --detach "$LV"
dm_create lv-data "0 $((2 * MIB / SECTOR)) linear $LV 0"
dm_create lv-index "0 $((2 * MIB / SECTOR)) linear $LV $((18 * MIB / SECTOR))"
"$TOOL" create-upper --size 32M /dev/mapper/lv-data /dev/mapper/lv-index \
	>create.log 2>&1
echo '{ "upper": { "data": "/dev/mapper/lv-data",
	"index": "/dev/mapper/lv-index" } }' >config
truncate -s 0 disk
truncate -s 32M disk
open_image config live
table=$(dmsetup table live)
write_both live 300 0 $((2 * MIB - 4096 - 4 * SECTOR))
for _ in 1 2; do
	expect_exit 1 'data: cannot write' "$TOOL" snapshot live "${upper[@]}"
	[ ! -e new.data ] || fail 'a new file is left'
	expect_same /dev/mapper/live disk
	expect_equal 'the table' "$(dmsetup table live)" "$table"
	write_both live 301 0 65536
done
dmsetup suspend lv-data
dmsetup reload lv-data --table "0 $((4 * MIB / SECTOR)) linear $LV 0"
dmsetup resume lv-data
"$TOOL" grow live >grow.log
"$TOOL" snapshot live "${upper[@]}" --config out --json >out.json
jq -e '.lowers[0].size > 2000000' out >/dev/null || fail "$(cat out)"
table=$(dmsetup table live)
goes_on
"$TOOL" open out live >open.log
"$TOOL" close live
open_image out live
expect_same /dev/mapper/live disk
"$TOOL" close live
