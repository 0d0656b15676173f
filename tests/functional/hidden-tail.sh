# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash source-path=SCRIPTDIR
# Description: open joins the tail that a loop device hides, close removes it
# Kernels: uml-debug
. "${0%/*}/lib.sh" || exit

# tail_name: prints the name of one of the devices that join tails.
tail_name()
{
	cat /sys/block/dm-*/dm/name | grep -m 1 '^overlaybd-tail-'
}

need_fixtures
need_tool
open_image "$(fixture_config trailer-only-low)" low
expect_equal 'devices of trailer-only-low' "$(mapped_devices)" 'low'
"$TOOL" close low

cp "$FIXTURES"/trailer-only-high/layer* .
sed "s|@DIR@|$PWD|g" "$FIXTURES/trailer-only-high/config.json" >config
open_image config high
expect_equal 'devices of trailer-only-high' "$(mapped_devices)" \
	'high tail tail'
device fixture /dev/mapper/high "$FIXTURES/trailer-only-high"
expect_exit 1 'only joins the tail of a layer' "$TOOL" close "$(tail_name)"
# An open that changes nothing leaves the tails in peace.
open_image config high
expect_equal 'devices after a second open' "$(mapped_devices)" \
	'high tail tail'
# Who uses a file is not what joins its tail, but what lies over that.
blob=$(find . -name 'layer*' | head -n 1)
chmod u+w "$blob"
expect_exit $EXIT_BUSY 'is in use by the device high, over /dev/loop' \
	"$TOOL" create-upper --force --size 1M data "$blob"
"$TOOL" close high
expect_equal 'devices after close' "$(mapped_devices)" ''
