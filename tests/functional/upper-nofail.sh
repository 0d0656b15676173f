# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash source-path=SCRIPTDIR
# Description: no write fails, hangs or is lost when the module gets no memory
# Kernels: uml-debug 6.12
. "${0%/*}/lib.sh" || exit
. "$HERE/upper.sh"

BYTES=$((8 * MIB))
DEVICE=/dev/mapper/nofail

# spare_waiting Y|N: only what cannot wait for memory is refused, or all.
spare_waiting()
{
	echo "$1" >/sys/kernel/debug/failslab/ignore-gfp-wait
	echo "$1" >/sys/kernel/debug/fail_page_alloc/ignore-gfp-wait
}

probability()
{
	echo "$1" >/sys/kernel/debug/failslab/probability
	echo "$1" >/sys/kernel/debug/fail_page_alloc/probability
}

# expect_refused CAPABILITY: without that no table loads, so the filter lets what
# the module asks for fail.
expect_refused()
{
	fault_filter "$1"
	echo 100 >"/sys/kernel/debug/$1/probability"
	expect_exit 1 'Cannot allocate memory' dmsetup create refused \
		--readonly --table "0 8 overlaybd 3 $LOWERS"
	echo 0 >"/sys/kernel/debug/$1/probability"
}

need_model
need_faults
base_layer $BYTES
echo 0 >/sys/kernel/debug/fail_page_alloc/min-order
spare_waiting N
expect_refused failslab
expect_refused fail_page_alloc
# What becomes free without memory to note it is lost until it is opened again.
new_upper nofail $BYTES $((16 * BYTES))
open_upper nofail $BYTES "$LOWERS"
# Nobody has to get along with no memory at all.
for spare in Y N; do
	for percent in 20 $([ $spare = N ] && echo 40 || echo 60); do
		say "$percent percent fail, but what can wait: $spare"
		spare_waiting $spare
		probability $percent
		timeout 60 "$MODEL" run --model saved --base raw --ops 4000 \
			--max 65536 --race 20 $DEVICE
		probability 0
	done
done
expect_upper nofail mode rw
reopen nofail
"$MODEL" compare --model saved --base raw $DEVICE
