# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash source-path=SCRIPTDIR
# Description: an upper on disks that lose, fail or corrupt what is written
# Kernels: uml-debug
# Timeout: 900
. "${0%/*}/lib.sh" || exit
# shellcheck source=../crash/stack.sh
. "$TREE/tests/crash/stack.sh"

SECTORS=8192
DATA=$((SECTORS + 1024))
INDEX=2048

# The tables of the disk: without faults, and with some in a part of it.
tables()
{
	say "0 $((DATA + INDEX)) linear $LOOP 0" >good
	say "0 $((DATA + INDEX)) flakey $LOOP 0 0 600 1 drop_writes" >drops
	say "0 $DATA linear $LOOP 0
$DATA $INDEX flakey $LOOP $DATA 0 600 1 error_writes" >index-errors
	say "0 $DATA flakey $LOOP 0 0 600 1 error_writes
$DATA $INDEX linear $LOOP $DATA" >data-errors
	say "0 64 linear $LOOP 0
64 $((DATA / 2)) error
$((DATA / 2 + 64)) $((DATA / 2 + INDEX - 64)) linear $LOOP $((DATA / 2 + 64))" \
		>bad-half
	say "0 $DATA linear $LOOP 0
$DATA $INDEX flakey $LOOP $DATA 0 600 5 corrupt_bio_byte 5 w 255 0" >corrupts
}

# use TABLE: by the disk, from now on.
use()
{
	say "dmsetup load disk $WORK/$1 && dmsetup resume disk"
}

open_upper()
{
	dm_create load "$(upper_table disk $SECTORS)" "$@"
}

# fresh NAME: an empty upper, "load"; the disk has no faults.
fresh()
{
	say "$1"
	cp start disk
	loop_writable disk
	tables
	dm_create disk "$(cat good)"
	split_disk disk /dev/mapper/disk $DATA
	open_upper
}

gone()
{
	! dmsetup info load >/dev/null 2>&1 || dmsetup remove --retry load
	unsplit_disk disk
	dmsetup remove --retry disk
	losetup --detach "$LOOP"
}

# reopen [OPTION]...: remove it, make the disk whole, see that all is there that
# has to be, and that it goes on.
reopen()
{
	dmsetup remove --retry load
	sh -c "$(use good)"
	open_upper
	"$CRASH/crash-check" "$@" /dev/mapper/load history
	expect_equal mode "$(upper_counter load mode)" rw
	crash_load --ops 200 --generation 2 /dev/mapper/load history2
	"$CRASH/crash-check" --live /dev/mapper/load history2
	dmsetup remove --retry load
	open_upper
	"$CRASH/crash-check" --live /dev/mapper/load history2
}

events()
{
	dmsetup info -c --noheadings -o events load
}

# fails TABLE: it goes on reading, and promises nothing any more.
fails()
{
	local before

	before=$(events)
	crash_load --ops 1200 --may-fail --cut 300 "$(use "$1")" \
		/dev/mapper/load history >load.log
	cat load.log
	! grep -q ' 0 failed' load.log || fail 'nothing has failed'
	expect_equal mode "$(upper_counter load mode)" failed
	[ "$(events)" -gt "$before" ] || fail 'there was no event'
	"$CRASH/crash-check" --live /dev/mapper/load history
	expect_exit 1 'Input/output error' dd if=raw of=/dev/mapper/load \
		bs=4096 count=1 oflag=direct
	sh -c "$(use good)"
	expect_exit 1 'Input/output error' sync /dev/mapper/load
	"$CRASH/crash-check" --live /dev/mapper/load history
	reopen --honest
}

# survives: what is on the disk makes sense or does not, but nothing worse.
survives()
{
	if dmsetup create load --table "$(upper_table disk $SECTORS)" "$@"; then
		dd if=/dev/mapper/load of=/dev/null bs=64K iflag=direct || true
		dmsetup remove --retry load
	else
		expect_log 'overlaybd: .*(index|log|data)'
	fi
}

need_tool
need_crash_tools
need_target flakey
crash_folder
lower_image $SECTORS
blank_upper $SECTORS $DATA $INDEX
say "seed $SEED"

fresh 'the power fails'
crash_load --ops 1200 --cut 300 "$(use drops)" /dev/mapper/load history
"$CRASH/crash-check" --live /dev/mapper/load history >live.log &&
	fail 'it does not'
reopen
gone

fresh 'the index cannot be written'
fails index-errors
gone

fresh 'the data cannot be written'
fails data-errors
gone

fresh 'a part of the data cannot be written'
crash_load --ops 1200 --may-fail --cut 300 "$(use bad-half)" \
	/dev/mapper/load history
expect_equal mode "$(upper_counter load mode)" rw
sh -c "$(use good)"
"$CRASH/crash-check" --live /dev/mapper/load history
reopen --live
gone

fresh 'the index is not what was written'
crash_load --ops 600 --cut 150 "$(use corrupts)" /dev/mapper/load history
dmsetup remove --retry load
sh -c "$(use good)"
survives
survives --readonly
open_upper || open_upper --readonly || true
gone

fresh 'the index is not read as it is'
crash_load --ops 300 /dev/mapper/load history
dmsetup remove --retry load
for byte in 1 9 57 4100 4104 4110 4111; do
	say "0 $DATA linear $LOOP 0
$DATA $INDEX flakey $LOOP $DATA 0 600 5 corrupt_bio_byte $byte r 255 0" >misreads
	sh -c "$(use misreads)"
	survives --readonly
done
sh -c "$(use good)"
open_upper
"$CRASH/crash-check" --live /dev/mapper/load history
gone
