# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash source-path=SCRIPTDIR
# Description: a log that changes while a snapshot reads it is read once more
# Kernels: uml-debug
. "${0%/*}/lib.sh" || exit
. "$HERE/upper.sh"

SECTORS=$((8 * MIB / SECTOR))
DEVICE=/dev/mapper/live

# show_log LOOP: below the index of the device.
show_log()
{
	replace_table index "0 $SECTORS linear $1 0"
}

# mend_log: the first two commits are those of the snapshot's first look; with
# the third the log has been read. The fourth takes long.
mend_log()
{
	local first

	first=$(upper_counter live commits)
	until [ "$(upper_counter live commits)" -ge $((first + 3)) ]; do
		sleep 0.05
	done
	sleep 1
	show_log "$good"
}

need_tool
need_target delay
truncate -s 8M data
attach_rw data
dm_create data "0 $SECTORS delay $LOOP 0 0 $LOOP 0 0 $LOOP 0 1500"
truncate -s 8M index
attach_rw index
good=$LOOP
dm_create index "0 $SECTORS linear $good 0"
open_live
cp $DEVICE disk

# What the kernel writes while it makes the log shorter is read with what it has
# not written yet: here the first entry has a place that there is not.
cp --sparse=always index mixed
device smash mixed 4104 6
attach_rw mixed
mixed=$LOOP
show_log "$mixed"
mend_log &
"$TOOL" snapshot live --upper new.data new.index --config new.json >snapshot.log
wait $!
expect_same $DEVICE disk
"$TOOL" close live
open_image new.json live
expect_same $DEVICE disk
"$TOOL" close live

say 'a log that is broken is none for ever'
rm -f new.data new.index
"$TOOL" create-upper --force --size 4M data2 /dev/mapper/index >create.log 2>&1
echo '{ "upper": { "data": "data2", "index": "/dev/mapper/index" } }' >config
open_image config live
upper 'do' $DEVICE write 0 65536 flush 0 0
cp --sparse=always index mixed
device smash mixed 4104 6
show_log "$mixed"
expect_exit $EXIT_INVALID 'log entry 0: moffset' \
	"$TOOL" snapshot live --upper new.data new.index
show_log "$good"
