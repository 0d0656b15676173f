#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Started without standard input, output or error, the tool prints into no file.
# shellcheck source=tests/tools/common
. "$(dirname "$0")/common"

cd "$work" || exit 1
head -c 300000 /dev/urandom >raw
expect 0 "$tool" create --raw raw layer
expect 0 "$tool" create-upper --size 1M data index
# Repair writes the headers: one of the sizes is less.
printf '\0\0\10' | dd of=data bs=1 seek=48 conv=notrunc status=none
cp data data.before
cp index index.before
expect 0 "$tool" repair data index
cp data data.after
cp index index.after

# Whichever are closed, the outcome is the same.
for closed in '0<&-' '1>&-' '2>&-' '0<&- 1>&-' '1>&- 2>&-' '0<&- 1>&- 2>&-'; do
	eval "\"$tool\" create --raw raw out $closed" >log 2>&1
	cmp layer out || fail "another layer with $closed"
	cp data.before data
	cp index.before index
	eval "\"$tool\" repair data index $closed" >log 2>&1
	{ cmp data data.after && cmp index index.after; } ||
		fail "other files of an upper with $closed"
	# It complains of the second.
	truncate -s 100 index
	cp index short
	eval "\"$tool\" repair data index $closed" >log 2>&1 &&
		fail "an index of 100 bytes was repaired with $closed"
	{ cmp data data.after && cmp index short; } ||
		fail "a complaint went into the upper with $closed"
done

# What was to be printed is lost, which is no success.
"$tool" repair --help >&- 2>err && fail 'it printed nothing, and succeeded'
says 'cannot write the output'
