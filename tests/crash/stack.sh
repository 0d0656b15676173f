# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# What the crash tests share: one disk, of which a log is kept of all writes,
# cut into a data and an index device, so that the order of the writes to both
# is known. To be sourced after tests/functional/lib.sh.

CRASH=${OVERLAYBD_CRASH:-$TREE/build/crash}
SEED=${TORTURE_SEED:-1}

need_crash_tools()
{
	[ -x "$CRASH/crash-replay" ] ||
		skip "$CRASH/crash-replay is missing: run make torture-tools"
	need_target log-writes
}

# Loop devices and mapped memory have to be of one mind: files on tmpfs are.
crash_folder()
{
	modprobe loop
	modprobe dm-overlaybd
	WORK=$(mktemp -d /dev/shm/crash.XXXXXX)
	defer rm -rf "$WORK"
	cd "$WORK"
	defer cd /
}

# loop_writable FILE: LOOP is the device.
loop_writable()
{
	LOOP=$(losetup --find --show "$1")
	defer losetup --detach "$LOOP"
}

# start_log LOG_MIB: crash-log is a disk that holds what the file "start" does,
# and writes go to the file "log". A ramdisk: it completes one flush before it
# begins the next, which the log cannot tell apart otherwise.
start_log()
{
	local size

	size=$(stat -c %s start)
	modprobe brd rd_nr=1 rd_size=$((size / 1024))
	defer rmmod brd
	dd if=start of=/dev/ram0 bs=1M oflag=direct status=none
	truncate -s "$1M" log
	loop_writable log
	LOG_LOOP=$LOOP
	dm_create crash-log "0 $((size / SECTOR)) log-writes /dev/ram0 $LOOP"
}

# stop_log: the log is complete, and in order. What has not been flushed when
# the target goes it puts in front of all that it has yet to write to the log,
# which may be most of it: see to it that there is nothing. Its mark at the end
# is missing if there was no room for all.
stop_log()
{
	sync /dev/mapper/crash-log
	dmsetup remove --retry crash-log
	losetup --detach "$LOG_LOOP"
	retry rmmod brd
	"$CRASH/crash-replay" --list log start start | tail -n 1 |
		grep -q '"dm-log-writes-end"' || fail "the log is too small"
}

# split_disk NAME DEVICE DATA_SECTORS: NAME-data and NAME-index are its parts.
split_disk()
{
	local sectors

	sectors=$(blockdev --getsz "$2")
	dm_create "$1-data" "0 $3 linear $2 0"
	dm_create "$1-index" "0 $((sectors - $3)) linear $2 $3"
}

# crash_load OPTION... DEVICE HISTORY
crash_load()
{
	"$CRASH/crash-load" --seed "$SEED" "$@"
}

# crash_replay OPTION...: of "start" and "log", onto "disk". With
# TORTURE_FLUSHES, as many points more as there are flushes.
crash_replay()
{
	"$CRASH/crash-replay" --seed "$SEED" \
		${TORTURE_FLUSHES:+--every-flush} "$@" log start disk
}

# lower_image SECTORS: the file "raw" is what the layer LOWER shows; LOWER is
# its part of a table.
lower_image()
{
	"$CRASH/crash-load" --seed "$SEED" --fill raw "$1"
	create_layer --raw raw layer
	loop_attach layer
	LOWER="lower $LOOP $(stat -c %s layer)"
}

# stale_entries SECTORS: all slots but one of so many sectors of a log, with
# entries that map the first 512 sectors of the disk to the first of the data.
stale_entries()
{
	printf '\0\0\0\0\0\0\0\10\10\0\0\0\0\0\0\0' >stale
	while [ "$(stat -c %s stale)" -lt $(($1 * SECTOR)) ]; do
		cat stale stale >more
		mv more stale
	done
	head -c $(($1 * SECTOR - 16)) stale
}

# blank_upper SECTORS DATA_SECTORS INDEX_SECTORS: the file "start" is a disk
# with an empty upper, and nothing but rubbish where there will be data, and
# behind the slot in which the log ends.
blank_upper()
{
	tr '\0' '\245' </dev/zero | head -c $(($2 * SECTOR)) >start || true
	truncate -s $((($2 + $3) * SECTOR)) start
	loop_writable start
	split_disk start "$LOOP" "$2"
	"$TOOL" create-upper --force --size $(($1 * SECTOR)) \
		/dev/mapper/start-data /dev/mapper/start-index
	stale_entries $(($3 - 8)) | dd of=/dev/mapper/start-index bs=64K \
		seek=$((8 * SECTOR + 16)) oflag=seek_bytes iflag=fullblock \
		status=none
	unsplit_disk start
	losetup --detach "$LOOP"
}

unsplit_disk()
{
	dmsetup remove --retry "$1-data"
	dmsetup remove --retry "$1-index"
}

# upper_table NAME SECTORS: prints the table of an upper on that disk's parts.
upper_table()
{
	local parts="upper /dev/mapper/$1-data /dev/mapper/$1-index"

	if [ -n "${LOWER:-}" ]; then
		say "0 $2 overlaybd 6 $LOWER $parts"
	else
		say "0 $2 overlaybd 3 $parts"
	fi
}
