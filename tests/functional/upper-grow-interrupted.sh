# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash source-path=SCRIPTDIR
# Description: growing that stopped after one header goes on when the disk is used
# Kernels: uml-debug
. "${0%/*}/lib.sh" || exit
. "$HERE/upper.sh"

OLD=$((8 * MIB))
NEW=$((12 * MIB))
DEVICE=/dev/mapper/half

# half_grown FILE: a disk with something on it; that header has the new size.
half_grown()
{
	new_upper half $OLD $((32 * MIB))
	open_upper half $OLD
	device fill $DEVICE $MIB 100000
	sync $DEVICE
	cp --sparse=always $DEVICE disk
	dmsetup remove --retry half
	upper resize "$1" $NEW
}

# sizes: in the headers, by the devices.
sizes()
{
	upper sizes "$DATA" "$INDEX"
}

for file in half.index half.data; do
	say "$file has the new size"
	half_grown $file
	before=$(sizes)
	upper_table $OLD
	dm_create half "$TABLE" --readonly
	cmp $DEVICE disk
	dmsetup remove --retry half
	expect_equal 'sizes, read only' "$(sizes)" "$before"

	# As short as ever, and yet the disk has become longer.
	open_upper half $OLD
	expect_equal 'sizes' "$(sizes)" "$NEW $NEW"
	cmp $DEVICE disk
	dmsetup remove --retry half

	# The larger of both counts, from the first table on.
	upper resize $file $OLD
	upper_table $((NEW + SECTOR))
	expect_exit 1 . dmsetup create half --table "$TABLE"
	expect_log "length is $((NEW / SECTOR + 1)) sectors, expected at most $((NEW / SECTOR))"
	open_upper half $NEW
	expect_equal 'sizes' "$(sizes)" "$NEW $NEW"
	truncate -s $NEW disk
	for to in $DEVICE disk; do
		device fill seed=2 "$to" $((OLD - 4096)) 70000
		device fill seed=3 "$to" $((NEW - 4096)) 4096
	done
	sync $DEVICE
	cmp $DEVICE disk
	reopen half
	cmp $DEVICE disk
	dmsetup remove --retry half
	losetup --detach "$DATA"
	losetup --detach "$INDEX"
done
