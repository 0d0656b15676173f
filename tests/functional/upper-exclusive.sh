# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash source-path=SCRIPTDIR
# Description: devices of another layer, swapped or in use are refused
# Kernels: uml-debug 6.12
. "${0%/*}/lib.sh" || exit
. "$HERE/upper.sh"

BYTES=$((2 * MIB))

new_upper first $BYTES
a=$DATA ai=$INDEX
open_upper first $BYTES
new_upper second $BYTES
b=$DATA bi=$INDEX
truncate -s $MIB other.data
truncate -s $MIB other.index
upper create uuid=11111111-2222-3333-4444-555555555555 other.data other.index \
	$BYTES
attach_upper other
o=$DATA oi=$INDEX
u='0 8 overlaybd 3 upper'
cat >cases <<END
rw $u $a $ai => layer 0: its devices are in use as a writable layer by [0-9]+:[0-9]+
rw $u $a $bi => layer 0: its devices are in use as a writable layer by [0-9]+:[0-9]+
rw $u $b $ai => layer 0: its devices are in use as a writable layer by [0-9]+:[0-9]+
$u $a $ai => layer 0: its devices are in use as a writable layer by [0-9]+:[0-9]+
rw $u $bi $b => layer 0: LSMT data: flags are 0x1
rw $u $b $oi => layer 0: index: uuid is another than that of the data
rw $u $o $bi => layer 0: index: uuid is another than that of the data
rw $u $b $b => layer 0: data and index are the same device
rw 0 8 overlaybd 6 upper $b $bi upper $o $oi => layer 0: kind is "upper", expected "lower"
rw 0 8 overlaybd 6 upper $b $bi lower $o 0 => layer 0: kind is "upper", expected "lower"
END
# Not got twice, neither for writing first nor last.
for device in $b $bi; do
	for mode in '' 'rw '; do
		say "${mode}0 8 overlaybd 6 lower $device 0 upper $b $bi" \
			"=> layer 0: device $device is one of the upper layer's"
	done
done >>cases
helper refuse - cases
upper 'do' /dev/mapper/first write 0 $MIB flush 0 0

# Once it is gone, another one may have it; but no other target of its table.
dmsetup remove --retry first
! dmsetup create twice --table "$u $a $ai
8${u#0} $a $ai" || fail 'two targets of a table have it'
expect_log 'target type overlaybd must appear alone in table'
! dmsetup create both --table "0 8 linear $device 0
8${u#0} $a $ai" || fail 'another target may write a layer'
expect_log 'singleton target type must appear alone in table'
dm_create again "$u $a $ai"
dmsetup load again --table "$u $a $ai"
dmsetup suspend again
dmsetup resume again
