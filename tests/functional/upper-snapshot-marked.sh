# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash source-path=SCRIPTDIR
# Description: killed when its table is loaded, a snapshot leaves no old upper that opens
# Kernels: uml-debug
. "${0%/*}/lib.sh" || exit
. "$HERE/upper.sh"

SECTORS=$((8 * MIB / SECTOR))
DEVICE=/dev/mapper/live

# take_until CONDITION: a snapshot that is killed as soon as that holds.
take_until()
{
	"$TOOL" snapshot live --upper new.data new.index --config new.json &
	until "$1" || ! kill -0 $! 2>/dev/null; do
		sleep 0.01
	done
	kill -KILL $! 2>/dev/null || true
	wait $! 2>/dev/null || true
}

# sealed: the file says so, which the kernel changes as well.
sealed()
{
	marked index iflag=nocache
}

loaded()
{
	[ -n "$(dmsetup table --inactive live)" ]
}

need_tool
need_target delay
for file in data index; do
	truncate -s 8M $file
	attach_rw $file
	dm_create $file "0 $SECTORS delay $LOOP 0 0 $LOOP 0 0 $LOOP 0 1500"
done
open_live

say 'marked, but not loaded'
take_until sealed
! loaded || fail 'it was loaded before'
suspended || skip 'this machine is too slow to kill it in time'
dmsetup resume live
! sealed || fail 'the mark is left'
rm -f new.data new.index
upper 'do' $DEVICE write $MIB 65536
cp $DEVICE disk
"$TOOL" close live
open_image config live
expect_same $DEVICE disk

say 'loaded'
take_until loaded
sealed || fail 'there is no mark'
! suspended || dmsetup resume live
upper 'do' $DEVICE write $((2 * MIB)) 65536
"$TOOL" close live
expect_exit $EXIT_INVALID 'has been sealed' "$TOOL" open config live
