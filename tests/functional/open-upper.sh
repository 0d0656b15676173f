# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash source-path=SCRIPTDIR
# Description: open an upper, write, close, and find it all again; nobody else may
# Kernels: uml-debug
. "${0%/*}/lib.sh" || exit

# log_bytes: what the index file has to be long.
log_bytes()
{
	"$TOOL" repair --json data index | jq '4096 + 16 * .log_entries'
}

# lengths: of both files.
lengths()
{
	stat -c %s data index | xargs
}

need_tool
need_commands jq
device fill raw 0 $MIB
create_layer --raw raw --virtual-size 8M --compress lz4 --uuid \
	01234567-89ab-cdef-0123-456789abcdef layer0
"$TOOL" create-upper --size 8M data index >create.log
cat >config <<END
{ "lowers": [ { "file": "layer0" } ],
  "upper": { "data": "data", "index": "index" },
  "resultFile": "result" }
END
cp raw disk
truncate -s 8M disk
open_image config one
expect_equal resultFile "$(cat result)" success
expect_equal 'path' "$(cat open.log)" /dev/mapper/one
expect_equal 'read-only' "$(blockdev --getro /dev/mapper/one)" 0
expect_same /dev/mapper/one disk

# At full capacity, and sparse.
[ "$(stat -c %s data)" -ge $((9 * MIB)) ] || fail "lengths: $(lengths)"
[ "$(stat -c %s index)" -ge $MIB ] || fail "lengths: $(lengths)"
[ "$(stat -c %b data)" -lt 100 ] || fail 'the data is not sparse'
loops=$(losetup --list --noheadings --output NAME,RO,LOG-SEC,AUTOCLEAR,BACK-FILE)
grep -qE "^/dev/loop[0-9]+ +0 +512 +1 $PWD/data$" <<<"$loops" ||
	fail "loop devices: $loops"
grep -qE "^/dev/loop[0-9]+ +0 +512 +1 $PWD/index$" <<<"$loops" ||
	fail "loop devices: $loops"

# Again is the same; under another name, or for another purpose, is not.
open_image config one --json
jq -e '.created == false and .read_only == false' open.log >/dev/null ||
	fail "$(cat open.log)"
in_use='data is in use by the device one, over /dev/loop[0-9]+$'
expect_exit $EXIT_BUSY "$in_use" "$TOOL" open config two
expect_exit $EXIT_BUSY "$in_use" "$TOOL" open --read-only config two
expect_exit $EXIT_BUSY "$in_use" "$TOOL" repair config
expect_exit $EXIT_BUSY "$in_use" "$TOOL" repair data index
expect_exit $EXIT_BUSY "$in_use" "$TOOL" create-upper --force --size 1M \
	data index
expect_exit $EXIT_BUSY "$in_use" "$TOOL" create --raw raw data
expect_exit $EXIT_BUSY 'in use with other layers or options' \
	"$TOOL" open --read-only config one
expect_exit $EXIT_BUSY 'in use with other layers or options' \
	"$TOOL" open --low-water 1M config one
expect_exit 0 ' upper data index$' "$TOOL" table config
# By any other name, it is the same file.
mv data moved
expect_exit $EXIT_BUSY '^.*moved is in use by the device one' \
	"$TOOL" repair moved index
mv moved data
expect_same /dev/mapper/one disk

# write SEED OFFSET LENGTH: the same to the device and to the file.
write()
{
	device fill seed="$1" /dev/mapper/one "$2" "$3" disk
}

write 2 $((3 * MIB)) 70000
write 3 $((MIB / 2 - 512)) 1536
write 4 $((8 * MIB - 4096)) 4096
expect_same /dev/mapper/one disk
"$TOOL" close one
expect_equal 'loop devices left' "$(losetup --list --noheadings)" ''
expect_equal 'length of the index' "$(stat -c %s index)" "$(log_bytes)"
before=$(lengths)
"$TOOL" repair data index >repair.log
expect_equal 'lengths after repair' "$(lengths)" "$before"
grep -q 'as before' repair.log || fail "$(cat repair.log)"

# Without the module it is the same disk.
"$TOOL" export config exported
cmp exported disk

# It goes on, and on; overwriting takes no space.
for round in 1 2 3; do
	open_image config one
	expect_same /dev/mapper/one disk
	write "1$round" $((3 * MIB)) 70000
	"$TOOL" close one
	expect_equal "lengths after round $round" "$(lengths)" "$before"
done

# Only to be read, nothing is touched: not even times or lengths.
touch -d 2020-01-01 data index
sums=$(sha256sum data index)
open_image config one --read-only
expect_equal 'read-only' "$(blockdev --getro /dev/mapper/one)" 1
expect_same /dev/mapper/one disk
open_image config two --read-only
expect_same /dev/mapper/two disk
expect_exit $EXIT_BUSY 'data is in use by the device' \
	"$TOOL" open config three
! dd if=/dev/zero of=/dev/mapper/one count=1 oflag=direct 2>dd.log ||
	fail 'a read-only device was written'
"$TOOL" close one
"$TOOL" close two
expect_equal 'the files' "$(sha256sum data index)" "$sums"
expect_equal 'their times' "$(stat -c %Y data index | uniq)" \
	"$(date -d 2020-01-01 +%s)"
expect_equal 'devices left' "$(cat /sys/block/dm-*/dm/name 2>/dev/null)" ''

# A busy device stays, with its files as they are.
open_image config one
hold_open /dev/mapper/one
long=$(lengths)
expect_exit $EXIT_BUSY 'held open by process' "$TOOL" close one
expect_equal 'lengths of a busy device' "$(lengths)" "$long"
let_go
expect_same /dev/mapper/one disk
"$TOOL" close one
expect_equal 'lengths' "$(lengths)" "$before"

# Files that have moved are found. Those that have not even a name are closed,
# but cannot be cut.
open_image config one
mv index elsewhere
"$TOOL" close one
expect_equal 'length of a moved index' "$(stat -c %s elsewhere)" \
	"${before#* }"
mv elsewhere index
open_image config one
ln index elsewhere
rm index
expect_exit 1 'one is closed, but the files of its upper are not cut' \
	"$TOOL" close one
mv elsewhere index
"$TOOL" repair config >repair.log
expect_equal 'lengths after repair' "$(lengths)" "$before"

# A warning, where the parent is another.
"$TOOL" create-upper --force --size 0 --parent \
	11234567-89ab-cdef-0123-456789abcdef data index >create.log
defer "$TOOL" close one
"$TOOL" open config one >open.log 2>warnings
grep -q 'warning: layer 1 (.*data): its parent uuid is 1123' warnings ||
	fail "warnings: $(cat warnings)"
expect_equal size "$(blockdev --getsize64 /dev/mapper/one)" $((8 * MIB))
"$TOOL" close one
expect_equal 'lengths of an empty layer' "$(lengths)" '4096 4096'
