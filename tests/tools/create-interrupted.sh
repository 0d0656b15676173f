#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# create that is interrupted or fails leaves nothing behind.
# shellcheck source=tests/tools/common
. "$(dirname "$0")/common"

need python3

echo old >"$work/out.layer"
python3 "$here/make-image.py" noise 13 20000000 "$work/raw"
ulimit -c 0
for signal in INT TERM HUP QUIT ALRM XCPU USR1 USR2; do
	# Slow enough to be caught at work. Shells let what runs in the background
	# ignore SIGINT.
	env --default-signal "$tool" create --raw "$work/raw" \
		--compress zstd --level 19 --block-size 1M --threads 1 \
		"$work/out.layer" >/dev/null 2>&1 &
	pid=$!
	for _ in {1..500}; do
		compgen -G "$work/.out.layer.*" >/dev/null && break
		sleep 0.02
	done
	compgen -G "$work/.out.layer.*" >/dev/null || fail "nothing began"
	kill -s $signal $pid
	wait $pid 2>/dev/null && fail "SIG$signal did not end it"
	nothing_left "$work"
	[ "$(cat "$work/out.layer")" = old ] || fail "the old file is gone"
done

expect 1 "$tool" create --raw "$work/none" "$work/out.layer"
says "none"
expect 1 "$tool" create --raw "$work/raw" "$work/none/layer"
expect 1 "$tool" create --raw "$work/raw" --base "$work" "$work/out.layer"
nothing_left "$work"
[ "$(cat "$work/out.layer")" = old ] || fail "the old file is gone"
(
	ulimit -f 64
	expect 1 "$tool" create --raw "$work/raw" "$work/out.layer"
	says "cannot write"
) || exit 1
nothing_left "$work"
