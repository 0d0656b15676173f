#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# repair cuts the files of a writable layer to what is in them, says so, and
# does no more the second time; what is wrong it leaves as it is.
# shellcheck source=tests/tools/common
. "$(dirname "$0")/common"

need_fixtures
need python3
cd "$work" || exit 1

# take CASE: a copy of its upper
take()
{
	cp --no-preserve=mode "$fixtures/$1/upper.data" data || exit 1
	cp --no-preserve=mode "$fixtures/$1/upper.index" index || exit 1
}

# As a crash leaves them: an empty slot ends the log, whatever is behind it.
leave_long()
{
	local end

	end=$(stat -c %s index)
	truncate -s 300M data
	truncate -s 5M index
	head -c 70000 /dev/urandom |
		dd of=index bs=1M oflag=seek_bytes seek=$((end + 16)) \
			conv=notrunc status=none
	head -c 70000 /dev/urandom |
		dd of=data bs=1M oflag=seek_bytes seek=20000000 \
			conv=notrunc status=none
}

# reported FIELD...: of the JSON that was printed
reported()
{
	python3 -c '
import json, sys
o = json.load(open(sys.argv[1]))
for key in sys.argv[2:]:
    o = o[key]
print(o)' out "$@"
}

equal()
{
	[ "$2" = "$3" ] || fail "$1: got '$2', expected '$3'"
}

# same CASE: the files are those of the fixture
same()
{
	cmp data "$fixtures/$1/upper.data" || fail "$1: the data is another"
	cmp index "$fixtures/$1/upper.index" || fail "$1: the index is another"
}

for case in rw-append rw-only; do
	take $case
	expect 0 "$tool" repair --json data index
	equal changed "$(reported changed)" False
	same $case
	leave_long
	expect 0 "$tool" repair --json data index
	equal changed "$(reported changed)" True
	equal 'bytes before' "$(reported data bytes_before)" 314572800
	equal 'bytes of the index before' "$(reported index bytes_before)" \
		5242880
	equal bytes "$(reported data bytes)" "$(stat -c %s data)"
	equal 'log entries' "$(reported log_entries)" \
		$((($(stat -c %s index) - 4096) / 16))
	same $case
	leave_long
	expect 0 "$tool" repair data index
	says "data: $(stat -c %s data) bytes, before that 314572800"
	expect 0 "$tool" repair data index
	says 'as before'
	same $case
done

# By the configuration, whether or not its lowers are there.
echo '{ "lowers": [ { "digest": "sha256:0" } ],
        "upper": { "data": "data", "index": "index" } }' >c.json
leave_long
expect 0 "$tool" repair c.json
same rw-only
echo '{ "lowers": [ { "file": "data" } ] }' >none.json
expect 1 "$tool" repair none.json
says 'has no upper'
echo '{ "upper": { "data": "data" } }' >half.json
expect 3 "$tool" repair half.json
says 'upper has no index'

# A disk that was growing when it was interrupted has become larger.
take rw-only
python3 -c '
import struct
with open("index", "r+b") as f:
    f.seek(48)
    f.write(struct.pack("<Q", 1 << 30))'
expect 0 "$tool" repair --json data index
equal changed "$(reported changed)" True
equal 'virtual size' "$(reported virtual_size)" 1073741824
equal 'virtual size of the data' \
	"$(od -An -t u8 -j 48 -N 8 data | tr -d ' ')" 1073741824

# unchanged STATUS TEXT: refused, and left as it is
unchanged()
{
	local sums

	sums=$(sum data)$(sum index)
	expect "$1" "$tool" repair data index
	says "$2"
	equal 'the files' "$(sum data)$(sum index)" "$sums"
}

# Data that is missing, and an entry that is no entry.
take rw-only
truncate -s 1M data
unchanged 3 'upper (data, index): '
take rw-only
leave_long
printf '\0\0' | dd of=index bs=1 seek=4102 conv=notrunc status=none
unchanged 3 'log entry 0: length is 0'
take rw-only
truncate -s 4000 index
unchanged 3 'index: has 4000 bytes'
: >index
unchanged 3 'index: has 0 bytes'
rm index
expect 1 "$tool" repair data index
says 'upper (index): cannot open it'

# A sealed layer would be cut to pieces.
cp --no-preserve=mode "$(python3 -c '
import json, sys
print(json.load(open(sys.argv[1]))["lowers"][-1]["file"])' \
	"$(config sealed)")" data
head -c 4096 data >index
printf '\1' | dd of=index bs=1 seek=28 conv=notrunc status=none
printf '\0\20' | dd of=index bs=1 seek=32 conv=notrunc status=none
unchanged 1 'ends as a sealed layer does'

expect 2 "$tool" repair
expect 2 "$tool" repair a b c
expect 2 "$tool" repair --what data index
