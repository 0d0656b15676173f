# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash source-path=SCRIPTDIR
# Description: a log that fills its device is not made shorter where it does not fit
# Kernels: uml-debug
. "${0%/*}/lib.sh" || exit
. "$HERE/upper.sh"

BYTES=$MIB
SLOTS=1024
DEVICE=/dev/mapper/end

# The same sectors again and again, as others log it.
new_upper end $BYTES $((2 * MIB)) $((4096 + 16 * SLOTS))
helper upperlog cycle end.index $SLOTS 700
open_upper end $BYTES
expect_upper end log_entries $SLOTS

say 'no room, but nothing breaks'
upper 'do' $DEVICE flush 0 0
expect_upper end mode rw
expect_equal 'discard' "$(upper 'do' $DEVICE discard 0 4096 || true)" ENOSPC
expect_upper end mode rw
upper 'do' $DEVICE write 0 512 flush 0 0

say 'grown'
truncate -s $((4096 + 16 * 4 * SLOTS)) end.index
losetup --set-capacity "$INDEX"
dmsetup suspend --noflush --nolockfs end
dmsetup resume end
upper 'do' $DEVICE discard 0 4096 flush 0 0
expect_upper end mode rw
reopen end
cmp -n 4096 $DEVICE /dev/zero
