# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash source-path=SCRIPTDIR
# Description: a table loads, or fails cleanly, whichever allocation fails
# Leaks: watched
# Kernels: uml-debug
. "${0%/*}/lib.sh" || exit

need_tool
need_faults
device fill compressible=1 raw 0 $MIB
create_layer --raw raw --compress lz4 --tar layer0
cp raw disk
device smash disk 70000 100
create_layer --raw disk --base raw layer1
create_layer --raw disk --compress zstd --block-size 64K layer2
# Once, so that what is allocated for good is there.
stack_create faults 2048 -- layer0 layer1 layer2
dmsetup remove --retry faults
layers=$STACK
gzip -n <raw >raw.gz
"$TOOL" gzindex --span 64K --checksums --out index raw.gz >gzindex.log
gzip_create gzip $MIB raw.gz index
dmsetup remove --retry gzip

fail_each "$layers" 'no memory for the target' 'no memory to merge' \
	'layer [0-2]: no memory for a jump table' \
	'layer [0-2]: no memory to decompress'
fail_each "$STACK" 'no memory for the target' 'gzip: no memory to inflate' \
	'gzip index: |no memory for [0-9]* (access points|checksums)'
dm_create faults "$layers" --readonly
cmp /dev/mapper/faults disk
dm_create gzip "$STACK" --readonly
cmp /dev/mapper/gzip raw
