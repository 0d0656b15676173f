# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash source-path=SCRIPTDIR
# Description: what is written after a snapshot was killed opens, or can at least be sealed
# Kernels: uml-debug
. "${0%/*}/lib.sh" || exit
. "$HERE/upper.sh"

SECTORS=$((8 * MIB / SECTOR))
DEVICE=/dev/mapper/live

# kill_marked: a snapshot that is killed when it has marked the old upper. In the
# cache that is long before it is on the disk.
kill_marked()
{
	"$TOOL" snapshot live --upper new.data new.index &
	until marked /dev/mapper/index || ! kill -0 $! 2>/dev/null; do
		sleep 0.01
	done
	kill -KILL $! 2>/dev/null || true
	wait $! 2>/dev/null || true
	suspended || skip 'this machine is too slow to kill it in time'
	expect_equal 'the inactive table' "$(dmsetup table --inactive live)" ''
	rm -f new.data new.index
}

# discard OFFSET: an entry of the log that takes no room in the data.
discard()
{
	upper 'do' $DEVICE discard "$1" 4096 flush 0 0
	cp $DEVICE disk
}

need_tool
need_target delay
truncate -s 8M index
attach_rw index
dm_create index "0 $SECTORS delay $LOOP 0 0 $LOOP 0 1500"
open_live data

say 'as it is'
kill_marked
dmsetup resume live
discard 0
"$TOOL" close live
open_image config live
expect_same $DEVICE disk

say 'cut, as if its table had been loaded, and cleared again'
kill_marked
cp --sparse=always data copy.data
cp index copy.index
truncate -s "$("$TOOL" seal --print-bytes copy.data copy.index)" data
dmsetup resume live
discard 8192
expect_exit 1 'seal it again' "$TOOL" close live
expect_exit 1 'seal it again' "$TOOL" repair config
"$TOOL" seal data /dev/mapper/index >seal.log
write_config sealed data
"$TOOL" export sealed exported >export.log
cmp exported disk
