#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# verify inflates gzip files from every access point, and notices what is wrong.
# shellcheck source=tests/tools/common
. "$(dirname "$0")/common"

need python3 jq gzip
cd "$work" || exit 1

# check STATUS GZIP INDEX [OPTION...]
check()
{
	expect "$1" "$tool" verify "${@:4}" --gzip-index "$3" "$2"
}

# refused GZIP INDEX TEXT...: it is invalid, and so are these the reasons
refused()
{
	local gzip=$1 index=$2 text

	check 3 "$gzip" "$index"
	says "$gzip: INVALID"
	for text in "${@:3}"; do
		says "$gzip: $text"
	done
	[ "$(wc -l <err)" = $(($# - 2)) ] || fail "more is wrong: $(cat err)"
}

# change FIELD CHANGE [POINT]: of the index, or of one of its points, in a copy
change()
{
	cp plain index
	if [ $# = 3 ]; then
		python3 "$here/../functional/gzindex.py" index "$3" "$1" "$2"
	else
		python3 "$here/patch-gzindex.py" index "$@"
	fi || fail "cannot change $*"
}

# value POINT FIELD: what the index says
value()
{
	python3 "$here/../functional/gzindex.py" plain "$1" "$2"
}

# Members with and without data; of the last but one the data is stored.
seq 200000 | head -c 1000000 >raw
python3 "$here/make-image.py" noise 7 500000 noise || fail 'make-image'
{ gzip -9nc raw; gzip -nc /dev/null; gzip -1c raw; } >all.gz
python3 "$here/make-gzip.py" noise stored.gz
stored=$(stat -c %s all.gz)
{ cat stored.gz; gzip -nc /dev/null; } >>all.gz
"$tool" gzindex --span 64K --out packed all.gz >/dev/null || fail 'gzindex'
"$tool" gzindex --span 64K --level 0 --out plain all.gz >/dev/null ||
	fail 'gzindex'
"$tool" gzindex --span 32K --level 0 --checksums --out sums all.gz >/dev/null ||
	fail 'gzindex'

for threads in 1 2 7; do
	for index in packed plain sums; do
		check 0 all.gz $index --threads $threads
		says 'all.gz: valid, gzip, 5 members, 2500000 bytes of data'
	done
done
says '0 of 39 blocks bad'
check 0 all.gz sums --json
jq -e '.[0] | .valid and .checksums and .members == 5 and .points > 20 and
	.bytes == 2500000 and .blocks == 39 and .bad_blocks == 0 and
	.unindexed_bytes == 0 and .errors == []' out >/dev/null ||
	fail "wrong JSON: $(cat out)"

# Data that inflates, but is wrong. Byte 2000100 of the data is in block 30.
at=$((stored + $(python3 -S -c '
import sys
print(open("stored.gz", "rb").read().index(open("noise", "rb").read()[100:164]))')))
cp all.gz bad.gz
flip bad.gz $at $((at + 300000))
check 3 bad.gz sums
says 'byte 1966080 of the data, block 30: wrong CRC'
says 'byte 2293760 of the data, block 35: wrong CRC'
says '2 of 39 blocks bad'
cp err one
check 3 bad.gz sums --threads 7
cmp err one || fail 'the order depends on threads'
check 3 bad.gz sums --json
jq -e '.[0] | .valid == false and .bad_blocks == 2' out >/dev/null ||
	fail "wrong JSON: $(cat out)"
cp all.gz bad.gz
flip bad.gz $((at + 300000))
check 3 bad.gz plain

# Blocks in the middle of what one point leads to, and the last one.
"$tool" gzindex --checksums --out last stored.gz >/dev/null || fail 'gzindex'
cp stored.gz last.gz
flip last.gz 200000 $(($(stat -c %s stored.gz) - 100))
check 3 last.gz last
says 'byte 196608 of the data, block 3: wrong CRC'
says 'byte 458752 of the data, block 7: wrong CRC'
says '2 of 8 blocks bad'

# Nobody but the gzip file knows, if no window has that byte.
cp stored.gz last.gz
"$tool" gzindex --out last last.gz >/dev/null || fail 'gzindex'
flip last.gz 400000
refused last.gz last 'gzip member 0: CRC of its data is '
cp stored.gz last.gz
flip last.gz $(($(stat -c %s stored.gz) - 1))
refused last.gz last 'gzip member 0: length of its data is 500000 modulo 2^32'

# Any other bit; not in the header, which has times and such.
for ((at = 20; at < $(stat -c %s all.gz); at += 60013)); do
	cp all.gz bad.gz
	flip bad.gz $at
	check 3 bad.gz packed
	check 3 bad.gz sums
done
# The window of the first point is zeros that nobody needs.
for ((at = $(value 1 window_pos); at < $(value 9 window_pos); at += 60013)); do
	cp packed index
	flip index $at
	check 3 all.gz index
	cp plain index
	flip index $at
	check 3 all.gz index
done

# Points, one by one; what is behind them is looked at all the same.
for what in 'data_pos -1' 'gzip_pos 1'; do
	# shellcheck disable=SC2086 # two words
	change $what 3
	check 3 all.gz index
	says 'access point 3: is not where the gzip file comes to'
done
change bits $((($(value 3 bits) + 1) % 8 - $(value 3 bits))) 3
check 3 all.gz index
says 'access point 3: is not where the gzip file comes to'
cp plain index
flip index $(($(value 3 window_pos) + 100))
flip index $(($(value 5 window_pos) + 30000))
check 3 all.gz index
says 'access point 3: its window and the data before it differ'
says 'access point 5: its window and the data before it differ'
change window_size -32764 3
python3 "$here/../functional/gzindex.py" index 3 window_pos 32764
check 3 all.gz index
says 'access point 3: does not inflate from there'
cp packed index
flip index $(($("$tool" dump --json --entries packed |
	jq '.entries[4].window_pos + 300')))
check 3 all.gz index
says 'access point 4: its window does not inflate'

# Points that are closer than a window is long: what it has of the data before
# the point before matters, but not what it has before the first byte.
python3 "$here/make-gzip.py" noise close.gz 6000 || fail 'make-gzip'
"$tool" gzindex --span 4K --level 0 --out plain close.gz >/dev/null ||
	fail 'gzindex'
[ "$(value 9 data_pos)" = 54000 ] || fail "$(value 9 data_pos)"
cp plain index
flip index "$(value 9 window_pos)"
refused close.gz index 'access point 9: its window and the data before it differ'
cp plain index
for point in 1 2; do
	at=$(value $point window_pos)
	python3 "$here/../functional/gzindex.py" index $point window_pos \
		$(($(stat -c %s index) - at))
	seq $point 10000 | head -c 1000 >>index
	tail -c +$((at + 1001)) plain |
		head -c $(($(value $point window_size) - 1000)) >>index
done
python3 "$here/patch-gzindex.py" index index_size \
	$(($(stat -c %s index) - $(stat -c %s plain)))
check 0 close.gz index

# A member that begins elsewhere; the first has a header of ten bytes.
"$tool" gzindex --span 64K --level 0 --out plain all.gz >/dev/null ||
	fail 'gzindex'
change gzip_pos -1 0
check 3 all.gz index
says 'access point 0: '
member=$("$tool" dump --json --entries plain |
	jq '[.entries[].data_pos] | index(2000000)')
cp all.gz bad.gz
flip bad.gz "$stored"
refused bad.gz plain "access point $member: is not where a gzip member begins"

# What a window has before the member is nobody's.
cp plain index
flip index "$(value "$member" window_pos)"
check 0 all.gz index

# Members without data have CRCs as well.
for at in 1 5; do
	cp all.gz bad.gz
	flip bad.gz $(($(stat -c %s all.gz) - at))
	refused bad.gz plain \
		'byte 2500000 of the data: the gzip member does not end as it has to'
done

# The end.
change data_size -100
refused all.gz index \
	'gzip index: point'
"$tool" gzindex --level 0 --out plain stored.gz >/dev/null || fail 'gzindex'
change data_size -100
refused stored.gz index \
	'the gzip file does not end with byte 499900 of the data'
change data_size 100
refused stored.gz index 'access point '
{ cat stored.gz; echo hello; } >more.gz
change gzip_size 6
check 0 more.gz index
says '6 bytes behind the last member that is indexed'
head -c -3 stored.gz >cut.gz
change gzip_size -3
check 3 cut.gz index
says 'byte 500000 of the data: the gzip member does not end as it has to'

# What cannot be read, and what makes no sense.
check 1 none plain
says 'none: cannot open it: '
check 1 stored.gz none
says 'gzip index: cannot open it: '
check 3 stored.gz raw
says 'gzip index: bad magic'
check 3 raw plain
says 'gzip index: gzip_size is'
expect 2 "$tool" verify --gzip-index plain stored.gz stored.gz
expect 2 "$tool" verify --gzip-index plain --index plain stored.gz
expect 2 "$tool" verify --gzip-index plain

if [ -d "$fixtures" ]; then
	for image in gzip-only gzip-equal-points turbo-gz turbo-gz-64k; do
		dir=$fixtures/$image
		gzip=data.gz
		[ -e "$dir/$gzip" ] || gzip=layer.tgz
		check 0 "$dir/$gzip" "$dir/gzip.meta"
		says 'gzip, 1 member,'
	done
fi
