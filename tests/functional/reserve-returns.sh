# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash source-path=SCRIPTDIR
# Description: the reserve comes back from a bio that the cache has served
# Kernels: uml-debug
# Timeout: 400
. "${0%/*}/lib.sh" || exit

need_tool
need_faults
device fill disk 0 65536
create_layer --raw disk --compress lz4 layer0
stack_create short 128 -- layer0
params=/sys/module/dm_overlaybd/parameters
defer eval "echo $(cat $params/cache_mib) >$params/cache_mib"
echo 0 >/sys/kernel/debug/failslab/probability
fault_filter failslab
for round in $(seq 40); do
	echo 0 >$params/cache_mib
	echo 8 >$params/cache_mib
	echo 60 >/sys/kernel/debug/failslab/probability
	timeout -s KILL 40 env PYTHONPATH="$HERE" python3 -B -S "$HERE/device.py" compare direct=1 threads=8 reads=30 seed="$round" /dev/mapper/short disk ||
		fail "round $round: reads hang"
	echo 0 >/sys/kernel/debug/failslab/probability
done
echo 0 >$params/cache_mib
echo 100 >/sys/kernel/debug/failslab/probability
timeout -s KILL 20 dd if=/dev/mapper/short of=/dev/null bs=4096 count=1 iflag=direct || fail 'the reserve is gone'
echo 0 >/sys/kernel/debug/failslab/probability
say "deferred $(counter short deferred)"
