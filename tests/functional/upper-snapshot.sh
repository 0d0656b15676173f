# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash source-path=SCRIPTDIR
# Description: snapshots while fio writes and verifies; every generation is a layer afterwards
# Kernels: uml-debug 6.12
# Timeout: 300
. "${0%/*}/lib.sh" || exit

SNAPSHOTS=6

# export_same CONFIG FILE: without the module, that is the disk.
export_same()
{
	"$TOOL" export "$1" exported >export.log
	cmp exported "$2" || fail "$1 is not $2"
}

# no_index_loop N: nobody holds the index of a generation any more.
no_index_loop()
{
	! losetup --list --noheadings --output BACK-FILE | grep -q "/index$1\$"
}

# fio_job NAME OPTION...: for a background process, which it becomes.
fio_job()
{
	local name=$1

	shift
	exec fio --name="$name" --filename=/dev/mapper/live --direct=1 \
		--rate_iops=100 --time_based --runtime=600 \
		--ioengine=psync --bsrange=512-64k --blockalign=512 \
		--verify=crc32c --verify_fatal=1 --verify_backlog=64 "$@" \
		>"$name.log" 2>&1
}

need_tool
need_commands jq fio
device fill raw 0 $MIB
create_layer --raw raw --virtual-size 32M --compress lz4 layer0
"$TOOL" create-upper --size 32M data0 index0 >create.log
cat >config0 <<END
{ "lowers": [ { "file": "layer0" } ],
  "upper": { "data": "data0", "index": "index0" } }
END
open_image config0 live --low-water 1M

# A model of the first half of the disk, changed between the snapshots; fio at
# work on the other half all the time, two jobs, each on its own part.
truncate -s 16M disk
dd if=raw of=disk conv=notrunc status=none
fio_job first --offset=16m --size=8m --rw=randwrite --norandommap &
FIRST=$!
defer kill $FIRST
fio_job second --offset=24m --size=7m --rw=write &
SECOND=$!
defer kill $SECOND

for ((n = 1; n <= SNAPSHOTS; n++)); do
	for part in 0 1 2 3; do
		at=$(((n * 1234567 + part * 3000000) % (15 * MIB) / SECTOR *
			SECTOR))
		write_both live $n $at 66048
	done
	cp disk disk$((n - 1))
	# What is new while the snapshot is made: a sector at a time.
	dd if=raw of=/dev/mapper/live bs=512 count=256 skip=$((n * 256)) \
		seek=$(((31 * MIB + n * 131072) / SECTOR)) oflag=direct \
		conv=notrunc status=none &
	writer=$!
	"$TOOL" snapshot live --upper data$n index$n --config config$n --json \
		>snapshot$n.json
	jq -e '.wait_milliseconds > 0' snapshot$n.json >/dev/null ||
		fail "$(cat snapshot$n.json)"
	wait $writer
	expect_equal "length of layer $n" "$(stat -c %s data$((n - 1)))" \
		"$(jq .sealed.bytes snapshot$n.json)"
	retry no_index_loop $((n - 1))
	kill -0 $FIRST $SECOND || fail "fio: $(cat first.log second.log)"
	# Data that is sealed is there to be read only, and changes no more.
	losetup --list --noheadings --output RO,SIZELIMIT,BACK-FILE |
		grep -q "^ *1 .*/data$((n - 1))\$" || fail "$(losetup --list)"
	sha256sum data$((n - 1)) >>sums
done
expect_equal 'low water' "$("$TOOL" status --json live | jq .low_water)" 2048
kill $FIRST $SECOND
for job in $FIRST $SECOND; do
	status=0
	wait "$job" || status=$?
	[ $status = 0 ] || [ $status = 128 ] ||
		fail "fio: status $status: $(cat first.log second.log)"
done
! grep -iE 'error|verify:|bad' first.log second.log || fail 'fio complains'
cmp -n $((16 * MIB)) /dev/mapper/live disk
cp /dev/mapper/live whole
cmp -n $((SNAPSHOTS * 131072)) --ignore-initial=$((31 * MIB + 131072)):131072 \
	whole raw || fail 'a write is lost'
device fill seed=99 /dev/mapper/live $((5 * MIB)) 8192
device fill seed=99 whole $((5 * MIB)) 8192

# What it is now, open knows; what it was is something else.
"$TOOL" open --low-water 1M config$SNAPSHOTS live >open.log
expect_equal path "$(cat open.log)" /dev/mapper/live
for n in 0 1 $((SNAPSHOTS - 1)); do
	expect_exit $EXIT_BUSY 'in use with other layers or options' \
		"$TOOL" open --low-water 1M config$n live
done
expect_exit $EXIT_BUSY 'in use with other layers or options' \
	"$TOOL" open config$SNAPSHOTS live
expect_exit $EXIT_BUSY 'in use with other layers or options' \
	"$TOOL" open --low-water 1M --read-only config$SNAPSHOTS live
"$TOOL" grow --size 64M live >grow.log
truncate -s 64M whole
expect_same /dev/mapper/live whole
"$TOOL" close live
expect_equal 'loop devices left' "$(losetup --list --noheadings)" ''
sha256sum --quiet --check sums

# The upper is cut, the others are as they were; the whole is the same.
[ "$(stat -c %s data$SNAPSHOTS)" -lt $((16 * MIB)) ] ||
	fail "the upper has $(stat -c %s data$SNAPSHOTS) bytes"
for ((n = 0; n < SNAPSHOTS; n++)); do
	"$TOOL" verify data$n >verify.log
	expect_exit $EXIT_INVALID 'has been sealed' "$TOOL" repair data$n index$n
done
export_same config$SNAPSHOTS whole
open_image config$SNAPSHOTS live
expect_same /dev/mapper/live whole
"$TOOL" close live
expect_exit $EXIT_INVALID 'has been sealed' "$TOOL" open config0 live

# Each generation, by the layers below the upper of its configuration.
for ((n = 1; n <= SNAPSHOTS; n++)); do
	jq 'del(.upper)' config$n >lowers$n
	"$TOOL" export lowers$n exported >export.log
	cmp -n $((16 * MIB)) exported disk$((n - 1)) ||
		fail "generation $n is not what it was"
done

# They name each other.
parent=$("$TOOL" dump --json data$((SNAPSHOTS - 1)) | jq -r .header.parent_uuid)
expect_equal 'parent uuid' "$parent" \
	"$("$TOOL" dump --json data$((SNAPSHOTS - 2)) | jq -r .header.uuid)"
