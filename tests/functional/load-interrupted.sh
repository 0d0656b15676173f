# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash source-path=SCRIPTDIR
# Description: a table that takes long to load can be interrupted
# Leaks: watched
. "${0%/*}/lib.sh" || exit

# Every read takes 200 ms, every layer several, sixteen at a time: some seconds.
LAYERS=250

# has_begun: something has been read, or is being read.
has_begun()
{
	local fields

	read -ra fields <"/sys/dev/block/$SLOW/stat"
	[ $((fields[0] + fields[8])) -gt 0 ]
}

need_tool
need_target delay
device fill raw 0 65536
create_layer --raw raw --compress lz4 layer
loop_attach layer
dm_create slow "0 $(blockdev --getsz "$LOOP") delay $LOOP 0 200" --readonly
SLOW=$(dmsetup info -c --noheadings --separator : -o major,minor slow)
lines=$(printf " lower /dev/mapper/slow $(stat -c %s layer)%.0s" \
	$(seq $LAYERS))
dmsetup create interrupted --readonly --table \
	"0 8 overlaybd $((3 * LAYERS))$lines" >load.log 2>&1 &
loader=$!
defer dmsetup remove --retry interrupted
retry has_begun
kill -0 $loader || fail "it did not take long: $(cat load.log)"
start=$SECONDS
kill -KILL $loader
wait $loader || true
[ $((SECONDS - start)) -le 5 ] || fail 'it took long to give up'
expect_log 'overlaybd: layer [0-9]+: interrupted'
