# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# What the functional tests share. A test is a script that sources this file,
# stops at the first command that fails, and may leave the removal of all it
# made to the functions here. It runs as root in a guest (see suite), by its whole
# path.
set -Eeuo pipefail

HERE=$(cd "${BASH_SOURCE[0]%/*}" && pwd)
TREE=${HERE%/tests/functional}
FIXTURES=${OVERLAYBD_FIXTURES:-$TREE/../shared/fixtures}
TOOL=${OVERLAYBDSETUP:-$TREE/build/overlaybdsetup}
TEST=${0##*/}
TEST=${TEST%.sh}
CLEANUP=()
# shellcheck disable=SC2034	# used by the tests
readonly HERE TREE FIXTURES TOOL TEST SECTOR=512 MIB=1048576 \
	EXIT_INVALID=3 EXIT_BUSY=4 EXIT_NO_DEVICE=5

say()
{
	printf '%s\n' "$*"
}

fail()
{
	say "failed: $*" >&2
	exit 1
}

skip()
{
	say "skipped: $*"
	exit 77
}

# defer COMMAND...: run it at the end, the last one first, whatever happens.
# That it fails then is fine: the test may have done it before.
defer()
{
	local words

	printf -v words '%q ' "$@"
	CLEANUP+=("$words")
}

# shellcheck disable=SC2317	# called by the trap
cleanup()
{
	local i

	for ((i = ${#CLEANUP[@]} - 1; i >= 0; i--)); do
		eval "${CLEANUP[i]}" >/dev/null 2>&1 || true
	done
}

at_error()
{
	say "failed: ${1##*/}, line $2: $3" >&2
}

trap cleanup EXIT
trap 'exit 143' TERM
trap 'at_error "${BASH_SOURCE[0]}" "$LINENO" "$BASH_COMMAND"' ERR

TMP=$(mktemp -d)
cd "$TMP"
defer rm -rf "$TMP"
defer cd /
LOG_MARK="functional test $TEST ($$)"
echo "$LOG_MARK" >/dev/kmsg

need_fixtures()
{
	[ -d "$FIXTURES/zfile3" ] ||
		skip "no fixtures in $FIXTURES (OVERLAYBD_FIXTURES)"
}

need_commands()
{
	local c

	for c; do
		command -v "$c" >/dev/null ||
			skip "$c is missing: run scripts/install-deps"
	done
}

# need_tool: overlaybdsetup has been built.
need_tool()
{
	[ -x "$TOOL" ] || skip "$TOOL is missing: run make tools"
}

# need_target NAME: this kernel has the device-mapper target.
need_target()
{
	modprobe -q "dm-$1" || true
	dmsetup targets | grep -q "^$1 " || skip "this kernel has no dm-$1"
}

# need_filesystem NAME: this kernel has the file system.
need_filesystem()
{
	modprobe -q "$1" || true
	grep -qw "$1" /proc/filesystems || skip "this kernel has no $1"
}

# The kernel's log since the test began, as far as it is still there.
kernel_log()
{
	dmesg | awk -v mark="$LOG_MARK" '
		{ line[n++] = $0 }
		index($0, mark) { n = 0 }
		END { for (i = 0; i < n; i++) print line[i] }'
}

# expect_log REGEX: the kernel has said so since the test began.
expect_log()
{
	kernel_log | grep -E -- "$1" >/dev/null && return
	kernel_log | tail -n 20 >&2
	fail "the kernel log has nothing like: $1"
}

# expect_equal WHAT GOT WANTED
expect_equal()
{
	[ "$2" = "$3" ] || fail "$1: got '$2', expected '$3'"
}

# expect_exit STATUS REGEX COMMAND...: it ends with that status, and what it
# prints matches.
expect_exit()
{
	local wanted=$1 regex=$2 output status=0

	shift 2
	output=$("$@" 2>&1) || status=$?
	expect_equal "status of $*: $output" "$status" "$wanted"
	grep -qE -- "$regex" <<<"$output" ||
		fail "$*: printed '$output', expected: $regex"
}

# retry COMMAND...: until it succeeds, for five seconds at most.
retry()
{
	local n

	for n in {1..50}; do
		if "$@" >/dev/null 2>&1; then
			return
		fi
		sleep 0.1
	done
	fail "still fails after five seconds: $*"
}

# has_come NAME PID: a child is that program now, or has ended. Until then it is
# a shell, on which a signal may be lost.
has_come()
{
	local comm

	[ ! -e "/proc/$2" ] || { read -r comm <"/proc/$2/comm" && [ "$comm" = "$1" ]; }
}

# hold_open DEVICE: a process named sleep, HOLDER, has it open.
hold_open()
{
	# shellcheck disable=SC2217
	sleep 600 <"$1" &
	HOLDER=$!
	defer kill "$HOLDER"
	# It opens the device before that.
	retry has_come sleep "$HOLDER"
}

# let_go: it has not any more.
let_go()
{
	kill "$HOLDER"
	wait "$HOLDER" || true
}

# loop_attach FILE [LOSETUP_OPTION...]: LOOP is the device, read-only.
loop_attach()
{
	local file=$1

	shift
	# It warns of files that end within a sector, as most blobs do.
	LOOP=$(losetup --find --show --read-only "$@" "$file" 2>losetup.log) ||
		fail "losetup $file: $(cat losetup.log)"
	defer losetup --detach "$LOOP"
}

# join_tail FILE NAME: a device of a file and its last partial sector.
join_tail()
{
	local sectors=$(($(stat -Lc %s "$1") / SECTOR)) table=

	if [ $sectors != 0 ]; then
		loop_attach "$1"
		table="0 $sectors linear $LOOP 0
"
	fi
	dd if="$1" of="$2.tail" bs=$SECTOR skip=$sectors status=none
	truncate -s $SECTOR "$2.tail"
	loop_attach "$2.tail"
	dm_create "$2" "$table$sectors 1 linear $LOOP 0" --readonly
}

# attach_whole FILE NAME: LINE is the device, /dev/mapper/NAME if the file ends
# within a sector, and the length of the file.
attach_whole()
{
	local size

	size=$(stat -Lc %s "$1")
	if [ $((size % SECTOR)) = 0 ]; then
		loop_attach "$1"
		LINE="$LOOP $size"
	else
		join_tail "$1" "$2"
		LINE="/dev/mapper/$2 $size"
	fi
}

# gzip_create NAME BYTES GZIP INDEX [OPTION...]: show a gzip file of so many bytes.
gzip_create()
{
	local name=$1 sectors=$((($2 + SECTOR - 1) / SECTOR)) gzip=$3 index=$4

	shift 4
	attach_whole "$gzip" "$name-gzip"
	gzip=$LINE
	attach_whole "$index" "$name-index"
	STACK="0 $sectors overlaybd-gzip $gzip $LINE"
	[ $# = 0 ] || STACK+=" $# $*"
	dm_create "$name" "$STACK" --readonly
}

# dm_create NAME TABLE [DMSETUP_OPTION...]: if it fails, the kernel says why.
dm_create()
{
	local name=$1 table=$2

	shift 2
	dmsetup create "$name" "$@" --table "$table" || {
		kernel_log | tail -n 5 >&2
		return 1
	}
	defer dmsetup remove --retry "$name"
}

# stack_create NAME SECTORS [OPTION...] -- FILE...: a stack of blobs, lowest
# first, by losetup and dmsetup. STACK is its table line.
stack_create()
{
	local name=$1 sectors=$2 layers='' file options=()

	shift 2
	while [ "$1" != -- ]; do
		options+=("$1")
		shift
	done
	shift
	for file; do
		loop_attach "$file"
		layers+=" lower $LOOP $(stat -Lc %s "$file")"
	done
	STACK="0 $sectors overlaybd $((3 * $#))$layers"
	[ ${#options[@]} = 0 ] || STACK+=" ${#options[@]} ${options[*]}"
	dm_create "$name" "$STACK" --readonly
}

# slow_stack NAME SECTORS MS FILE: a stack of one blob, on a device that takes
# so many milliseconds for a read. Needs the target "delay".
slow_stack()
{
	loop_attach "$4"
	dm_create "$1-slow" "0 $(blockdev --getsz "$LOOP") delay $LOOP 0 $3" \
		--readonly
	STACK="0 $2 overlaybd 3 lower /dev/mapper/$1-slow $(stat -c %s "$4")"
	dm_create "$1" "$STACK" --readonly
}

# slow_file FILE NAME MS: LINE is the device NAME, which takes so many milliseconds
# for a read of the file, and the file's length. Needs the target "delay".
slow_file()
{
	local dev size

	attach_whole "$1" "$2-fast"
	read -r dev size <<<"$LINE"
	dm_create "$2" "0 $(blockdev --getsz "$dev") delay $dev 0 $3" --readonly
	LINE="/dev/mapper/$2 $size"
}

# slow_gzip FILE MS OPTION...: STACK is the table of FILE.gz, made of it, which takes
# so many milliseconds for a read; its index, with these options, takes none.
slow_gzip()
{
	gzip -n <"$1" >"$1.gz"
	"$TOOL" gzindex "${@:3}" --out index "$1.gz" >made
	slow_file "$1.gz" slow "$2"
	STACK="0 $(($(stat -c %s "$1") / SECTOR)) overlaybd-gzip $LINE"
	attach_whole index index
	STACK+=" $LINE"
}

# create_layer OPTION...: overlaybdsetup create, silently.
create_layer()
{
	"$TOOL" create "$@" >create.log 2>&1 || {
		cat create.log >&2
		fail "overlaybdsetup create $*"
	}
}

# fixture_config NAME: prints the path of a fixture's configuration.
fixture_config()
{
	sed "s|@DIR@|$FIXTURES/$1|g" "$FIXTURES/$1/config.json" >"$1.json"
	say "$PWD/$1.json"
}

# write_config FILE BLOB...: an image of these blobs, lowest first. Without a
# process for each.
write_config()
{
	local config=$1 blob comma=''

	shift
	{
		printf '{ "lowers": ['
		for blob; do
			[[ $blob = /* ]] || blob=$PWD/$blob
			printf '%s\n  { "file": "%s" }' "$comma" "$blob"
			comma=,
		done
		printf '\n] }\n'
	} >"$config"
}

# open_image CONFIG NAME [OPTION...]: by overlaybdsetup open.
open_image()
{
	local config=$1 name=$2

	shift 2
	defer "$TOOL" close "$name"
	"$TOOL" open "$@" "$config" "$name" >open.log
}

# mapped_devices: prints the names of all, those that join tails as "tail". The
# ones that have no table yet are not in /sys.
mapped_devices()
{
	dmsetup info -c --noheadings -o name |
		sed '/^No devices found/d; s/^overlaybd-tail-[0-9a-f-]*$/tail/' |
		sort | xargs
}

# loops_are NUMBER: so many loop devices have a file. The kernel drops the last
# references in its own time: see retry.
loops_are()
{
	local loops

	loops=(/sys/block/loop*/loop)
	[ "${loops[0]}" != '/sys/block/loop*/loop' ] || loops=()
	[ ${#loops[@]} = "$1" ]
}

# expect_same DEVICE FILE: equal, and of one size.
expect_same()
{
	expect_equal "size of $1" "$(blockdev --getsize64 "$1")" \
		"$(stat -Lc %s "$2")"
	cmp "$1" "$2" || fail "$1 differs from $2"
}

# helper NAME ARGUMENT...: NAME.py, without what it does not need.
helper()
{
	local name=$1

	shift
	PYTHONPATH=$HERE python3 -B -S "$HERE/$name.py" "$@"
}

# device VERB...: see device.py.
device()
{
	helper device "$@"
}

# write_both NAME SEED OFFSET LENGTH: the same to the device and to the file disk,
# and have it reach what is below.
write_both()
{
	device fill sync=1 seed="$2" "/dev/mapper/$1" "$3" "$4" disk
}

# start_device VERB...: device.py in the background, as process READER, until
# stop_device.
start_device()
{
	PYTHONPATH=$HERE python3 -B -S "$HERE/device.py" "$@" >reader.log 2>&1 &
	READER=$!
	defer kill "$READER"
	retry has_come python3 "$READER"
}

# stop_device: it has been at work all the time.
stop_device()
{
	local status=0

	kill "$READER"
	wait "$READER" || status=$?
	expect_equal "status of the reader ($(cat reader.log))" $status 143
}

# The fields of STATUSTYPE_INFO of a stack, in their order.
readonly COUNTERS='layers extents map_bytes table_bytes stored_bytes blocks
	deferred read_errors crc_errors decompress_errors shared_map_bytes
	shared_table_bytes cache_bytes shared_cache_bytes cache_hits
	ahead_blocks ahead_used prefetch_blocks prefetch_used
	prefetch_pending unverified'

# Those that only devices with a writable layer have, behind the others.
readonly UPPER_COUNTERS='mode extents map_bytes used_sectors data_sectors
	log_entries log_slots pending commits compactions'

# status_field NAME N NAMES FIELD: prints a field of a device's status; NAMES
# are what the fields from the N-th word on are called.
status_field()
{
	local fields field n=$2

	read -ra fields < <(dmsetup status "$1")
	for field in $3; do
		if [ "$field" = "$4" ]; then
			say "${fields[n]}"
		fi
		n=$((n + 1))
	done
}

# counter NAME FIELD
counter()
{
	status_field "$1" 3 "$COUNTERS" "$2"
}

# single_counter NAME FIELD: of a target that shows one file.
single_counter()
{
	local counters=${COUNTERS#*map_bytes}

	status_field "$1" 3 "${counters/shared_map_bytes/}" "$2"
}

# upper_counter NAME FIELD
upper_counter()
{
	status_field "$1" 24 "$UPPER_COUNTERS" "$2"
}

# expect_counter NAME FIELD VALUE
expect_counter()
{
	expect_equal "$2 of $1" "$(counter "$1" "$2")" "$3"
}

# expect_times NAME REGEX: what loading its table took, and found.
expect_times()
{
	local times

	times=$(dmsetup message "$1" 0 times)
	grep -qE -- "$2" <<<"$times" ||
		fail "times of $1: '$times', expected: $2"
}

readonly PARAMETERS=/sys/module/dm_overlaybd/parameters

# cache_bytes: prints what the cache of decompressed blocks holds.
cache_bytes()
{
	cat $PARAMETERS/cache_bytes
}

# cache_limit MIB: it may hold so much, until the test ends.
cache_limit()
{
	defer cp cache_mib $PARAMETERS/cache_mib
	[ -e cache_mib ] || cat $PARAMETERS/cache_mib >cache_mib
	echo "$1" >$PARAMETERS/cache_mib
}

# at_once COMMAND...: fifty of them, each with its number added; all succeed.
at_once()
{
	local n pids=()

	for n in {1..50}; do
		"$@" "$n" >"at-once.$n" 2>&1 &
		pids+=($!)
	done
	for n in {1..50}; do
		wait "${pids[n - 1]}" ||
			fail "$* $n: $(cat "at-once.$n")"
	done
}

# fill_memory MIB: leave about so much of the memory, if there is more.
fill_memory()
{
	local available

	available=$(awk '/^MemAvailable:/ { print int($2 / 1024) }' \
		/proc/meminfo)
	[ "$available" -gt "$1" ] || return 0
	defer umount fill
	mkdir fill
	mount -t tmpfs -o size=100% tmpfs fill
	fallocate -l $((available - $1))M fill/memory
}

# fault_filter CAPABILITY: memory is refused to the module only, as far as a
# call chain of that depth tells.
fault_filter()
{
	local dir=/sys/kernel/debug/$1 text

	text=$(cat /sys/module/dm_overlaybd/sections/.text)
	defer fault_off "$1"
	echo "$text" >"$dir/require-start"
	printf '%#x\n' $((text + $(cat /sys/module/dm_overlaybd/coresize))) \
		>"$dir/require-end"
	echo 0 >"$dir/verbose"
	echo -1 >"$dir/times"
}

fault_off()
{
	local dir=/sys/kernel/debug/$1

	echo 0 >"$dir/probability"
	echo 0 >"$dir/require-start"
	echo 0xffffffffffffffff >"$dir/require-end"
	echo 1 >"$dir/ignore-gfp-wait"
}

# spare_waiting Y|N: only what cannot wait for memory is refused, or all.
spare_waiting()
{
	echo "$1" >/sys/kernel/debug/failslab/ignore-gfp-wait
	echo "$1" >/sys/kernel/debug/fail_page_alloc/ignore-gfp-wait
}

# refuse_any: whatever the module asks for, once there is a probability.
refuse_any()
{
	echo 0 >/sys/kernel/debug/fail_page_alloc/min-order
	spare_waiting N
	fault_filter failslab
	fault_filter fail_page_alloc
}

# probability PERCENT: of an allocation being refused.
probability()
{
	echo "$1" >/sys/kernel/debug/failslab/probability
	echo "$1" >/sys/kernel/debug/fail_page_alloc/probability
}

# fail_each [rw] TABLE REASON...: whichever allocation fails, it loads or it
# does not, and each of these is among the reasons. How many allocations come
# before another varies from one load to the next, so that some never had their
# turn; hence several rounds.
fail_each()
{
	local rw=() table reason missing
	local parameters=/sys/module/dm_overlaybd/parameters

	if [ "$1" = rw ]; then
		rw=(rw)
		shift
	fi
	table=$1
	# Only what the process itself allocates is made to fail.
	echo N >$parameters/parallel_load
	defer eval "echo Y >$parameters/parallel_load"
	refuse_any
	: >failures
	for _ in {1..5}; do
		helper failnth "${rw[@]}" "$table" >>failures
		missing=
		for reason in "${@:2}"; do
			grep -qE "$reason" failures || missing=$reason
		done
		[ -n "$missing" ] || break
	done
	fault_off failslab
	fault_off fail_page_alloc
	[ -z "$missing" ] || fail "nothing failed with '$missing', but with:" \
		"$(cat failures)"
}

need_faults()
{
	local capability

	for capability in failslab fail_page_alloc; do
		[ -e "/sys/kernel/debug/$capability/require-start" ] ||
			skip 'this kernel has no fault injection'
	done
	modprobe dm-overlaybd
}
