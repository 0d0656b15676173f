# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash source-path=SCRIPTDIR
# Description: what is to be prefetched of a gzip file is there although the device was suspended meanwhile
# Kernels: uml-debug 6.12
. "${0%/*}/lib.sh" || exit

BLOCK=65536
BLOCKS=96

brought()
{
	single_counter wanted prefetch_blocks
}

# brought_more NR: than so many blocks.
brought_more()
{
	[ "$(brought)" -gt "$1" ]
}

all_brought()
{
	[ "$(brought)" = $BLOCKS ]
}

need_tool
need_target delay
device fill raw 0 $((BLOCKS * BLOCK))
slow_gzip raw 40 --span 256K
dm_create wanted "$STACK" --readonly
dmsetup message wanted 0 prefetch add 0 0 $BLOCKS
for _ in 1 2; do
	before=$(brought)
	retry brought_more "$before"
	dmsetup suspend wanted
	dmsetup resume wanted
done
[ "$(brought)" -lt $BLOCKS ] || fail 'there was nothing left to lose'
retry all_brought
expect_equal 'errors' "$(single_counter wanted read_errors)" 0
cmp /dev/mapper/wanted raw

say 'what has been cancelled does not come back'
dmsetup remove --retry wanted
dmsetup create wanted --readonly --table "$STACK"
dmsetup message wanted 0 prefetch add 0 0 $BLOCKS
retry brought_more 0
dmsetup suspend wanted
dmsetup message wanted 0 prefetch cancel
before=$(brought)
dmsetup resume wanted
sleep 0.5
expect_equal 'blocks' "$(brought)" "$before"

say 'nor is it in the way of removing the device'
dmsetup message wanted 0 prefetch add 0 0 $BLOCKS
retry brought_more "$before"
dmsetup suspend wanted
dmsetup remove --retry wanted
