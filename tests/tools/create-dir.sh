#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# create --dir makes an ext4 file system, the same from a copy of the files.
# shellcheck source=tests/tools/common
. "$(dirname "$0")/common"

need mke2fs e2fsck debugfs

mkdir -p "$work/tree/sub/empty"
cp "$here"/*.py "$work/tree/sub"
echo hello >"$work/tree/hello"
ln -s hello "$work/tree/link"
ln "$work/tree/hello" "$work/tree/hard"
head -c 200000 /dev/zero >"$work/tree/zeros"

expect 0 "$tool" create --dir "$work/tree" --size 32M --compress zstd \
	"$work/layer"
config_of "$work/layer" >"$work/c.json"
expect 0 "$tool" export "$work/c.json" "$work/disk"
[ "$(stat -c %s "$work/disk")" = 33554432 ] || fail "wrong size"
expect 0 e2fsck -fn "$work/disk"
[ "$(debugfs -R 'cat hello' "$work/disk" 2>/dev/null)" = hello ] ||
	fail "wrong content"
mkdir "$work/dump"
expect 0 debugfs -R "rdump sub $work/dump" "$work/disk"
diff -r "$work/tree/sub" "$work/dump/sub" | grep -v lost+found &&
	fail "other files"

sleep 1.1
cp -a "$work/tree" "$work/copy"
cat "$work/copy/hello" >/dev/null
chmod u+x "$work/copy/hello"
chmod u-x "$work/copy/hello"
expect 0 "$tool" create --dir "$work/copy" --size 32M --compress zstd \
	--threads 1 "$work/again"
cmp "$work/layer" "$work/again" || fail "a copy makes another layer"

export SOURCE_DATE_EPOCH=1700000000
expect 0 "$tool" create --dir "$work/tree" --size 32M "$work/layer"
config_of "$work/layer" >"$work/c.json"
expect 0 "$tool" export "$work/c.json" "$work/disk"
debugfs -R 'stat hello' "$work/disk" 2>/dev/null |
	grep -q "crtime: 0x$(printf %x 1700000000)" ||
	fail "SOURCE_DATE_EPOCH is ignored"

# Times behind 2038 take more bits; 0 counts as 1.
for epoch in 2147483648 4294967295 0; do
	touch -d "@$epoch" "$work/copy/sub/same"
	SOURCE_DATE_EPOCH=$epoch expect 0 "$tool" create --dir "$work/copy" \
		--size 32M "$work/late"
	config_of "$work/late" >"$work/late.json"
	expect 0 "$tool" export "$work/late.json" "$work/disk"
	expect 0 e2fsck -fn "$work/disk"
	date=$(TZ=UTC LC_ALL=C date -d "@$((epoch ? epoch : 1))" \
		'+%a %b %e %H:%M:%S %Y')
	for name in / lost+found sub/same; do
		TZ=UTC debugfs -R "stat $name" "$work/disk" 2>/dev/null |
			grep 'time: 0x' >"$work/times"
		[ "$name$epoch" != sub/same0 ] || sed -i /mtime/d "$work/times"
		! grep -v -- "-- $date" "$work/times" ||
			fail "$name: expected $date: $(cat "$work/times")"
	done
done
[ "$(grep -c time: "$work/times")" = 3 ] || fail 'times are missing'

expect 1 "$tool" create --dir "$work/none" --size 32M "$work/new"
expect 1 "$tool" create --dir "$work/tree" --size 128K "$work/new"
says "of $work/tree: is --size large enough, can all of it be read, and is there room"
expect 1 env SOURCE_DATE_EPOCH=abc "$tool" create --dir "$work/tree" \
	--size 32M "$work/new"
says "SOURCE_DATE_EPOCH is 'abc'"
[ ! -e "$work/new" ] || fail "a file came out"

# What it makes would be a part of what it is made from.
ln -s "$work/tree/sub" "$work/way"
mkdir "$work/tree2"
for out in tree/new tree/sub/empty/new way/new; do
	expect 1 "$tool" create --dir "$work/tree" --size 32M "$work/$out"
	says "$work/$out: is in $work/tree"
done
(cd "$work/tree" && expect 1 "$tool" create --dir . --size 32M new) || exit 1
(cd "$work/tree" && expect 1 "$tool" create --dir / --size 32M new) || exit 1
says "new: is in /, and"
expect 0 "$tool" create --dir "$work/tree" --size 32M "$work/tree2/new"
cmp "$work/layer" "$work/tree2/new" || fail "another layer of the same files"
nothing_left "$work"
