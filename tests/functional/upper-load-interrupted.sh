# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash source-path=SCRIPTDIR
# Description: a writable layer that takes long to load can be interrupted
# Kernels: uml-debug 6.12
. "${0%/*}/lib.sh" || exit
. "$HERE/upper.sh"

BYTES=$MIB

# reads_log: the header has been read. All of the log is read next, which takes a
# second.
reads_log()
{
	local fields

	read -ra fields <"/sys/dev/block/$SLOW/stat"
	[ "${fields[0]}" = 1 ]
}

need_target delay
new_upper slow $BYTES $((2 * MIB)) $((4096 + 16 * 1024))
helper upperlog cycle slow.index 1000 700
dm_create slow "0 $(blockdev --getsz "$INDEX") delay $INDEX 0 1000"
SLOW=$(dmsetup info -c --noheadings --separator : -o major,minor slow)
dmsetup create interrupted --table \
	"0 8 overlaybd 3 upper $DATA /dev/mapper/slow" >load.log 2>&1 &
loader=$!
defer dmsetup remove --retry interrupted
retry reads_log
kill -KILL $loader
wait $loader || true
expect_log 'overlaybd: layer 0: interrupted'
