# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash source-path=SCRIPTDIR
# Description: reads are right when the module gets no memory
# Leaks: watched
# Kernels: uml-debug
. "${0%/*}/lib.sh" || exit

need_tool
need_faults
device fill disk 0 $((2 * MIB))
cp disk lower
device smash lower $MIB 65536
create_layer --raw lower --compress zstd --block-size 128K layer0
create_layer --raw disk --base lower --compress lz4 layer1
gzip -n <disk >disk.gz
"$TOOL" gzindex --span 64K --checksums --out index disk.gz >gzindex.log

# What the first layer has in reserve for a block is not contiguous, either.
fault_filter fail_page_alloc
echo 6 >/sys/kernel/debug/fail_page_alloc/min-order
echo 0 >/sys/kernel/debug/fail_page_alloc/ignore-gfp-wait
echo 100 >/sys/kernel/debug/fail_page_alloc/probability
stack_create short 4096 no_cache -- layer0 layer1
fault_off fail_page_alloc
gzip_create gzip $((2 * MIB)) disk.gz index

# What cannot wait for memory gets none: every second time, then always. What is
# large does not come from slabs.
fault_filter failslab
fault_filter fail_page_alloc
echo 0 >/sys/kernel/debug/fail_page_alloc/min-order
for probability in 50 100; do
	say "$probability of 100 allocations fail"
	before=$(counter short deferred)
	probability "$probability"
	device compare direct=1 threads=3 reads=60 /dev/mapper/short disk
	device compare threads=3 reads=60 /dev/mapper/short disk
	device compare direct=1 threads=3 reads=30 /dev/mapper/gzip disk
	probability 0
	[ "$(counter short deferred)" -gt "$before" ] ||
		fail 'no read was deferred'
done
cmp /dev/mapper/short disk
expect_counter short read_errors 0
cmp /dev/mapper/gzip disk
expect_equal 'errors of gzip' "$(single_counter gzip read_errors)" 0
