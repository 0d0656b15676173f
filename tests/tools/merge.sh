#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# merge makes one layer of any layers of an image, which stays the same disk.
# shellcheck source=tests/tools/common
. "$(dirname "$0")/common"

need python3 jq

uuid()
{
	# The upper names that of layer 2 as its parent.
	case $1 in
	2)	echo 5ea1ab1e-0000-4000-8000-000000000000;;
	*)	echo "11111111-0000-4000-8000-00000000000$1";;
	esac
}

# Three layers and an upper; the second hides the first in part with zeros.
python3 "$here/make-image.py" new 51 2000384 "$work/r0"
python3 "$here/make-image.py" change 52 2000384 "$work/r0" "$work/r1"
python3 "$here/make-image.py" change 53 2500096 "$work/r1" "$work/r2"
expect 0 "$tool" create --raw "$work/r0" --uuid "$(uuid 0)" --compress lz4 \
	"$work/l0"
expect 0 "$tool" create --raw "$work/r1" --base "$work/r0" \
	--uuid "$(uuid 1)" --parent "$(uuid 0)" "$work/l1"
expect 0 "$tool" create --raw "$work/r2" --base "$work/r1" \
	--uuid "$(uuid 2)" --parent "$(uuid 1)" --compress zstd \
	--block-size 64K --tar "$work/l2"
python3 "$here/make-upper.py" append 54 "$work/r2" "$work/data" \
	"$work/index" "$work/raw"
config_with_upper "$work/data" "$work/index" "$work/l0" "$work/l1" \
	"$work/l2" >"$work/c.json"
reads_as "$work/raw" "$work/c.json"

# merged FROM TO OPTION...: the layers, with those merged that are named
merged()
{
	local from=$1 to=$2 list=() i

	shift 2
	expect 0 "$tool" merge --from "$from" --to "$to" "$@" \
		"$work/c.json" "$work/m"
	for i in 0 1 2; do
		[ "$i" = "$from" ] && list+=("$work/m")
		[ "$i" -lt "$from" ] || [ "$i" -gt "$to" ] &&
			list+=("$work/l$i")
	done
	if [ "$to" = 3 ]; then
		[ "$from" = 3 ] && list+=("$work/m")
		config_of "${list[@]}" >"$work/m.json"
	else
		config_with_upper "$work/data" "$work/index" "${list[@]}" \
			>"$work/m.json"
	fi
	reads_as "$work/raw" "$work/m.json"
	if grep -q warning "$work/err"; then
		fail "the parents do not fit: $(cat "$work/err")"
	fi
	expect 0 "$tool" verify "$work/m"
}

for from in 0 1 2 3; do
	for ((to = from; to < 4; to++)); do
		merged "$from" "$to"
		merged "$from" "$to" --compress zstd --tar --threads 3
	done
done

# By the letter; the same on any number of threads; all of it otherwise.
expect 0 "$tool" merge --threads 1 "$work/c.json" "$work/m"
python3 "$here/check-spec.py" "$work/raw" "$work/m" || exit
expect 0 "$tool" merge --threads 5 --from 0 --to 3 "$work/c.json" "$work/m2"
cmp "$work/m" "$work/m2" || fail "not the same again"

# At the bottom nothing has to be hidden.
expect 0 "$tool" merge --to 1 "$work/c.json" "$work/m"
expect 0 "$tool" dump --json "$work/m"
jq -e '.index.zeroed == 0 and .lsmt_trailer.uuid == "'"$(uuid 1)"'"' \
	"$work/out" >/dev/null || fail "wrong index at the bottom"
expect 0 "$tool" merge --from 1 --to 2 "$work/c.json" "$work/m"
expect 0 "$tool" dump --json "$work/m"
jq -e '.index.zeroed > 0 and .lsmt_trailer.uuid == "'"$(uuid 2)"'" and
       .lsmt_trailer.parent_uuid == "'"$(uuid 0)"'" and
       .lsmt_trailer.virtual_size == 2500096' "$work/out" >/dev/null ||
	fail "wrong index above the bottom"

# What a smaller layer in the middle hides alone, one above shows again.
python3 "$here/make-image.py" new 55 1000448 "$work/small"
python3 "$here/make-image.py" new 56 100352 "$work/patch"
expect 0 "$tool" create --raw "$work/small" "$work/l1"
expect 0 "$tool" create --raw "$work/patch" --virtual-size 2000384 "$work/l2"
config_of "$work/l0" "$work/l1" "$work/l2" >"$work/s.json"
expect 0 "$tool" export "$work/s.json" "$work/all"
expect 0 "$tool" merge --to 1 "$work/s.json" "$work/m"
expect 0 "$tool" dump --json "$work/m"
jq -e '.lsmt_trailer.virtual_size == 1000448' "$work/out" >/dev/null ||
	fail "wrong size"
config_of "$work/m" "$work/l2" >"$work/m.json"
reads_as "$work/all" "$work/m.json"
config_with_upper "$work/data" "$work/index" "$work/l0" "$work/l1" \
	>"$work/s.json"
expect 0 "$tool" export "$work/s.json" "$work/all"
expect 0 "$tool" merge --to 1 "$work/s.json" "$work/m"
config_with_upper "$work/data" "$work/index" "$work/m" >"$work/m.json"
reads_as "$work/all" "$work/m.json"
config_of "$work/l0" "$work/l1" >"$work/s.json"
expect 0 "$tool" export "$work/s.json" "$work/all"
expect 0 "$tool" merge "$work/s.json" "$work/m"
expect 0 "$tool" dump --json "$work/m"
jq -e '.index.end_sector <= 1000448 / 512' "$work/out" >/dev/null ||
	fail "what is hidden was kept"
config_of "$work/m" >"$work/m.json"
reads_as "$work/all" "$work/m.json"

# What is not merged need not be sound, nor there.
rm "$work/index"
expect 0 "$tool" merge --to 2 "$work/c.json" "$work/m"
expect 1 "$tool" merge --to 3 "$work/c.json" "$work/m3"
expect 2 "$tool" merge --to 4 "$work/c.json" "$work/m3"
says "expected layers from 0 to 3"
expect 2 "$tool" merge --from 2 --to 1 "$work/c.json" "$work/m3"
expect 2 "$tool" merge --from x "$work/c.json" "$work/m3"
expect 1 "$tool" merge --to 2 "$work/c.json" "$work/l1"
says "would be lost"
[ ! -e "$work/m3" ] || fail "a file came out"
nothing_left "$work"

if [ -d "$fixtures" ]; then
	for image in "${readonly_images[@]}" "${turbo_images[@]}" \
		"${writable_images[@]}"; do
		expect 0 "$tool" merge --compress lz4 "$(config "$image")" \
			"$work/m"
		config_of "$work/m" >"$work/m.json"
		expect 0 "$tool" export "$work/m.json" "$work/disk"
		[ "$(sum "$work/disk")" = \
		  "$(jq -r .sha256 "$fixtures/$image/expect.json")" ] ||
			fail "$image: wrong content"
	done
	# A layer and its data are not to be parted; the layer has the name.
	expect 2 "$tool" merge --to 0 "$(config turbo-gz)" "$work/m3"
	says "layer 1 holds the data of layer 0: merge both or none"
	expect 2 "$tool" merge --from 2 "$(config turbo-mixed)" "$work/m3"
	says "layer 2 holds the data of layer 1: merge both or none"
	expect 2 "$tool" merge --to 3 "$(config turbo-mixed)" "$work/m3"
	says "expected layers from 0 to 2"
	expect 0 "$tool" merge --from 1 "$(config turbo-mixed)" "$work/m"
	config_of "$fixtures/zfile3/layer0.lz4-4k.tar" "$work/m" >"$work/m.json"
	expect 0 "$tool" export "$work/m.json" "$work/disk"
	[ "$(sum "$work/disk")" = \
	  "$(jq -r .sha256 "$fixtures/turbo-mixed/expect.json")" ] ||
		fail "turbo-mixed: wrong content"
	[ ! -e "$work/m3" ] || fail "a file came out"
fi
