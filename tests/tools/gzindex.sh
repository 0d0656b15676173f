#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# gzindex indexes gzip files of all members, and leaves nothing of others.
# shellcheck source=tests/tools/common
. "$(dirname "$0")/common"

need python3 jq gzip
cd "$work" || exit 1

# value KEY: of the JSON that was printed
value()
{
	jq -r ".$1" out
}

python3 "$here/make-image.py" new 7 3000320 raw
gzip -9c raw >raw.gz
expect 0 "$tool" gzindex --json raw.gz
[ "$(value index)" = raw.gz.gzindex ] || fail "index $(value index)"
[ "$(value data_size)" = 3000320 ] || fail "data_size $(value data_size)"
[ "$(value members)" = 1 ] || fail "members $(value members)"
[ "$(value gzip_size)" = "$(stat -c %s raw.gz)" ] || fail 'gzip_size'
[ "$(value index_size)" = "$(stat -c %s raw.gz.gzindex)" ] || fail 'index_size'
points=$(value points)
expect 0 "$tool" gzindex --span 64K -o dense raw.gz
says "access points in $(stat -c %s dense) bytes"
expect 0 "$tool" gzindex --json --span 64K --level 0 --out plain raw.gz
[ "$(value points)" -gt "$points" ] || fail 'a smaller span has no more points'
[ "$(stat -c %s plain)" -gt "$(stat -c %s dense)" ] || fail 'it is compressed'
expect 0 "$tool" gzindex --span 64K --out again raw.gz
cmp dense again || fail 'another index of the same file'

# All members; the second half of the data is in the second one.
{ head -c 1000000 raw | gzip -1; tail -c +1000001 raw | gzip -6; } >two.gz
expect 0 "$tool" gzindex --json two.gz
[ "$(value members) $(value data_size)" = '2 3000320' ] || fail "$(cat out)"

# Others that know the format read from every point of it, of a fixture's, too.
for level in 0 6; do
	expect 0 "$tool" gzindex --span 64K --level $level --checksums -o index two.gz
	python3 "$here/check-gzindex.py" index two.gz raw || fail "level $level"
done
fixture=$fixtures/gzip-only
if [ -d "$fixture" ]; then
	gzip -dc "$fixture/data.gz" >data
	python3 "$here/check-gzindex.py" "$fixture/gzip.meta" "$fixture/data.gz" data ||
		fail 'a fixture'
fi

# refused STATUS TEXT ARG...: nothing is left
refused()
{
	local status=$1 text=$2

	shift 2
	rm -f index
	expect "$status" "$tool" gzindex --out index "$@"
	says "$text"
	[ ! -e index ] || fail "$*: left an index"
}

# Nor what nobody could read; but members may be many, and their table large.
echo | gzip -n >one.gz
gzip -n </dev/null >none.gz
# times N FILE
times()
{
	python3 -S -c 'import sys
sys.stdout.buffer.write(open(sys.argv[2], "rb").read() * int(sys.argv[1]))' "$@"
}
{ times 140000 none.gz; cat one.gz; } >empty.gz
refused 1 'empty.gz: nobody could read its index: gzip index: point 131073: is number 131073 in one block of data' empty.gz
times 80000 one.gz >many.gz
expect 0 "$tool" gzindex --json --level 0 --out plain many.gz
[ "$(value members) $(value data_size)" = '80000 80000' ] || fail "$(cat out)"
expect 0 "$tool" verify --gzip-index plain many.gz
says 'many.gz: valid, gzip, 80000 members'

head -c 100000 raw.gz >cut.gz
refused 3 'cut.gz: is no whole gzip file: it ends within a member' cut.gz
cp raw.gz bad.gz
printf 'XXXX' | dd of=bad.gz bs=1 seek=$(($(stat -c %s raw.gz) - 8)) \
	conv=notrunc status=none
refused 3 'incorrect data check' bad.gz
{ cat raw.gz; echo more; } >more.gz
refused 3 'incorrect header check' more.gz
refused 3 'raw: is no whole gzip file' raw
refused 1 'none: cannot open it' none
refused 2 "span is '17'" --span 17 raw.gz
refused 2 "span is '2G'" --span 2G raw.gz
expect 0 "$tool" gzindex --help
says 'from 4K to less than 2G'
refused 2 "level is '10'" --level 10 raw.gz
refused 2 'expected one gzip file' raw.gz two.gz
expect 1 "$tool" gzindex --out raw.gz raw.gz
gzip -dc raw.gz | cmp - raw || fail 'the gzip file is gone'
