# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash source-path=SCRIPTDIR
# Description: a suspended writable layer is complete on its devices
. "${0%/*}/lib.sh" || exit
. "$HERE/upper.sh"

BYTES=$((16 * MIB))
DEVICE=/dev/mapper/suspend

need_model
new_upper suspend $BYTES
open_upper suspend $BYTES

# Nobody has asked for anything to be durable.
for options in '' --noflush --nolockfs; do
	say "suspend $options"
	model --model saved --ops 3000 --max 65536 --mix 20,60,10,10,0 $DEVICE
	# shellcheck disable=SC2086	# no option is no word
	dmsetup suspend $options suspend
	expect_upper suspend pending 0
	upper check suspend.data suspend.index
	upper flatten suspend.data suspend.index flat
	"$MODEL" compare --model saved flat
	dmsetup resume suspend
	"$MODEL" compare --model saved $DEVICE
done

say 'in the middle of writes'
start_model --model saved --max 65536 --race 20 $DEVICE
for _ in {1..8}; do
	sleep 0.2
	dmsetup suspend suspend
	expect_upper suspend pending 0
	upper check suspend.data suspend.index
	dmsetup resume suspend
done
stop_model
"$MODEL" compare --model saved $DEVICE
