# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash source-path=SCRIPTDIR
# Description: files that were not closed are cut by repair, and by open, before they are used
# Kernels: uml-debug
. "${0%/*}/lib.sh" || exit

lengths()
{
	stat -c %s data index | xargs
}

# crash: the device goes without close, and so do the loop devices; then there
# is anything behind the slot that ends the log.
crash()
{
	local end

	dmsetup remove --retry one
	retry no_loops
	[ "$(stat -c %s index)" -ge $MIB ] || fail 'the index is not long'
	end=$("$TOOL" repair --json data index | jq .index.bytes)
	cp index cut.index
	cp data cut.data
	truncate -s $MIB index
	truncate -s 20M data
	head -c 3000 /dev/urandom | dd of=index bs=1M oflag=seek_bytes \
		seek=$((end + 16)) conv=notrunc status=none
	device fill seed=9 data $((10 * MIB)) 8192
}

no_loops()
{
	[ -z "$(losetup --list --noheadings)" ]
}

need_tool
need_commands jq
"$TOOL" create-upper --size 8M data index >create.log
echo '{ "upper": { "data": "data", "index": "index" } }' >config
truncate -s 8M disk
open_image config one
write_both one 1 65536 100352
write_both one 2 $((5 * MIB)) 512
crash

# repair: cut as close would have done, and the second time nothing.
"$TOOL" repair --json config >repair.json
jq -e '.changed and .data.bytes_before == 20971520 and
	.index.bytes_before == 1048576' repair.json >/dev/null ||
	fail "$(cat repair.json)"
cmp index cut.index
cmp data cut.data
"$TOOL" repair --json config >repair.json
jq -e '.changed | not' repair.json >/dev/null || fail "$(cat repair.json)"
open_image config one
expect_same /dev/mapper/one disk
write_both one 3 $((2 * MIB)) 4608
crash

# open: what was behind the log is not there any more when it grows.
open_image config one
expect_same /dev/mapper/one disk
end=$(stat -c %s cut.index)
cmp -n "$end" index cut.index
cmp -n $((MIB - end)) --ignore-initial="$end:0" index /dev/zero
write_both one 4 $((3 * MIB)) 65536
expect_same /dev/mapper/one disk
"$TOOL" close one
open_image config one
expect_same /dev/mapper/one disk
crash

# To be read only, it is left as it is.
sums=$(sha256sum data index)
open_image config one --read-only
expect_same /dev/mapper/one disk
"$TOOL" close one
expect_equal 'the files' "$(sha256sum data index)" "$sums"

# open that was killed leaves no more than a crash does.
"$TOOL" repair data index >repair.log
before=$(lengths)
for n in {1..20}; do
	"$TOOL" open config one >/dev/null 2>&1 &
	opener=$!
	sleep "0.0$((n % 10))$n"
	kill -KILL $opener 2>/dev/null || true
	wait $opener || true
	"$TOOL" close one >/dev/null 2>&1 || true
	retry no_loops
done
"$TOOL" repair data index >repair.log
expect_equal lengths "$(lengths)" "$before"
open_image config one
expect_same /dev/mapper/one disk
"$TOOL" close one
