# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash source-path=SCRIPTDIR
# Description: removing a device in use: refused, deferred, or by force
# Leaks: watched
. "${0%/*}/lib.sh" || exit

# start_reader NAME: reads without end, or until there is an error. The device
# stays open; its name may go, as it does at once when removal is deferred.
start_reader()
{
	while dd if=/proc/self/fd/0 of=/dev/null bs=64k iflag=direct \
		status=none; do
		:
	done 2>reader.log <"/dev/mapper/$1" &
	READER=$!
	defer kill "$READER"
	retry is_reading "$1"
}

is_reading()
{
	[ "$(counter "$1" blocks)" -gt 0 ]
}

is_gone()
{
	! dmsetup info "$1" 2>/dev/null
}

need_tool
device fill compressible=1 raw 0 $((2 * MIB))
create_layer --raw raw --compress zstd layer

say 'refused'
stack_create load 4096 -- layer
start_reader load
expect_exit 1 'busy' dmsetup remove load
is_gone load && fail 'the device is gone'

say 'deferred'
dmsetup remove --deferred load
kill -0 "$READER" || fail "the reader has given up: $(cat reader.log)"
kill "$READER"
wait "$READER" || true
retry is_gone load

say 'by force'
dm_create load "$STACK" --readonly
start_reader load
dmsetup remove --force load 2>force.log || true
wait "$READER" || true
grep -q 'Input/output error' reader.log ||
	fail "the reader ended with: $(cat reader.log)"
dmsetup remove --retry load 2>/dev/null || true
retry is_gone load
