# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash source-path=SCRIPTDIR
# Description: devices over a gzip file share it, its hidden tail and its cache
# Kernels: uml-debug
. "${0%/*}/lib.sh" || exit

# layer_devices NAME: the devices in its table.
layer_devices()
{
	dmsetup table "$1" | grep -oE '[0-9]+:[0-9]+' | xargs
}

# Of a block that is read in parts all is kept.
read_all()
{
	dd if="/dev/mapper/$1" of=/dev/null bs=4k iflag=direct status=none
}

# has_tail FILE: a loop device over it hides some bytes, but not all of them.
has_tail()
{
	local size

	size=$(stat -c %s "$1")
	[ $((size % SECTOR)) != 0 ] && [ "$size" -gt $SECTOR ] ||
		fail "$1 has $size bytes"
}

need_fixtures
need_tool
need_commands jq
cp "$FIXTURES/turbo-gz/"{ext4.fs.meta,layer.tgz,gzip.meta} .
has_tail layer.tgz
has_tail gzip.meta
sed "s|@DIR@|$PWD|g" "$FIXTURES/turbo-gz/config.json" >config

say 'what one has inflated the other finds'
open_image config one
expect_counter one shared_table_bytes 0
read_all one
blocks=$(counter one blocks)
[ "$blocks" -gt 0 ] || fail 'nothing was inflated'
open_image config two --json
jq -e '.shared_layers == 2' open.log >/dev/null || fail "$(cat open.log)"
expect_equal 'devices' "$(mapped_devices)" 'one tail tail two'
expect_equal 'devices of two' "$(layer_devices two)" "$(layer_devices one)"
for name in one two; do
	expect_counter $name shared_table_bytes "$(counter one table_bytes)"
	expect_counter $name shared_cache_bytes "$(counter one cache_bytes)"
done
read_all two
expect_counter one blocks "$blocks"
expect_counter two blocks 0
[ "$(counter two cache_hits)" -gt 0 ] || fail 'two found nothing'

say 'by another name of the file, and without a node in /dev'
ln layer.tgz hard
sed 's|/layer.tgz|/hard|' config >linked
rm /dev/mapper/overlaybd-tail-*
open_image linked three
expect_equal 'devices of three' "$(layer_devices three)" "$(layer_devices one)"

say 'a file in the place of another is another'
cp layer.tgz new
mv new layer.tgz
open_image config four
expect_equal 'devices' "$(mapped_devices)" 'four one tail tail tail three two'
device fixture /dev/mapper/four "$FIXTURES/turbo-gz"
"$TOOL" close four
expect_equal 'devices' "$(mapped_devices)" 'one tail tail three two'

# Its UUID still has the old name: what it lies over is looked at.
say 'what was opened by a name that is gone is found again'
dmsetup rename three third
open_image linked third --json
jq -e '.created == false' open.log >/dev/null || fail "$(cat open.log)"
"$TOOL" close third

say 'the last one takes all away'
"$TOOL" close one
expect_equal 'devices' "$(mapped_devices)" 'tail tail two'
echo 3 >/proc/sys/vm/drop_caches
device fixture /dev/mapper/two "$FIXTURES/turbo-gz"
"$TOOL" close two
expect_equal 'devices' "$(mapped_devices)" ''
retry loops_are 0
