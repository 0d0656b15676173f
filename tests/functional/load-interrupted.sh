# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash source-path=SCRIPTDIR
# Description: a table that takes long to load can be interrupted
. "$(dirname "$0")/lib.sh" || exit

# Every read takes 200 ms, every layer several: a minute, and more.
LAYERS=100

need_tool
need_target delay
device fill raw 0 65536
create_layer --raw raw --compress lz4 layer
loop_attach layer
dm_create slow "0 $(blockdev --getsz "$LOOP") delay $LOOP 0 200" --readonly
lines=$(printf " lower /dev/mapper/slow $(stat -c %s layer)%.0s" \
	$(seq $LAYERS))
dmsetup create interrupted --readonly --table \
	"0 8 overlaybd $((3 * LAYERS))$lines" >load.log 2>&1 &
loader=$!
defer dmsetup remove --retry interrupted
sleep 2
kill -0 $loader || fail "it did not take long: $(cat load.log)"
start=$SECONDS
kill -KILL $loader
wait $loader || true
[ $((SECONDS - start)) -le 5 ] || fail 'it took long to give up'
expect_log 'overlaybd: layer [0-9]+: interrupted'
