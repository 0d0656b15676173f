# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash source-path=SCRIPTDIR
# Description: opens and closes at once over one gzip file share its hidden tail
# Kernels: 6.12
. "${0%/*}/lib.sh" || exit

open_own()
{
	"$TOOL" open config "own$1"
}

close_own()
{
	"$TOOL" close "own$1"
}

# come_and_go NAME: that it is the last one changes all the time.
come_and_go()
{
	local n

	for n in {1..20}; do
		"$TOOL" open config "$1" || return
		cmp -n 65536 "/dev/mapper/$1" expected || return
		"$TOOL" close "$1" || return
	done
}

need_fixtures
need_tool
fixture_config turbo-gz >/dev/null
mv turbo-gz.json config
defer dmsetup remove_all

at_once open_own
expect_equal 'devices that join tails' \
	"$(mapped_devices | grep -ow tail | wc -l)" 2
# What is not ext4's metadata lies in layer.tgz.
retry loops_are 5
device fixture /dev/mapper/own1 "$FIXTURES/turbo-gz"
device fixture /dev/mapper/own50 "$FIXTURES/turbo-gz"
head -c 65536 /dev/mapper/own1 >expected
at_once close_own
expect_equal 'devices left' "$(mapped_devices)" ''
retry loops_are 0

pids=()
for n in 1 2 3 4; do
	come_and_go "guest$n" >"guest.$n" 2>&1 &
	pids+=($!)
done
for n in 1 2 3 4; do
	wait "${pids[n - 1]}" || fail "guest $n: $(cat "guest.$n")"
done
expect_equal 'devices left' "$(mapped_devices)" ''
retry loops_are 0
