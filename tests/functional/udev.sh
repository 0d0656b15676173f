# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash source-path=SCRIPTDIR
# Description: open and close with udev, which makes the nodes
# Kernels: 6.12
. "${0%/*}/lib.sh" || exit

UDEVD=/lib/systemd/systemd-udevd
RULES=/lib/udev/rules.d/55-dm.rules

need_fixtures
need_tool
need_commands udevadm
for file in $UDEVD $RULES; do
	[ -e "$file" ] || skip "$file is missing (packages udev, dmsetup)"
done
unset DM_DISABLE_UDEV
device fill compressible=1 raw 0 $MIB
create_layer --raw raw --compress lz4 layer
write_config config layer

# stop_udev: it takes its time, and until then it opens what other tests make.
stop_udev()
{
	udevadm control --exit || true
	for _ in {1..100}; do
		pgrep -x 'systemd-udevd|\(udev-worker\)' >/dev/null || break
		sleep 0.1
	done
	pkill -KILL -x 'systemd-udevd|\(udev-worker\)' || true
	rm -f /run/udev/control
}

mkdir -p /run/udev
defer stop_udev
$UDEVD --daemon >udevd.log 2>&1 || skip "udev does not start: $(tail -n 1 udevd.log)"
retry udevadm control --ping
udevadm settle --timeout=120

for n in 1 2 3; do
	open_image config "udev$n"
	[ -L "/dev/mapper/udev$n" ] || fail 'the node was not made by udev'
	cmp "/dev/mapper/udev$n" raw
done
"$TOOL" open config udev1 >open.log
expect_equal 'what a second open printed' "$(cat open.log)" /dev/mapper/udev1
for n in 1 2 3; do
	"$TOOL" close "udev$n"
	[ ! -e "/dev/mapper/udev$n" ] || fail 'the node is left'
done

# It looks into what joins tails, too, which is removed nonetheless.
config=$(fixture_config trailer-only-high)
for n in 1 2 3; do
	open_image "$config" tail1
	open_image "$config" tail2
	device fixture /dev/mapper/tail2 "$FIXTURES/trailer-only-high"
	"$TOOL" close tail1
	"$TOOL" close tail2
	expect_equal 'devices left' "$(mapped_devices)" ''
done
expect_equal 'cookies left' "$(dmsetup udevcookies | grep -c 0x || true)" 0
udevadm settle --timeout=120
