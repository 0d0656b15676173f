# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash source-path=SCRIPTDIR
# Description: no snapshot of an upper whose last writes do not reach the log
# Kernels: uml-debug
. "${0%/*}/lib.sh" || exit
. "$HERE/upper.sh"

SECTORS=$((8 * MIB / SECTOR))
DEVICE=/dev/mapper/live

break_index()
{
	replace_table index "0 $SECTORS flakey $index 0 0 600 1 error_writes"
}

mend_index()
{
	replace_table index "0 $SECTORS linear $index 0"
}

# while_made FUNCTION: call it when the old upper has been flushed for the last
# time, and the new one is being made, which takes long.
while_made()
{
	until [ -e new.index ]; do
		sleep 0.05
	done
	upper 'do' $DEVICE write $MIB 65536
	"$1"
}

# The log fails once only, and nobody who has written has asked for it.
fail_once()
{
	break_index
	dmsetup suspend --nolockfs --noflush live
	mend_index
	dmsetup resume live
}

# refused FUNCTION: that comes in between, and nothing is left of the snapshot.
refused()
{
	local table

	table=$(dmsetup table live)
	while_made "$1" &
	expect_exit 1 'log lacks what was written last: its upper is failed' \
		"$TOOL" snapshot live --upper /dev/mapper/slow new.index \
		--config out
	wait $!
	[ ! -e new.index ] || fail 'a new file is left'
	[ ! -e out ] || fail 'a configuration is left'
	! suspended || fail 'it is suspended'
	expect_equal 'the inactive table' "$(dmsetup table --inactive live)" ''
	expect_equal 'the table' "$(dmsetup table live)" "$table"
	# Who has not been told yet is told.
	expect_exit 1 EIO upper 'do' $DEVICE flush 0 0
	expect_exit 1 'its upper cannot be written: it is failed' \
		"$TOOL" snapshot live --upper new.data new.index
}

# reopen_live: what was flushed is there.
reopen_live()
{
	"$TOOL" close live
	open_image config live
	expect_same $DEVICE flushed
}

need_tool
need_target delay
need_target flakey
truncate -s 8M index
attach_rw index
index=$LOOP
dm_create index "0 $SECTORS linear $index 0"
truncate -s 8M new
attach_rw new
dm_create slow "0 $SECTORS delay $LOOP 0 0 $LOOP 0 0 $LOOP 0 15000"
"$TOOL" create-upper --force --size 4M data /dev/mapper/index >create.log
echo '{ "upper": { "data": "data", "index": "/dev/mapper/index" } }' >config
open_image config live
upper 'do' $DEVICE write 0 131072 flush 0 0
cp $DEVICE flushed

say 'a log that fails in the end'
refused break_index
mend_index
reopen_live

say 'a log that has failed meanwhile, and can be written again'
refused fail_once
reopen_live
"$TOOL" close live
