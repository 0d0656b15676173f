#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# export compares what it inflates with the checksums of the index.
# shellcheck source=tests/tools/common
. "$(dirname "$0")/common"

need python3 jq gzip
need_fixtures

# The data of a layer in stored blocks: a byte that flips inflates all the same.
gzip -dc "$fixtures/turbo-gz/layer.tgz" >"$work/tar" || fail 'gzip'
python3 "$here/make-gzip.py" "$work/tar" "$work/good.gz"
expect 0 "$tool" gzindex --checksums --span 1M --out "$work/sums" "$work/good.gz"
expect 0 "$tool" gzindex --span 1M --out "$work/none" "$work/good.gz"

# image GZIP INDEX: its configuration
image()
{
	jq --arg gzip "$work/$1" --arg index "$work/$2" \
		'.lowers[0].targetFile = $gzip | .lowers[0].gzipIndex = $index' \
		"$(config turbo-gz)" >"$work/image.json"
	echo "$work/image.json"
}

sha256=$(jq -r .sha256 "$fixtures/turbo-gz/expect.json")
for threads in 1 3; do
	expect 0 "$tool" export --threads $threads "$(image good.gz sums)" \
		"$work/disk"
	[ "$(sum "$work/disk")" = "$sha256" ] || fail "wrong content"
done
rm "$work/disk"

cp "$work/good.gz" "$work/bad.gz"
flip "$work/bad.gz" 1000000
expect 0 "$tool" export "$(image bad.gz none)" "$work/disk"
[ "$(sum "$work/disk")" != "$sha256" ] || fail "the byte is in no file"
rm "$work/disk"
for threads in 1 3; do
	expect 3 "$tool" export --threads $threads "$(image bad.gz sums)" \
		"$work/disk"
	says "layer 1 ($work/bad.gz): the data from byte 983040 on has a wrong CRC"
	[ ! -e "$work/disk" ] || fail "a file came out"
done
nothing_left "$work"
