# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash source-path=SCRIPTDIR
# Description: open joins the tail that a loop device hides, close removes it
. "$(dirname "$0")/lib.sh" || exit

devices()
{
	sort <(cat /sys/block/dm-*/dm/name 2>/dev/null) | xargs
}

need_fixtures
need_tool
open_image "$(fixture_config trailer-only-low)" low
expect_equal 'devices of trailer-only-low' "$(devices)" 'low'
"$TOOL" close low

open_image "$(fixture_config trailer-only-high)" high
expect_equal 'devices of trailer-only-high' "$(devices)" \
	'high high-tail0 high-tail1'
device fixture /dev/mapper/high "$FIXTURES/trailer-only-high"
expect_exit 1 'only joins the tail of a layer' "$TOOL" close high-tail0
# An open that changes nothing leaves the tails in peace.
open_image "$(fixture_config trailer-only-high)" high
expect_equal 'devices after a second open' "$(devices)" \
	'high high-tail0 high-tail1'
"$TOOL" close high
expect_equal 'devices after close' "$(devices)" ''
