# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# shellcheck disable=SC2034	# for the scripts that source this file
#
# What the cases share: devices on ramdisks, and who is read by whom.

image=$(stat -c %s "$DATA/image.raw")
sectors=$((image / 512))
params=/sys/module
cache=$params/dm_overlaybd/parameters/cache_mib
clock=$params/bench_clock/parameters/now
cpus=$(nproc)

# ramdisks NUMBER: as large as anything that is loaded.
ramdisks()
{
	modprobe brd "rd_nr=$1" rd_size=327680
}

size_of()
{
	stat -c %s "$DATA/$1"
}

# load FILE N: puts a file on a ramdisk.
load()
{
	busybox cat "$DATA/$1" >"/dev/ram$2"
}

# blob_on DEVICE LAYER NAME [OPTION...]: a device of one layer.
blob_on()
{
	local device=$1 layer=$2 name=$3

	shift 3
	dmsetup create -r "$name" --table "0 $sectors overlaybd 3 lower \
		$device $(size_of "$layer") ${*:+$# $*}"
}

# blob LAYER N NAME [OPTION...]: the same, on a ramdisk.
blob()
{
	blob_on "/dev/ram$2" "$1" "${@:3}"
}

# slow_disk: /dev/nullb0 takes 2 ms for a read: that of a fast disk, as instructions
# take ten times theirs in emulated machines. The clock of User Mode Linux does
# not see who waits.
slow_disk()
{
	[[ $OVERLAYBD_VM != uml* ]] &&
		modprobe null_blk nr_devices=1 gb=1 bs=512 memory_backed=1 \
			irqmode=2 completion_nsec=2000000 2>/dev/null
}

# What is hot has to fit in the module's cache, if it has one.
large_cache()
{
	[ ! -w "$cache" ] || echo 600 >"$cache"
}

# can OPTION: whether the module knows an option of its tables.
can()
{
	blob plain 0 can 2>/dev/null "$1" || return
	dmsetup remove can
}

# reads PARAMETERS LABEL=DEVICE...: sets sides to what bench-io reads.
reads()
{
	local parameters=$1 devices=() n=0 side

	shift
	sides=()
	for side; do
		devices+=("${side#*=}")
		sides+=("${side%%=*}=$params/bench_io/parameters/d$n")
		n=$((n + 1))
	done
	# shellcheck disable=SC2086	# parameters are words
	insmod "$MODULES/bench-io.ko" \
		"devices=$(IFS=,; echo "${devices[*]}")" $parameters
}

# measure GROUP CASE [OPTION...] [SIDE...]: by reader, in the kernel.
measure()
{
	local group=$1 name=$2

	shift 2
	"$PROGRAMS/reader" --group "$group" --name "$name" --size 1048576 \
		--pieces "$PIECES" --rounds "$ROUNDS" "$@" "${sides[@]}"
}

# in_kernel GROUP CASE PARAMETERS LABEL=DEVICE...
in_kernel()
{
	local group=$1 name=$2 parameters=$3

	shift 3
	reads "$parameters" "$@"
	measure "$group" "$name"
	rmmod bench_io
}

# value GROUP CASE UNIT LABEL=NUMBER...: what needed no reader.
value()
{
	local group=$1 name=$2 unit=$3 side list=

	shift 3
	for side; do
		list+="${list:+, }\"${side%%=*}\": [${side#*=}, ${side#*=}]"
	done
	printf '{"group": "%s", "case": "%s", "unit": "%s", "sides": {%s}}\n' \
		"$group" "$name" "$unit" "$list"
}
