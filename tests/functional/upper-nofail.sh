# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash source-path=SCRIPTDIR
# Description: no write fails, hangs or is lost when the module gets no memory
# Kernels: uml-debug
. "${0%/*}/lib.sh" || exit
. "$HERE/upper.sh"

BYTES=$((8 * MIB))
DEVICE=/dev/mapper/nofail

need_model
need_faults
base_layer $BYTES
refuse_any
# Pages may not be asked for where slabs have room, but objects are.
echo 100 >/sys/kernel/debug/failslab/probability
expect_exit 1 'Cannot allocate memory' dmsetup create refused --readonly \
	--table "0 8 overlaybd 3 $LOWERS"
probability 0
# What becomes free without memory to note it is lost until it is opened again.
new_upper nofail $BYTES $((16 * BYTES))
open_upper nofail $BYTES "$LOWERS"
# Nobody has to get along with no memory at all.
for spare in Y N; do
	for percent in 20 $([ $spare = N ] && echo 40 || echo 60); do
		say "$percent percent fail, but what can wait: $spare"
		spare_waiting $spare
		probability "$percent"
		timeout 60 "$MODEL" run --model saved --base raw --ops 4000 \
			--max 65536 --race 20 $DEVICE
		probability 0
	done
done
expect_upper nofail mode rw
reopen nofail
"$MODEL" compare --model saved --base raw $DEVICE
