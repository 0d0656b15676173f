# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash source-path=SCRIPTDIR
# Description: a snapshot that a crash interrupts leaves one layer or two, with all
# Kernels: uml-debug
. "${0%/*}/lib.sh" || exit
# shellcheck source=../crash/stack.sh
. "$TREE/tests/crash/stack.sh"

POINTS=${TORTURE_POINTS:-20}
SECTORS=2048
DATA=4096
INDEX=512
TAIL=64		# the last sectors are written when the snapshot is made

# split_four NAME DEVICE: the parts of two layers.
split_four()
{
	split_disk "$1" "$2" $DATA
	dmsetup remove "$1-index"
	dm_create "$1-index" "0 $INDEX linear $2 $DATA"
	dm_create "$1-data1" "0 $DATA linear $2 $((DATA + INDEX))"
	dm_create "$1-index1" "0 $INDEX linear $2 $((2 * DATA + INDEX))"
}

unsplit_four()
{
	unsplit_disk "$1"
	dmsetup remove --retry "$1-data1"
	dmsetup remove --retry "$1-index1"
}

stage()
{
	dmsetup message crash-log 0 mark "stage=$1"
}

need_tool
need_commands jq
need_crash_tools
crash_folder
say "seed $SEED, $POINTS points"
blank_upper $SECTORS $DATA $((DATA + 2 * INDEX))
loop_writable start
split_four start "$LOOP"
dm_create load "$(upper_table start $SECTORS)"
crash_load --ops 300 --max-sectors 64 /dev/mapper/load history
sync /dev/mapper/load
cp /dev/mapper/load disk-before
dmsetup remove load
unsplit_four start
losetup --detach "$LOOP"

start_log 64
split_four log /dev/mapper/crash-log
echo '{ "upper": { "data": "/dev/mapper/log-data",
	"index": "/dev/mapper/log-index" } }' >config
open_image config live
"$TOOL" snapshot live --force --json --config config1 --upper \
	/dev/mapper/log-data1 /dev/mapper/log-index1 >snapshot.json
stage 1
cp disk-before disk-after
device fill tail 0 $((TAIL * SECTOR))
for to in disk-after /dev/mapper/live; do
	dd if=tail of="$to" bs=$SECTOR seek=$((SECTORS - TAIL)) \
		conv=notrunc,fsync status=none
done
stage 2
"$TOOL" close live
unsplit_four log
stop_log

cp start disk
loop_writable disk
split_four disk "$LOOP"
bytes=$(jq .sealed.bytes snapshot.json)
upper="0 $SECTORS overlaybd 3 upper /dev/mapper/disk-data /dev/mapper/disk-index"
lower="lower /dev/mapper/disk-data $bytes"
both="0 $SECTORS overlaybd 6 $lower upper /dev/mapper/disk-data1 /dev/mapper/disk-index1"
cat >check <<-END
	# holds FILE TABLE [SECTORS]: as many sectors of the file
	holds()
	{
		dmsetup create crash --readonly --table "\$2" &&
			cmp -n \$((\${3:-$SECTORS} * $SECTOR)) /dev/mapper/crash \$1 &&
			dmsetup remove --retry crash
	}
	case \$(tail -n 1 marks) in
	2)	echo after >>kinds
		holds disk-after "$both"
		exit;;
	1)	echo after >>kinds
		holds disk-before "$both" $((SECTORS - TAIL))
		exit;;
	esac
	if dmsetup create crash --readonly --table "$upper" 2>/dev/null; then
		echo before >>kinds
		dmsetup remove --retry crash
		holds disk-before "$upper"
	else
		echo between >>kinds
		$TOOL seal /dev/mapper/disk-data /dev/mapper/disk-index &&
			holds disk-before "0 $SECTORS overlaybd 3 $lower"
	fi
END
crash_replay --points "$POINTS" --every-flush --marks stage marks --run '. ./check'
for kind in before after; do
	grep -q $kind kinds || fail "at no point it was $kind"
done
unsplit_four disk
