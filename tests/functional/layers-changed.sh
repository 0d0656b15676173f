# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash source-path=SCRIPTDIR
# Description: another blob in the place of one in use is another layer
# Kernels: uml-debug
. "${0%/*}/lib.sh" || exit

SECTORS=$((MIB / SECTOR))

# replace FILE: what the loop device is over has that content from now on.
replace()
{
	dd if="$1" of=slot bs=64k conv=notrunc status=none
}

# expect_image NAME FILE
expect_image()
{
	blockdev --flushbufs "/dev/mapper/$1"
	cmp "/dev/mapper/$1" "$2" || fail "$1 does not show $2"
	device compare direct=1 reads=30 "/dev/mapper/$1" "$2"
}

# change_under KIND: blobs old-KIND and new-KIND are of one length, over images
# old and new.
change_under()
{
	local bytes line

	bytes=$(stat -c %s "old-$1")
	expect_equal "length of new-$1" "$(stat -c %s "new-$1")" "$bytes"
	rm -f slot
	cp "old-$1" slot
	loop_attach slot
	line="0 $SECTORS overlaybd 3 lower $LOOP $bytes"

	dm_create "first-$1" "$line" --readonly
	expect_image "first-$1" old
	device scattered step=4096 "/dev/mapper/first-$1" old
	replace "new-$1"

	say "$1: another device over what is there now"
	dm_create "second-$1" "$line" --readonly
	expect_times "second-$1" ' shared 0 .* map private$'
	expect_image "second-$1" new

	say "$1: the first, with its table loaded again"
	dmsetup reload "first-$1" --readonly --table "$line"
	dmsetup suspend "first-$1"
	dmsetup resume "first-$1"
	expect_times "first-$1" ' shared 1 .* map shared$'
	expect_image "first-$1" new

	say "$1: the old one comes back"
	replace "old-$1"
	dm_create "third-$1" "$line" --readonly
	expect_times "third-$1" ' shared 0 .* map private$'
	expect_image "third-$1" old
	dmsetup remove --retry "first-$1" "second-$1"
	expect_image "third-$1" old
	dmsetup remove --retry "third-$1"
}

need_tool
# Noise does not shrink, so that blobs of as much are of one length.
device fill old 196608 131072
device fill seed=2 new 524288 131072
truncate -s $MIB old new
for name in old new; do
	create_layer --raw $name $name-plain
	create_layer --raw $name --compress lz4 $name-packed
done
change_under plain
change_under packed
