#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# create-upper makes an empty layer that repair accepts, in two files or none, and
# does not touch what is there before that has come about.
# shellcheck source=tests/tools/common
. "$(dirname "$0")/common"

cd "$work" || exit 1
uuid=01234567-89ab-cdef-0123-456789abcdef
parent=76543210-89ab-cdef-0123-456789abcdef

# text FILE OFFSET LENGTH: bytes of a header, without what is zero
text()
{
	dd if="$1" bs=1 skip="$2" count="$3" status=none | tr -d '\0'
}

# number FILE OFFSET BYTES
number()
{
	od -An -v -t "u$3" -j "$2" -N "$3" "$1" | tr -d ' '
}

equal()
{
	[ "$2" = "$3" ] || fail "$1: got '$2', expected '$3'"
}

refuse()
{
	local status=$1 text=$2

	shift 2
	expect "$status" "$tool" create-upper "$@"
	says "$text"
}

nothing_made()
{
	[ -z "$(ls new* 2>/dev/null)" ] || fail "left behind: $(ls new*)"
}

expect 0 "$tool" create-upper --size 10M --uuid $uuid --parent $parent \
	--user-tag 'a tag' --json data index
equal 'uuid in JSON' "$(python3 -c '
import json, sys
o = json.load(open(sys.argv[1]))
print(o["uuid"], o["parent"], o["virtual_size"], o["data"], o["index"])' out)" \
	"$uuid $parent 10485760 data index"
for file in data index; do
	equal "size of $file" "$(stat -c %s $file)" 4096
	equal "magic of $file" "$(text $file 0 4)" LSMT
	equal "virtual size in $file" "$(number $file 48 8)" 10485760
	equal "uuid in $file" "$(text $file 56 37)" $uuid
	equal "parent in $file" "$(text $file 93 37)" $parent
	equal "versions in $file" "$(number $file 132 2)" 257
	equal "tag in $file" "$(text $file 134 256)" 'a tag'
done
equal 'flags of data' "$(number data 28 4)" 3
equal 'flags of index' "$(number index 28 4)" 1
equal 'index_offset of data' "$(number data 32 8)" 0
equal 'index_offset of index' "$(number index 32 8)" 4096
expect 0 "$tool" repair data index
says '0 log entries'

# A uuid of its own, and no parent; the size of the layers below.
expect 0 "$tool" create-upper --size 0 first.data first.index
expect 0 "$tool" create-upper --size 0 second.data second.index
[ "$(text first.data 56 37)" != "$(text second.data 56 37)" ] ||
	fail 'two layers have the same uuid'
equal 'no parent' "$(text first.data 93 37)" \
	00000000-0000-0000-0000-000000000000
# Files of two layers do not go together.
expect 3 "$tool" repair first.data second.index
says 'index: uuid is'

sums=$(sum data)$(sum index)
refuse 1 'data: is there already' --size 1M data new
refuse 1 'index: is there already' --size 1M new index
refuse 1 'No such file or directory' --size 1M new nowhere/index
refuse 1 'No such file or directory' --size 1M nowhere/data new
refuse 1 'neither a file nor a block device' --size 1M --force new /dev/null
refuse 1 'neither a file nor a block device' --size 1M --force . new
mkfifo fifo
refuse 1 'neither a file nor a block device' --size 1M --force fifo new
refuse 1 'are the same' --size 1M new new
refuse 1 'are the same' --size 1M new ./new
refuse 1 'are the same' --size 1M --force data data
ln data hard
refuse 1 'are the same' --size 1M --force data hard
rm hard
equal 'the files' "$(sum data)$(sum index)" "$sums"
nothing_made
# Files that cannot be written.
(ulimit -f 3
 "$tool" create-upper --size 1M new.data new.index) >out 2>err &&
	fail 'files larger than the limit were made'
says 'new.data: cannot write'
nothing_made

# Files that are to be replaced stay until both new ones are there.
still_there()
{
	equal 'the files' "$(sum data)$(sum index)" "$sums"
	[ -z "$(find . -name '.data*' -o -name '.index*')" ] ||
		fail "left behind: $(find . -name '.data*' -o -name '.index*')"
}
refuse 1 'No such file or directory' --size 1M --force data nowhere/index
refuse 1 'No such file or directory' --size 1M --force nowhere/data index
still_there
(ulimit -f 3
 "$tool" create-upper --size 1M --force data index) >out 2>err &&
	fail 'files larger than the limit were made'
says 'data: cannot write'
still_there
# A file that something is mounted on is one that nobody can replace.
for file in data index; do
	unshare -rm true 2>/dev/null || break
	expect 1 unshare -rm sh -c "mount --bind $file $file &&
		'$tool' create-upper --size 1M --force data index"
	says "$file: cannot replace it"
	still_there
done
expect 0 "$tool" create-upper --force --size 1M data index
[ "$(sum data)$(sum index)" != "$sums" ] || fail 'the files were not replaced'
equal 'mode of a file' "$(stat -c %a data)" "$(printf %o $((0666 & ~$(umask))))"
sums=$(sum data)$(sum index)
still_there
expect 0 "$tool" repair data index

refuse 2 '--size is missing' new new.index
refuse 2 'expected a data and an index file' --size 1M new
refuse 2 'expected a data and an index file' --size 1M new a b
for size in 1000 -512 x 17000000T ''; do
	refuse 2 "--size is '$size'" --size "$size" new new.index
done
refuse 2 'expected a UUID' --size 1M --uuid 1234 new new.index
refuse 2 'expected a UUID' --size 1M --parent x new new.index
refuse 2 'at most 255' --size 1M --user-tag "$(printf %0256d 0)" new new.index
refuse 2 'bad option --what' --size 1M --what new new.index
nothing_made
expect 0 "$tool" create-upper --help
says --force
