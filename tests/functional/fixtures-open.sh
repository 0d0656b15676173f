# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash source-path=SCRIPTDIR
# Description: overlaybdsetup opens every fixture, and every byte is right
# Kernels: uml-debug 6.1 sid
. "${0%/*}/lib.sh" || exit

CASES='plain3 zfile3 ops3 vsize vsize-grow trailer-only-0 trailer-only-low
	trailer-only-high trailer-only-tar merged merged-plain sealed base64
	turbo-gz turbo-gz-64k turbo-tar turbo-mixed'

need_fixtures
need_tool
pairs=()
for case in $CASES; do
	config=$(fixture_config "$case")
	open_image "$config" "fixture-$case"
	expect_equal 'what open printed' "$(cat open.log)" \
		"/dev/mapper/fixture-$case"
	pairs+=("/dev/mapper/fixture-$case" "$FIXTURES/$case")
done
device fixture "${pairs[@]}"
for case in $CASES; do
	"$TOOL" close "fixture-$case"
	[ ! -e "/dev/mapper/fixture-$case" ] || fail 'close left the device'
done
