# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash source-path=SCRIPTDIR
# Description: every reason to refuse a table is given, and tested
# Leaks: watched
. "${0%/*}/lib.sh" || exit
. "$HERE/upper.sh"

# corrupt OFFSET NAME: a layer with a byte of its trailer wrong.
corrupt()
{
	cp layer "$2"
	device flip "$2" $(($(stat -c %s layer) - 4096 + $1))
	attach "$2"
}

# padded LAYERS: arguments for so many layers with nothing but padding in a large
# index, into the variable PADDED.
padded()
{
	local n

	{
		head -c 4096 layer
		head -c $((16 * MIB)) /dev/zero | tr '\0' '\377'
		tail -c 4096 layer
	} >padding
	# Of the trailer: where the index begins, and its entries.
	printf '\0\x10\0\0\0\0\0\0\0\0\x10\0\0\0\0\0' |
		dd of=padding bs=1 seek=$((16 * MIB + 4096 + 32)) conv=notrunc \
			status=none
	PADDED=
	for ((n = 0; n < $1; n++)); do
		loop_attach padding
		PADDED+=" lower $LOOP 0"
	done
}

# attach NAME: then $NAME is its device.
attach()
{
	loop_attach "$1"
	printf -v "$1" %s "$LOOP"
}

need_tool
device fill raw 0 $MIB
create_layer --raw raw layer
create_layer --raw raw --compress lz4 packed
create_layer --raw raw --compress lz4 --tar tar
bytes=$(stat -c %s packed)
attach layer
attach packed
attach tar
new_upper upper $MIB
printf -v many ' lower %s 0' {1..256}
padded 33
# shellcheck disable=SC2154	# by attach
{
	a="overlaybd 3 lower"
	b="overlaybd-zfile"
	c="overlaybd-gzip"
	d="overlaybd 3 upper"
	cat <<-EOF
		rw 0 8 $a $layer 0 => without an upper layer the device must be read-only: use dmsetup --readonly
		rw 0 8 $b $packed 0 => without an upper layer the device must be read-only
		0 8 overlaybd => number of layer arguments is ""
		0 8 overlaybd 0 => number of layer arguments is "0", expected 3 or more; 0 arguments follow it
		0 8 overlaybd x lower $layer 0 => number of layer arguments is "x"
		0 8 overlaybd -3 lower $layer 0 => number of layer arguments is "-3"
		0 8 overlaybd 2 lower $layer => layer 0: 2 arguments, expected 3 for "lower"
		0 8 overlaybd 6 turbo $layer 0 $layer 0 - => layer 0: 6 arguments, expected 7 for "turbo"
		0 8 overlaybd 7 turbo $layer 0 $layer x - 0 => layer 1: length is "x", expected a number of bytes
		0 8 overlaybd 7 turbo $layer 0 $layer 0 /dev/nowhere 0 => layer 1: cannot open device /dev/nowhere
		0 8 overlaybd 7 turbo $layer 0 $layer 0 $layer 0 => layer 1: gzip index: bad magic
		0 8 overlaybd 7 turbo $packed 0 $layer 0 - 0 1 fast => option is "fast"
		0 8 overlaybd 6 lower $layer 0 => number of layer arguments is "6", .*; 3 arguments follow it
		0 8 overlaybd 4294967295 lower $layer 0 => number of layer arguments is "4294967295"
		0 8 overlaybd 6 upper $layer 0 lower $layer 0 => layer 0: kind is "upper", expected "lower" or "turbo", or "upper" for the last
		0 8 overlaybd 3 upper $layer 0 => layer 0: cannot open device 0
		0 8 overlaybd 6 lower $layer 0 lover $layer 0 => layer 1: kind is "lover", expected "lower" or "turbo", or "upper" for the last
		0 8 $a $layer -1 => layer 0: length is "-1", expected a number of bytes
		0 8 $a $layer 12k => layer 0: length is "12k"
		0 8 $a $layer 99999999999999999999 => layer 0: length is "99999999999999999999"
		0 8 $a /dev/nowhere 0 => layer 0: cannot open device /dev/nowhere
		0 8 overlaybd 6 lower $layer 0 lower 999:99 0 => layer 1: cannot open device 999:99
		0 8 $a $layer 0 1 => number of options is wrong: 0 arguments follow it
		0 8 $a $layer 0 2 no_verify => number of options is wrong: 1 arguments follow it
		0 8 $a $layer 0 x no_verify => number of options is wrong: 1 arguments follow it
		0 8 $a $layer 0 1 verify => option is "verify", expected "no_verify"
		0 8 $a $layer 0 2 low_water 8 => option "low_water" is for devices with an upper layer
		0 8 $d $DATA $INDEX 1 low_water => low_water is "", expected a number of sectors
		0 8 $d $DATA $INDEX 2 low_water 8k => low_water is "8k", expected a number of sectors
		rw 0 8 $d $layer $INDEX => layer 0: device $layer is read-only, expected one that can be written, or a read-only table
		rw 0 8 $d $DATA $layer => layer 0: device $layer is read-only, expected one that can be written
		rw 0 8 overlaybd 6 lower $DATA 0 upper $DATA $INDEX => layer 0: device $DATA is one of the upper layer's
		0 8 overlaybd 768$many => 256 layers, expected 1 to 255; a turbo layer counts as two
		0 2049 $a $layer 0 => length is 2049 sectors, expected at most 2048
		0 8 $b => 0 arguments, expected a device and a length
		0 8 $b $packed => 1 arguments, expected a device and a length
		0 8 $b $layer 0 => layer 0: not a ZFile
		rw 0 8 $c $layer 0 $layer 0 => without an upper layer the device must be read-only
		0 8 $c $layer 0 $layer => 3 arguments, expected a device and a length, and those of the index
		0 8 $c $layer 0 $layer 0 => layer 0: gzip index: bad magic
		0 8 $c $layer 99999999999 $layer 0 => layer 0: gzip: length is 99999999999 bytes, expected at most
		0 8 $b $packed $bytes 1 what => option is "what", expected "no_verify"
		0 999999 $b $packed $bytes => length is 999999 sectors, expected at most
		0 8 $a $layer 511 => layer 0: length is 511 bytes, expected 512 to
		0 8 $a $layer 4398046511104 => layer 0: length is 4398046511104 bytes, expected 512 to
		0 8 $a $layer 512 => layer 0: LSMT layer of 512 bytes, expected 8192 or more
		0 8 $a $layer 65536 => layer 0: LSMT trailer: bad magic
		0 8 $a $packed 8192 => layer 0: ZFile header: index_offset is [0-9]+, expected 512 to
		0 8 $a $tar 8192 => layer 0: tar header: size is [0-9]+, expected 1 to
	EOF
	corrupt 0 magic
	echo "0 8 $a $magic 0 => layer 0: LSMT trailer: bad magic"
	corrupt 24 size
	echo "0 8 $a $size 0 => layer 0: LSMT trailer: size is [0-9]+, expected 390"
	echo "0 8 overlaybd 99$PADDED => the stack has 34594560 index entries or more, expected at most 33554432"
	corrupt 28 flags
	echo "0 8 $a $flags 0 => layer 0: LSMT trailer: flags are 0xf9"
	corrupt 38 index
	echo "0 8 $a $index 0 => layer 0: LSMT trailer: index_offset is"
	corrupt 46 entries
	echo "0 8 $a $entries 0 => layer 0: LSMT trailer: index_size is"
	corrupt 48 odd
	echo "0 8 $a $odd 0 => layer 0: LSMT trailer: virtual_size is [0-9]+, expected a multiple of 512"
	corrupt 55 huge
	echo "0 8 $a $huge 0 => layer 0: LSMT trailer: virtual_size is [0-9]+, expected at most"
	corrupt 132 version
	echo "0 8 $a $version 0 => layer 0: LSMT trailer: version is 254, expected 1"
} >cases
# Not provoked here: lack of memory is for ctr-fault-injection, larger sectors
# are for limits-4kn. Only a device that is in use can shrink.
helper refuse "$TREE/dm-overlaybd-table.c" cases 'no memory' \
	'logical blocks' 'does not shrink'
open_upper shrink $MIB
upper_table $((MIB - SECTOR))
expect_exit 1 . dmsetup load shrink --table "$TABLE"
expect_log 'length is 2047 sectors, expected at least 2048: a device does not shrink'
