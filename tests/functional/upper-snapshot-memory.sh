# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash source-path=SCRIPTDIR
# Description: what a suspended device waits for gets memory without I/O
# Kernels: uml-debug
. "${0%/*}/lib.sh" || exit
. "$HERE/upper.sh"

NOIO=$((0x80000))	# PF_MEMALLOC_NOIO

# flags PID: of a process, as long as it is there.
flags()
{
	local stat

	read -ra stat <"/proc/$1/stat" && say "${stat[8]}"
}

# saw_noio PID [CONDITION]: it allocates so meanwhile, if that holds.
saw_noio()
{
	local f

	while f=$(flags "$1" 2>/dev/null); do
		if [ $((f & NOIO)) != 0 ] && "${2:-true}"; then
			return 0
		fi
		sleep 0.02
	done
	return 1
}

# load_table: once more, with layers that are not known yet.
load_table()
{
	dmsetup load live --table "$TABLE" &
	LOADER=$!
}

need_tool
need_target delay
for file in old slow; do
	truncate -s 8M $file
	attach_rw $file
	dm_create $file-delay "0 $((8 * MIB / SECTOR)) delay $LOOP 0 0 $LOOP 0 0 $LOOP 0 500"
done
base_layer $MIB
dm_create base-delay "0 $(blockdev --getsz "$LOOP") delay $LOOP 0 400" --readonly

say 'the tool'
"$TOOL" create-upper --force --size 4M /dev/mapper/old-delay index >create.log
echo '{ "upper": { "data": "/dev/mapper/old-delay", "index": "index" } }' >config
open_image config live
upper 'do' /dev/mapper/live write 0 65536
"$TOOL" snapshot live --upper new.data new.index >snapshot.log &
TAKER=$!
saw_noio $TAKER suspended || fail 'it allocates memory as anybody does'
wait $TAKER
"$TOOL" close live

say 'the module'
new_upper slow-upper $((4 * MIB))
open_upper live $((4 * MIB))
layer="lower /dev/mapper/base-delay $(stat -c %s base)"
upper_table $((4 * MIB)) "$layer $layer"
defer eval "echo Y >$PARAMETERS/parallel_load"
echo N >$PARAMETERS/parallel_load
load_table
saw_noio $LOADER || fail 'whoever loads a layer that others wait for does I/O'
wait $LOADER
dmsetup clear live
dmsetup suspend live
load_table
saw_noio $LOADER || fail 'one that is suspended is loaded with I/O'
wait $LOADER
dmsetup clear live
dmsetup resume live
