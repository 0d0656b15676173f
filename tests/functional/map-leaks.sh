# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash source-path=SCRIPTDIR
# Description: kmemleak does not take maps of many extents for lost
# Leaks: watched
# Kernels: uml-debug
. "${0%/*}/lib.sh" || exit

SECTORS=131072

need_tool
[ -w /sys/kernel/debug/kmemleak ] || skip 'this kernel has no kmemleak'
truncate -s $((SECTORS * SECTOR)) disk
device sprinkle sectors=6000 disk
create_layer --raw disk layer
stack_create many $SECTORS -- layer
# There are 2720 in a piece of a map.
[ "$(counter many extents)" -gt 5440 ] || fail 'a small map'
lost=$("$TREE/tests/vm/leaks")
[ -z "$lost" ] || fail "$lost"
