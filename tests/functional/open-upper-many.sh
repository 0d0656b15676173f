# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash source-path=SCRIPTDIR
# Description: many opens of one upper at once: of one name all, of many names one succeeds
# Kernels: 6.12
. "${0%/*}/lib.sh" || exit

N=12

# at_once COMMAND...: many of them, each with its number added; STATUSES is how
# often each exit status came.
at_once()
{
	local n pids=() status list=''

	for ((n = 0; n < N; n++)); do
		"$@" "$n" >"at-once.$n" 2>&1 &
		pids+=($!)
	done
	for ((n = 0; n < N; n++)); do
		status=0
		wait "${pids[n]}" || status=$?
		list+=$status$'\n'
	done
	STATUSES=$(printf %s "$list" | sort | uniq -c |
		awk '{ printf "%s%d times %d", s, $1, $2; s = ", " }')
}

open_one()
{
	"$TOOL" open config one
}

open_own()
{
	"$TOOL" open config "own$1"
}

repair()
{
	"$TOOL" repair config
}

need_tool
"$TOOL" create-upper --size 8M data index >create.log
echo '{ "upper": { "data": "data", "index": "index" } }' >config
defer dmsetup remove_all

at_once open_one
expect_equal 'opens of one name' "$STATUSES" "$N times 0"
"$TOOL" close one
for round in 1 2 3; do
	at_once open_own
	expect_equal "opens of many names, round $round" "$STATUSES" \
		"1 times 0, $((N - 1)) times $EXIT_BUSY"
	winner=$(basename /dev/mapper/own*)
	device fill seed=$round "/dev/mapper/$winner" 65536 4096
	[ "$(grep -lE 'in use by the (loop )?device' at-once.* | wc -l)" = \
		$((N - 1)) ] || fail "$(cat at-once.*)"
	"$TOOL" close "$winner"
done
at_once repair
expect_equal 'repairs' "$STATUSES" "$N times 0"
expect_equal 'loop devices left' "$(losetup --list --noheadings)" ''
