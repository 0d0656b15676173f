# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034	# the tests use what is set here
#
# What the tests of writable layers share; sourced after lib.sh. A layer NAME is
# in the files NAME.data and NAME.index, made and attached by hand, so that a
# test may put anything in between.

MODEL=$TREE/build/model-disk
readonly MODEL

need_model()
{
	[ -x "$MODEL" ] || skip "$MODEL is missing: run make model"
}

# upper VERB...: see upper.py.
upper()
{
	helper upper "$@"
}

# attach_rw FILE: LOOP is a device that can be written to.
attach_rw()
{
	LOOP=$(losetup --find --show "$1") || fail "losetup $1"
	defer losetup --detach "$LOOP"
}

# attach_upper NAME: DATA and INDEX are its devices.
attach_upper()
{
	attach_rw "$1.data"
	DATA=$LOOP
	attach_rw "$1.index"
	INDEX=$LOOP
}

# new_upper NAME BYTES [DATA_BYTES [INDEX_BYTES]]: an empty layer for a disk of
# BYTES, with that capacity, attached.
new_upper()
{
	local size=$2 data=${3:-$(($2 + $2 / 16 + MIB))} index=${4:-$((4 * MIB))}

	rm -f "$1.data" "$1.index"
	truncate -s "$data" "$1.data"
	truncate -s "$index" "$1.index"
	upper create "$1.data" "$1.index" "$size"
	attach_upper "$1"
}

# upper_table BYTES [LOWERS [OPTIONS]]: TABLE is that of such a disk, over DATA
# and INDEX. LOWERS are "lower DEVICE BYTES" of each.
upper_table()
{
	local lowers=${2:-} options=${3:-} words

	read -ra words <<<"$lowers"
	TABLE="0 $(($1 / SECTOR)) overlaybd $((${#words[@]} + 3))"
	TABLE+="${lowers:+ $lowers} upper $DATA $INDEX"
	read -ra words <<<"$options"
	[ ${#words[@]} = 0 ] || TABLE+=" ${#words[@]} $options"
}

# open_upper NAME BYTES [LOWERS [OPTIONS]]: map it, writable.
open_upper()
{
	upper_table "$2" "${3:-}" "${4:-}"
	dm_create "$1" "$TABLE"
}

# reopen NAME: remove it and create it again with TABLE. What lies in its files
# meanwhile has been checked.
reopen()
{
	close_upper "$1"
	dm_create "$1" "$TABLE"
}

# close_upper NAME: CHECKED is what check said: entries, sectors, last sector.
close_upper()
{
	dmsetup remove --retry "$1"
	CHECKED=$(upper check "$1.data" "$1.index")
}

# suspended: the device live is.
suspended()
{
	local dir name state

	for dir in /sys/block/dm-*/dm; do
		read -r name <"$dir/name"
		if [ "$name" = live ]; then
			read -r state <"$dir/suspended"
			[ "$state" = 1 ]
			return
		fi
	done
	return 1
}

# marked INDEX [DD_OPTION...]: that says that the layer was sealed, on the disk or
# not: it is bit 2 of the flags, at byte 28.
marked()
{
	local flags

	flags=$(dd if="$1" bs=1 skip=28 count=1 status=none "${@:2}" |
		od -An -tu1)
	[ $((flags & 4)) != 0 ]
}

# model OPTION... DEVICE: run it, and show what it did.
model()
{
	"$MODEL" run "$@"
}

# operations COUNT: prints how many to do here: a debug kernel takes long.
operations()
{
	case $OVERLAYBD_VM in
	*debug)	say $(($1 / 4));;
	*)	say "$1";;
	esac
}

# start_model OPTION... DEVICE: in the background as process READER, until
# stop_model.
start_model()
{
	"$MODEL" run --ops 0 "$@" >model.log 2>&1 &
	READER=$!
	defer kill "$READER"
}

# stop_model: nothing has been wrong.
stop_model()
{
	kill "$READER" || fail "it has ended: $(cat model.log)"
	wait "$READER" || fail "$(cat model.log)"
	cat model.log
}

# expect_upper NAME FIELD VALUE
expect_upper()
{
	expect_equal "$2 of $1" "$(upper_counter "$1" "$2")" "$3"
}

# expect_used NAME BYTES: it has so much data, and a header. What is not mapped
# any more becomes free a little later.
expect_used()
{
	local n wanted=$((($2 + 4096) / SECTOR))

	for n in {1..30}; do
		[ "$(upper_counter "$1" used_sectors)" != $wanted ] || return 0
		sleep 0.1
	done
	expect_upper "$1" used_sectors $wanted
}

# expect_at_most WHAT GOT LIMIT
expect_at_most()
{
	[ "$2" -le "$3" ] || fail "$1: got $2, expected at most $3"
}

# events NAME: how many it has raised.
events()
{
	dmsetup info --columns --noheadings -o events "$1"
}

# expect_event NAME COUNT: it raises its next event, or has done so.
expect_event()
{
	timeout 20 dmsetup wait "$1" "$2" || fail "$1: no event after $2"
}

# replace_table NAME TABLE: while what is above goes on.
replace_table()
{
	dmsetup suspend --nolockfs --noflush "$1"
	dmsetup load "$1" --table "$2"
	dmsetup resume "$1"
}

# base_layer BYTES: LOWERS is a compressed layer of the file raw.
base_layer()
{
	need_tool
	device fill compressible=1 raw 0 "$1"
	create_layer --raw raw --compress lz4 base
	loop_attach base
	LOWERS="lower $LOOP $(stat -c %s base)"
}

# reclaim_only: until the test ends, nobody writes back what is dirty but those
# who are told to, and reclaim.
reclaim_only()
{
	local name

	for name in dirty_writeback_centisecs dirty_background_ratio \
		dirty_ratio; do
		defer sysctl -q "vm.$name=$(sysctl -n "vm.$name")"
	done
	sysctl -q vm.dirty_bytes=$((1024 * MIB)) \
		vm.dirty_background_bytes=$((512 * MIB)) \
		vm.dirty_writeback_centisecs=0
}

# vm_count REGEX: prints the sum of such counters of /proc/vmstat.
vm_count()
{
	awk -v name="^($1)\$" '$1 ~ name { n += $2 } END { print n + 0 }' \
		/proc/vmstat
}

# note_reclaim: for expect_reclaim.
note_reclaim()
{
	SCANNED=$(vm_count 'pgscan_(kswapd|direct)')
	STOLEN=$(vm_count 'pgsteal_(kswapd|direct)')
	DIRTY=$(vm_count 'nr_vmscan_(write|immediate_reclaim)')
	WRITTEN=$(vm_count nr_written)
}

# expect_reclaim MIB: since note_reclaim so much was taken back, and written,
# of what was dirty.
expect_reclaim()
{
	local pages=$(($1 * MIB / $(getconf PAGESIZE)))

	SCANNED=$(($(vm_count 'pgscan_(kswapd|direct)') - SCANNED))
	STOLEN=$(($(vm_count 'pgsteal_(kswapd|direct)') - STOLEN))
	DIRTY=$(($(vm_count 'nr_vmscan_(write|immediate_reclaim)') - DIRTY))
	WRITTEN=$(($(vm_count nr_written) - WRITTEN))
	say "pages: $SCANNED scanned, $DIRTY of them dirty, $WRITTEN written, $STOLEN taken"
	[ $DIRTY -gt 0 ] && [ $WRITTEN -ge $pages ] && [ $STOLEN -ge $pages ] ||
		fail "reclaim has not had to write $pages pages"
}

# open_live [DATA]: a new upper on the devices data, or on DATA, and index, by a
# config, as live; it has been written to.
open_live()
{
	local data=${1:-/dev/mapper/data}

	"$TOOL" create-upper --force --size 4M "$data" \
		/dev/mapper/index >create.log
	echo "{ \"upper\": { \"data\": \"$data\",
		\"index\": \"/dev/mapper/index\" } }" >config
	open_image config live
	upper 'do' /dev/mapper/live write 0 65536 flush 0 0
}
