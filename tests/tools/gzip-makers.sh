#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Whatever program has compressed a layer, an image over it is the same disk.
# shellcheck source=tests/tools/common
. "$(dirname "$0")/common"

need python3 jq gzip pigz zopfli tar
cd "$work" || exit 1
mkdir tree
# Text, noise, both in turns, and a long run.
python3 "$here/make-image.py" new 3 1500160 tree/mixed
head -c 700001 /dev/urandom >tree/noise
cat "$tool" >tree/program
seq 120000 >tree/text
head -c 3M /dev/zero >tree/run
tar -cf layer.tar tree
expect 0 "$tool" turbo --size 64M --out meta layer.tar
jq -n --arg meta "$work/meta" --arg tar "$work/layer.tar" \
	'{ lowers: [{ file: $meta, targetFile: $tar }] }' >plain.json
expect 0 "$tool" export plain.json plain
jq --arg dir "$work" '.lowers[0] += { targetFile: ($dir + "/layer.gz"),
	gzipIndex: ($dir + "/index") }' plain.json >gzip.json

# same SPAN LEVEL MAKER...: what it makes of the tar is as good as the tar
same()
{
	local span=$1 level=$2

	shift 2
	"$@" <layer.tar >layer.gz || fail "$* failed"
	expect 0 "$tool" gzindex --checksums --span "$span" --level "$level" \
		--out index layer.gz
	expect 0 "$tool" export gzip.json disk
	cmp plain disk || fail "$*, span $span: another disk"
}

# members SIZE: that many bytes each
members()
{
	split -b "$1" --filter 'gzip -4'
}

for n in {1..9}; do
	same $((7919 * n * n)) $((n % 3)) gzip -"$n"
done
same 4096 1 gzip -6
same 100000 0 gzip --rsyncable
for n in 1 6 9 11; do
	same 65536 6 pigz -"$n" --processes 2 --blocksize 128
done
same 50000 1 pigz --independent --processes 2
same 1M 9 pigz --huffman
same 1M 9 pigz --rle
same 300000 1 zopfli --i1 -c /dev/stdin
same 1M 1 members 40000
same 4096 1 members 1000003
