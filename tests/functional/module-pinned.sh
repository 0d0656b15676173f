# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash source-path=SCRIPTDIR
# Description: the module stays while a device needs it, and goes afterwards
# Kernels: uml-debug 6.12
. "${0%/*}/lib.sh" || exit

need_tool
device fill raw 0 $MIB
create_layer --raw raw --compress zstd layer
stack_create pinned 2048 -- layer
expect_exit 1 'in use' rmmod dm_overlaybd
cmp /dev/mapper/pinned raw
dmsetup remove --retry pinned
retry rmmod dm_overlaybd
[ ! -d /sys/module/dm_overlaybd ] || fail 'the module is still there'
# Whoever makes a device next gets it loaded by the kernel.
dm_create pinned "$STACK" --readonly
cmp /dev/mapper/pinned raw
