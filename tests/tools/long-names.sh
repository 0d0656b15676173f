#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Files may have names as long as the system lets them, and messages about such
# files have their reason in them.
# shellcheck source=tests/tools/common
. "$(dirname "$0")/common"

# refuse STATUS REASON ARG...
refuse()
{
	expect "$1" "$tool" "${@:3}"
	says "$2"
}

folder=$work
for i in {1..15}; do
	folder+=/$(printf %0250d "$i")
done
mkdir -p "$folder" || skip 'no such long names here'
long=$folder/$(printf %0200d 0)
truncate -s 1M "$work/raw"
"$tool" create --raw "$work/raw" "$work/layer" >/dev/null || fail create
config_of "$work/layer" >"$work/c.json"
head -c 4096 /dev/zero | tr '\0' x >"$long.tar"
"$tool" create-upper --size 1M "$long.d" "$long.i" >/dev/null ||
	fail create-upper

refuse 1 'No such file or directory' create --raw "$long" "$work/new"
refuse 1 'no regular file: name another' create --raw "$work/raw" "$folder"
refuse 1 'no regular file: name another' export "$work/c.json" "$folder"
refuse 1 'which would be lost: name another' create --raw "$long.d" "$long.d"
refuse 3 'Unrecognized archive format' turbo --out "$work/new" "$long.tar"
refuse 1 'is there already' create-upper --size 1M "$long.d" "$work/new"
refuse 1 'No such file or directory' dump --index "$long" "$long.d"
refuse 3 'LSMT data: bad magic' verify --index "$long.i" "$long.tar"
truncate -s 100 "$long.i"
refuse 3 'expected 4096 or more' verify --index "$long.i" "$long.d"
refuse 3 'expected 4096 or more' seal "$long.d" "$long.i"

cd "$work" || exit 1
for length in 247 248 255; do
	name=$(printf "%0${length}d" 0)
	expect 0 "$tool" create --raw raw "$name"
	cmp layer "$name" || fail "not the layer: a name of $length bytes"
	expect 0 "$tool" create-upper --force --size 1M "$name" index
	expect 0 "$tool" repair "$name" index
	nothing_left .
	rm "$name" index
done
refuse 1 'File name too long' create --raw raw "$(printf %0256d 0)"
