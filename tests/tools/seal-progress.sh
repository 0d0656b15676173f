#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# On a terminal seal says what it does with a long log, and leaves no trace of it.
# shellcheck source=tests/tools/common
. "$(dirname "$0")/common"

need python3

# long_layer: 4 Mi entries, of which the last 64 Ki are live.
long_layer()
{
	expect 0 "$tool" create-upper --force --size 64M "$work/data" \
		"$work/index"
	python3 - "$work/data" "$work/index" <<-'END'
		import os
		import struct
		import sys

		FIRST = 8
		log = b"".join(struct.pack("<QQ", 2 * n | 1 << 50, FIRST + n)
		               for n in range(1 << 16))
		os.truncate(sys.argv[1], (FIRST + (1 << 16)) * 512)
		with open(sys.argv[2], "r+b") as index:
		    index.seek(4096)
		    for _ in range(64):
		        index.write(log)
		    index.truncate()
	END
}

long_layer
on_terminal "$tool" seal "$work/data" "$work/index" >"$work/out" ||
	fail "seal: $(cat "$work/err")"
grep -q 'seal: sorting 4194304 log entries' "$work/err" ||
	fail "said: $(cat "$work/err")"
[ "$(tail -c 4 "$work/err")" = $'\r\e[K' ] || fail "the line is left"
says "is a sealed layer"

# Anybody else is not told.
long_layer
expect 0 "$tool" seal "$work/data" "$work/index"
! grep -q sorting "$work/out" || fail "said: $(cat "$work/out")"
