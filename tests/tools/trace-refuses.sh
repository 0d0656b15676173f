#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# trace, and open with a trace, refuse what is none, and wrong arguments.
# shellcheck source=tests/tools/common
. "$(dirname "$0")/common"

need python3

# refuse STATUS TEXT ARGUMENT...
refuse()
{
	local status=$1 text=$2

	shift 2
	expect "$status" "$tool" "$@"
	says "$text"
}

refuse 2 "expected what to do" trace
refuse 2 "cannot play" trace play x
refuse 2 "record: expected --out" trace record x
refuse 2 "record: expected 1 argument" trace record -o "$work/out.trace"
refuse 2 "replay: expected 2 arguments" trace replay x
refuse 2 "show: bad option --wait" trace show --wait x
refuse 2 "start: bad option" trace start --out "$work/out.trace" x
refuse 2 "--seconds=0" trace record -o "$work/out.trace" --seconds 0 x
refuse 2 "--entries=1048577" trace start --entries 1048577 x
refuse 2 "--rate=65537, expected 1 to 65536" trace replay --rate 65537 x y
refuse 2 "--prefetch-rate=0" open --trace x --prefetch-rate 0 config name
refuse 2 "--prefetch-rate is for --trace" open --prefetch-rate 1 config name
refuse 2 "--no-cache forbids" open --trace x --no-cache config name
expect 0 "$tool" trace --help
expect 0 "$tool" trace record --help

good=$work/good
python3 "$here/make-trace.py" "$good" "5000,40960,4096,1,uuid" -- \
	0,3,4 0,0,1
expect 0 "$tool" trace show "$good"

refuse 1 "No such file" trace show "$work/none"
refuse 1 "Is a directory" trace show "$work"
mkfifo "$work/fifo"
expect 1 timeout 10 "$tool" trace show "$work/fifo"
: >"$work/bad"
refuse 3 "it is no trace" trace show "$work/bad"
refuse 3 "it is no trace" trace show "$tool"
head -c -1 "$good" >"$work/bad"
refuse 3 "its checksum is" trace show "$work/bad"
refuse 3 "its checksum is" trace replay name "$work/bad"
truncate -s 65M "$work/bad"
refuse 3 "expected 67108864 at most" trace show "$work/bad"
cp "$good" "$work/bad"
printf '\2' | dd of="$work/bad" bs=1 seek=8 conv=notrunc status=none
refuse 1 "its version is 2, expected 1" trace show "$work/bad"
python3 "$here/make-trace.py" "$work/bad" "5000,40960,4096,1,uuid" -- 0,9,2
refuse 3 "range 0 is cut off, or not within a layer" trace show "$work/bad"

# Before anything else is done.
echo '{ "lowers": [ { "file": "layer" } ], "resultFile": "result" }' \
	>"$work/config"
refuse 3 "range 0" open --trace "$work/bad" "$work/config" name
grep -q "range 0" "$work/result" || fail "resultFile does not say why"
