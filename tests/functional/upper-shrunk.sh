# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash source-path=SCRIPTDIR
# Description: a data device that has become too short is told, and may grow again
# Kernels: uml-debug
. "${0%/*}/lib.sh" || exit
. "$HERE/upper.sh"

BYTES=$((2 * MIB))

# resize BYTES: the data device
resize()
{
	truncate -s "$1" shrunk.data
	losetup --set-capacity "$DATA"
}

new_upper shrunk $BYTES
open_upper shrunk $BYTES
full=$(stat -c %s shrunk.data)
upper 'do' /dev/mapper/shrunk write 0 $BYTES flush 0 0
dmsetup suspend shrunk
resize $MIB
! dmsetup resume shrunk || fail 'it goes on without half of its data'
expect_log 'overlaybd: [0-9:]+: data is 2048 sectors, expected at least 41[0-9]+'
resize "$full"
dmsetup resume shrunk
upper 'do' /dev/mapper/shrunk write 0 $MIB flush 0 0
