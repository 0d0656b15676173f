# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash source-path=SCRIPTDIR
# Description: a gzip file's device in use is removed: refused, deferred, by force
# Kernels: uml-debug 6.12
. "${0%/*}/lib.sh" || exit

SIZE=$((4 * MIB))
MS=15			# for each read of the gzip file, so that some are under way
SLOWER=500		# so that they still are when who reads has been served

# start_reader: reads without end, or until there is an error. The device stays
# open; its name may go.
start_reader()
{
	while dd if=/proc/self/fd/0 of=/dev/null bs=64k count=8 iflag=direct \
		status=none; do
		:
	done 2>reader.log </dev/mapper/load &
	READER=$!
	defer kill "$READER"
	retry is_reading
}

is_reading()
{
	[ "$(single_counter load blocks)" -gt 2 ]
}

is_gone()
{
	! dmsetup info load 2>/dev/null
}

need_tool
need_target delay
device fill raw 0 $SIZE
gzip -n <raw >raw.gz
"$TOOL" gzindex --span 256K --out index raw.gz >made
attach_whole index index
index=$LINE
slow_file raw.gz slow $MS
STACK="0 $((SIZE / SECTOR)) overlaybd-gzip $LINE $index 1 no_cache"

say 'refused'
dm_create load "$STACK" --readonly
start_reader
expect_exit 1 'busy' dmsetup remove load
is_gone && fail 'the device is gone'

say 'deferred'
dmsetup remove --deferred load
kill -0 "$READER" || fail "the reader has given up: $(cat reader.log)"
kill "$READER"
wait "$READER" || true
retry is_gone

say 'by force'
dm_create load "$STACK" --readonly
start_reader
dmsetup remove --force load 2>force.log || true
wait "$READER" || true
grep -q 'Input/output error' reader.log ||
	fail "the reader ended with: $(cat reader.log)"
dmsetup remove --retry load 2>/dev/null || true
retry is_gone

say 'while something is read ahead'
slow_file raw.gz slower $SLOWER
STACK="0 $((SIZE / SECTOR)) overlaybd-gzip $LINE $index 1 no_cache"
for n in {1..4}; do
	dmsetup create load --readonly --table "$STACK"
	dd if=/dev/mapper/load of=part bs=64k count=1 iflag=direct status=none \
		skip=$((n * 4))
	dmsetup remove --retry load
	dd if=raw bs=64k count=1 skip=$((n * 4)) status=none | cmp - part
done
