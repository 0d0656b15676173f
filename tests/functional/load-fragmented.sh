# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash source-path=SCRIPTDIR
# Description: indexes are read where no 64 KiB of memory are in one piece
# Kernels: uml-debug
. "${0%/*}/lib.sh" || exit

need_tool
need_faults
device fill disk 0 $((8 * MIB))
cp disk lower
device sprinkle sectors=6000 lower
create_layer --raw lower layer0
create_layer --raw disk --base lower layer1

fault_filter fail_page_alloc
echo 4 >/sys/kernel/debug/fail_page_alloc/min-order
echo 0 >/sys/kernel/debug/fail_page_alloc/ignore-gfp-wait
echo 100 >/sys/kernel/debug/fail_page_alloc/probability
stack_create pieces $((8 * MIB / SECTOR)) -- layer0 layer1
fault_off fail_page_alloc
# Of 16 bytes each, more than the half of that.
[ "$(counter pieces extents)" -gt 2048 ] || fail 'the index is too small'
cmp /dev/mapper/pieces disk
