# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash source-path=SCRIPTDIR
# Description: what is left when open is killed while it joins tails is removed
# Kernels: 6.12
. "${0%/*}/lib.sh" || exit

KILLS=24

microseconds()
{
	echo "${EPOCHREALTIME/./}"
}

# pause MICROSECONDS: without a process, which would take longer than open.
pause()
{
	local seconds

	printf -v seconds '%d.%06d' $(($1 / 1000000)) $(($1 % 1000000))
	read -rt "$seconds" -u "$silence" || true
}

# tail_ids: prints name and UUID of what joins tails.
tail_ids()
{
	dmsetup info -c --noheadings --separator ' ' -o name,uuid |
		grep '^overlaybd-tail-'
}

# leave_empty: such devices as open makes, before they have a table.
leave_empty()
{
	local name uuid

	while read -r name uuid; do
		dmsetup create "$name" --uuid "$uuid" --notable
		defer dmsetup remove "$name"
	done <ids
}

need_fixtures
need_tool
config=$(fixture_config turbo-gz)
begin=$(microseconds)
open_image "$config" image
length=$(($(microseconds) - begin))
say "an open takes $length us"
tail_ids >ids
expect_equal 'devices that join tails' "$(wc -l <ids)" 2
"$TOOL" close image
expect_equal 'devices' "$(mapped_devices)" ''

say 'killed before the table is loaded'
leave_empty
expect_equal 'devices' "$(mapped_devices)" 'tail tail'
open_image "$config" image
expect_equal 'devices that join tails' "$(tail_ids)" "$(cat ids)"
device fixture /dev/mapper/image "$FIXTURES/turbo-gz"
"$TOOL" close image
expect_equal 'devices' "$(mapped_devices)" ''

say 'closing what is not there removes them as well'
leave_empty
expect_exit $EXIT_NO_DEVICE 'no device image' "$TOOL" close image
expect_equal 'devices' "$(mapped_devices)" ''

say 'killed at any time'
left=0
exec {silence}<> <(:)
for ((n = 1; n <= KILLS; n++)); do
	"$TOOL" open "$config" image >open.log 2>&1 &
	pause $((length * n / KILLS))
	kill -KILL $! 2>/dev/null || true
	wait $! 2>/dev/null || true
	devices=$(mapped_devices)
	say "$n: $devices"
	[[ $devices != tail* ]] || left=$((left + 1))
	[ $((n % 2)) = 0 ] || open_image "$config" image
	"$TOOL" close image >close.log 2>&1 || true
	expect_equal 'devices' "$(mapped_devices)" ''
	retry loops_are 0
done
# How many is a matter of luck, where others use the machine.
say "$left of $KILLS have left something"

say 'an open that fails takes only its own away'
open_image "$config" other
cp "$FIXTURES/turbo-gz/gzip.meta" index
device flip index 0
sed "s|$FIXTURES/turbo-gz/gzip.meta|$PWD/index|" "$config" >bad
! "$TOOL" open bad image 2>bad.log || fail 'a bad index was taken'
expect_equal 'devices' "$(mapped_devices)" 'other tail tail'
"$TOOL" close other
expect_equal 'devices' "$(mapped_devices)" ''
