#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# verify says what is wrong with an image as a whole, and of every file of it.
# shellcheck source=tests/tools/common
. "$(dirname "$0")/common"

need python3 jq

# results STATUS FILTER ARG...: verify --json exits so, the filter is true of it
results()
{
	expect "$1" "$tool" verify --json "${@:3}"
	jq -e "$2" "$work/out" >/dev/null || fail "not $2: $(cat "$work/out")"
}

low=01234567-89ab-cdef-0123-456789abcdef
high=76543210-89ab-cdef-0123-456789abcdef
python3 "$here/make-image.py" new 41 1000448 "$work/raw"
expect 0 "$tool" create --raw "$work/raw" --uuid $low "$work/low"
expect 0 "$tool" create --raw "$work/raw" --uuid $high --parent $low \
	"$work/high"

# No layer says how large the disk is.
expect 0 "$tool" create-upper --size 0 "$work/data" "$work/index"
expect 0 "$tool" seal "$work/data" "$work/index"
config_of "$work/data" >"$work/c.json"
expect 3 "$tool" verify "$work/c.json"
says "$work/data: valid"
says "$work/c.json: no layer has a virtual size"
says "$work/c.json: INVALID"
results 3 'map(.valid) == [true, false] and
	   (.[1].errors[0] | test("virtual size"))' "$work/c.json"
config_of "$work/low" "$work/data" >"$work/c.json"
expect 0 "$tool" verify "$work/c.json"

# The order
config_of "$work/low" "$work/high" >"$work/c.json"
expect 0 "$tool" verify "$work/c.json"
grep -q warning "$work/err" && fail 'a warning of layers in order'
config_of "$work/high" "$work/high" >"$work/c.json"
expect 0 "$tool" verify "$work/c.json"
says 'are the layers in the right order?'

# A file that is not there does not keep others from being checked.
mkdir "$work/q"
cat >"$work/c.json" <<END
{ "lowers": [ { "file": "low" }, { "file": "none" }, { "dir": "q" },
	      { "digest": "sha256:12" }, { "file": "high" } ],
  "upper": { "data": "none.data", "index": "none.index" } }
END
expect 1 "$tool" verify "$work/c.json"
says "$work/low: valid"
says "$work/none: COULD NOT BE CHECKED"
says "layer 2: no overlaybd.commit, .commit or overlaybd.sealed in $work/q"
says "$work/q: COULD NOT BE CHECKED"
says 'layer 3 is remote'
says "$work/high: valid"
says "$work/none.data: COULD NOT BE CHECKED"
results 1 'map(.valid) == [true, false, false, false, true, false]' \
	"$work/c.json"
results 1 'map(.errors | length) == [0, 1, 1, 1, 0, 1]' "$work/c.json"
results 1 ".[2] | .file == \"$work/q\" and (.errors[0] | test(\"layer 2\"))" \
	"$work/c.json"
results 1 'length == 1 and .[0].valid == false and
	   (.[0].errors[0] | test("No such file"))' \
	--index "$work/none" "$work/none"

# A configuration that is wrong
echo '{ "lowers": 1 }' >"$work/bad.json"
expect 3 "$tool" verify "$work/bad.json"
says "$work/bad.json: INVALID"
results 3 'map(.valid) == [false, true] and
	   (.[0].errors[0] | test("lowers is int"))' \
	"$work/bad.json" "$work/low"
