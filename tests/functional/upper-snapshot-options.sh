# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash source-path=SCRIPTDIR
# Description: snapshots of a frozen file system, without the old index, of block devices
# Kernels: uml-debug
. "${0%/*}/lib.sh" || exit
. "$HERE/upper.sh"

# feature FILE: prints needs_recovery if its ext4 has a journal to be replayed.
feature()
{
	dumpe2fs -h "$1" 2>&1 | grep -o needs_recovery || true
}

# lowers CONFIG FILE: what the layers below the upper of it are.
lowers()
{
	jq 'del(.upper)' "$1" >lowers.json
	"$TOOL" export lowers.json "$2" >export.log
}

# config_upper CONFIG DATA INDEX
config_upper()
{
	printf '{ "lowers": [], "upper": { "data": "%s", "index": "%s" } }\n' \
		"$2" "$3" >"$1"
}

need_tool
need_commands jq mkfs.ext4 dumpe2fs
need_filesystem ext4

say 'frozen'
"$TOOL" create-upper --size 16M data0 index0 >create.log
config_upper config0 data0 index0
open_image config0 live
mkfs.ext4 -q /dev/mapper/live
mkdir mnt
defer umount mnt
mount -t ext4 /dev/mapper/live mnt
device fill raw 0 $MIB
cp raw mnt/one
"$TOOL" snapshot live --upper data1 index1 --config config1 --freeze >snap.log
cp raw mnt/two
sync mnt/two
"$TOOL" snapshot live --upper data2 index2 --config config2 >snap.log
umount mnt
lowers config1 frozen
expect_equal 'the frozen one' "$(feature frozen)" ''
e2fsck -fn frozen >fsck.log 2>&1 || fail "$(cat fsck.log)"
debugfs -R 'cat /one' frozen 2>/dev/null | cmp - raw
lowers config2 running
expect_equal 'the other' "$(feature running)" needs_recovery

say 'without the old index'
cp /dev/mapper/live wanted
"$TOOL" snapshot live --upper data3 index3 --config config3 --remove-index >snap.log
[ ! -e index2 ] || fail 'the index is still there'
[ -e index1 ] || fail 'another index is gone'
"$TOOL" close live
"$TOOL" verify data2 >verify.log
open_image config3 live
cmp /dev/mapper/live wanted
"$TOOL" close live

say 'block devices'
for n in 4 5; do
	truncate -s 20M file$n.data
	truncate -s 2M file$n.index
	attach_upper file$n
	printf -v "DATA$n" %s "$DATA"
	printf -v "INDEX$n" %s "$INDEX"
done
# shellcheck disable=SC2153	# set above
"$TOOL" create-upper --size 16M "$DATA4" "$INDEX4" >create.log
config_upper config4 "$DATA4" "$INDEX4"
open_image config4 live
dd if=wanted of=/dev/mapper/live bs=1M oflag=direct status=none
# shellcheck disable=SC2153
"$TOOL" snapshot live --upper "$DATA5" "$INDEX5" --config config5 >snap.log
dd if=raw of=/dev/mapper/live bs=64K oflag=direct status=none
"$TOOL" close live
lowers config5 exported
cmp exported wanted
open_image config5 live
cmp -n $MIB /dev/mapper/live raw
cmp --ignore-initial=$MIB /dev/mapper/live wanted
"$TOOL" close live
expect_exit $EXIT_INVALID 'has been sealed' "$TOOL" open config4 live
