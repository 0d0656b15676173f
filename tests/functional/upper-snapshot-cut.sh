# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash source-path=SCRIPTDIR
# Description: killed before its table is loaded, a snapshot has not cut the old upper
# Kernels: uml-debug
. "$(dirname "$0")/lib.sh" || exit
. "$HERE/upper.sh"

SECTORS=$((8 * MIB / SECTOR))
DEVICE=/dev/mapper/live
FLAGS=28	# byte of a header in which bit 2 says sealed

suspended()
{
	[ "$(dmsetup info -c --noheadings -o suspended live)" = Suspended ]
}

# marked: the index says that it has been sealed, if not on the disk yet.
marked()
{
	local flags

	flags=$(dd if=/dev/mapper/index bs=1 skip=$FLAGS count=1 status=none |
		od -An -tu1)
	[ $((flags & 4)) != 0 ]
}

need_tool
need_target delay
# It is marked in the cache long before that is on the disk.
truncate -s 8M index
attach_rw index
dm_create index "0 $SECTORS delay $LOOP 0 0 $LOOP 0 3000"
"$TOOL" create-upper --force --size 4M data /dev/mapper/index >create.log
echo '{ "upper": { "data": "data", "index": "/dev/mapper/index" } }' >config
open_image config live
upper 'do' $DEVICE write 0 65536 flush 0 0

"$TOOL" snapshot live --upper new.data new.index &
until marked || ! kill -0 $! 2>/dev/null; do
	sleep 0.01
done
kill -KILL $! 2>/dev/null || true
wait $! 2>/dev/null || true
suspended || skip 'this machine is too slow to kill it in time'
expect_equal 'the inactive table' "$(dmsetup table --inactive live)" ''
dmsetup resume live

# An entry of the log that takes no room in the data.
upper 'do' $DEVICE discard 0 4096 flush 0 0
cp $DEVICE disk
"$TOOL" close live
open_image config live
expect_same $DEVICE disk
"$TOOL" close live
