#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# table prints an upper behind the lowers, and its options, and changes nothing.
# shellcheck source=tests/tools/common
. "$(dirname "$0")/common"

need_fixtures
cd "$work" || exit 1

lines()
{
	[ "$(cat out)" = "$1" ] || fail "got '$(cat out)', expected '$1'"
}

expect 0 "$tool" table "$(config rw-only)"
lines "0 131072 overlaybd 3 upper $fixtures/rw-only/upper.data \
$fixtures/rw-only/upper.index"
expect 0 "$tool" table --low-water 64M --no-cache "$(config rw-only)"
lines "0 131072 overlaybd 3 upper $fixtures/rw-only/upper.data \
$fixtures/rw-only/upper.index 3 no_cache low_water 131072"
expect 0 "$tool" table "$(config rw-append)"
says " upper $fixtures/rw-append/upper.data $fixtures/rw-append/upper.index"
says "overlaybd 12 lower "
expect 0 "$tool" table --json "$(config rw-append)"
says '"type":"upper"'

# The upper's own size counts; without one, that of the layers below.
truncate -s 2M raw
"$tool" create --raw raw --uuid 01234567-89ab-cdef-0123-456789abcdef lower \
	>/dev/null || fail create
# with SIZE OPTION...: a new upper over it
with()
{
	local size=$1

	shift
	expect 0 "$tool" create-upper --force --size "$size" "$@" data index
	echo '{ "lowers": [ { "file": "lower" } ],
	        "upper": { "data": "data", "index": "index" } }' >c.json
	expect 0 "$tool" table c.json
}

with 0
says '0 4096 overlaybd'
with 1M
says '0 2048 overlaybd'
with 1G --parent 01234567-89ab-cdef-0123-456789abcdef
says '0 2097152 overlaybd'
[ ! -s err ] || fail "said: $(cat err)"
with 1G --parent 11234567-89ab-cdef-0123-456789abcdef
says 'layer 1 (data): its parent uuid is 11234567-89ab-cdef-0123-456789abcdef'

echo '{ "upper": { "data": "data", "index": "index" } }' >alone.json
"$tool" create-upper --force --size 0 data index >/dev/null
expect 3 "$tool" table alone.json
says 'no layer has a virtual size'
echo '{ "lowers": [ { "file": "lower" } ] }' >none.json
expect 1 "$tool" table --low-water 1M none.json
says 'there is no upper'
expect 2 "$tool" table --low-water 100 none.json
says '--low-water'
