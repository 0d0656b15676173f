#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# seal makes a lower of a writable layer, which nobody opens for writing then.
# shellcheck source=tests/tools/common
. "$(dirname "$0")/common"

need python3 jq

python3 "$here/make-image.py" new 31 3000320 "$work/base"
expect 0 "$tool" create --raw "$work/base" "$work/lower"
config_of "$work/lower" "$work/data" >"$work/sealed.json" 2>/dev/null
for kind in append crashed sparse; do
	python3 "$here/make-upper.py" $kind 5 "$work/base" "$work/data" \
		"$work/index" "$work/raw" || fail "no layer"
	config_with_upper "$work/data" "$work/index" "$work/lower" \
		>"$work/c.json"
	config_of "$work/lower" "$work/data" >"$work/sealed.json"
	expect 0 "$tool" seal "$work/data" "$work/index"
	says "$work/index: is not needed any more, remove it"
	reads_as "$work/raw" "$work/sealed.json"
	expect 0 "$tool" verify "$work/data"
	expect 0 "$tool" dump --json "$work/data"
	jq -e '.lsmt_header.flags == 3 and .lsmt_trailer.flags == 6 and
	       .lsmt_trailer.user_tag == "a tag" and
	       .lsmt_trailer.uuid == .lsmt_header.uuid' "$work/out" \
		>/dev/null || fail "wrong JSON"
	size=$(stat -c %s "$work/data")

	# Again it is the same; for writing it is not to be had.
	before=$(sum "$work/data")
	expect 0 "$tool" seal --print-bytes "$work/data" "$work/index"
	[ "$(cat "$work/out")" = "$size" ] || fail "wrong length"
	expect 0 "$tool" seal --json "$work/data" "$work/index"
	[ "$(jq .bytes "$work/out")" = "$size" ] || fail "wrong length"
	[ "$(sum "$work/data")" = "$before" ] || fail "it has changed"
	expect 3 "$tool" export "$work/c.json" "$work/disk2"
	says "sealed"
	expect 3 "$tool" commit "$work/data" "$work/index" "$work/disk2"
	[ ! -e "$work/disk2" ] || fail "a file came out"
done

# Stopped by a limit on the way, it goes on from there.
python3 "$here/make-upper.py" append 6 "$work/base" "$work/data" \
	"$work/index" "$work/raw"
config_with_upper "$work/data" "$work/index" "$work/lower" >"$work/c.json"
size=$(stat -c %s "$work/data")
for more in 0 1 4; do
	(
		ulimit -f $((size / 1024 + more))
		expect 1 "$tool" seal "$work/data" "$work/index"
		says "cannot write"
	) || exit 1
	[ "$(stat -c %s "$work/data")" = "$size" ] ||
		fail "the data file has become longer"
done
reads_as "$work/raw" "$work/c.json"
expect 0 "$tool" seal "$work/data" "$work/index"
reads_as "$work/raw" "$work/sealed.json"

expect 2 "$tool" seal "$work/data"
expect 2 "$tool" seal --what "$work/data" "$work/index"
expect 1 "$tool" seal "$work/none" "$work/index"
expect 3 "$tool" seal "$work/lower" "$work/index"
ln -s lower "$work/symlink"
expect 1 timeout 5 "$tool" seal "$work/lower" "$work/symlink"
says "$work/lower, $work/symlink): are the same"

if [ -d "$fixtures" ]; then
	cp "$fixtures"/rw-append/upper.* "$work"
	chmod u+w "$work"/upper.*
	expect 0 "$tool" seal "$work/upper.data" "$work/upper.index"
	config_of "$fixtures"/plain3/layer?.lsmt "$work/upper.data" \
		>"$work/c.json"
	expect 0 "$tool" export "$work/c.json" "$work/disk"
	[ "$(sum "$work/disk")" = \
	  "$(jq -r .sha256 "$fixtures/rw-append/expect.json")" ] ||
		fail "rw-append: wrong content"
fi
