# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash source-path=SCRIPTDIR
# Description: a disk that was growing when it crashed has grown, or has not
# Kernels: uml-debug
. "${0%/*}/lib.sh" || exit
# shellcheck source=../crash/stack.sh
. "$TREE/tests/crash/stack.sh"

POINTS=${TORTURE_POINTS:-40}
OLD=4096
NEW=6144
DATA=$((NEW + 1024))

# size_in FILE BYTE: prints the virtual size that the header there has.
size_in()
{
	od -An -t u8 -j $(($2 + 48)) -N 8 "$1" | tr -d ' '
}

# sizes: in the headers of the disk, of the data and of the index.
sizes()
{
	say "$(size_in disk 0) $(size_in disk $((DATA * SECTOR)))"
}

# crash_at OPTION...: as long as it was, at some points.
crash_at()
{
	crash_replay --table "$(upper_table disk $OLD)" --history history \
		--marks grown marks --run '. ./check' "$@"
}

need_tool
need_crash_tools
crash_folder
say "seed $SEED, $POINTS points"
blank_upper $OLD $DATA 1024
start_log 64
split_disk log /dev/mapper/crash-log $DATA
dm_create load "$(upper_table log $OLD)"
crash_load --ops 300 --log crash-log --cut 150 "
	dmsetup suspend --nolockfs --noflush load &&
	dmsetup load load --table '$(upper_table log $NEW)' &&
	dmsetup resume load &&
	dmsetup message crash-log 0 mark grown=1" /dev/mapper/load history
expect_equal size "$(blockdev --getsz /dev/mapper/load)" $NEW
dmsetup remove load
unsplit_disk log
stop_log

cp start disk
loop_writable disk
split_disk disk "$LOOP" $DATA
old="$((OLD * SECTOR))" new="$((NEW * SECTOR))"
# With the device open: what was interrupted is finished.
cat >check <<-END
	size() { od -An -t u8 -j 48 -N 8 /dev/mapper/disk-\$1 | tr -d ' '; }
	sizes="\$(size data) \$(size index)"
	case \$sizes in
	"$new $new")	;;
	"$old $old")	[ ! -s marks ];;
	*)		false;;
	esac || { echo "  sizes: \$sizes, grown: \$(cat marks)"; exit 1; }
END
crash_at --points "$POINTS" --near $DATA

say 'between the two headers'
entry=$("$CRASH/crash-replay" --list log start start |
	sed -n "s/^\([0-9]*\): $DATA + 1 fua$/\1/p")
crash_replay --after $((entry + 1))
expect_equal 'sizes in the headers' "$(sizes)" "$old $new"
crash_at --after $((entry + 1))
expect_equal 'sizes in the headers' "$(sizes)" "$new $new"
unsplit_disk disk
