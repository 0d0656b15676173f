#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# JSON is UTF-8, whatever bytes are in the names of files and in what they hold.
# shellcheck source=tests/tools/common
. "$(dirname "$0")/common"

need python3 gzip

# prints NAME COMMAND...: its JSON has this string in it
prints()
{
	"$tool" "${@:2}" >"$work/out" 2>"$work/err"
	python3 - "$work/out" "$1" <<'END' || fail "no JSON with $1: ${*:2}"
import json, sys

def strings(o):
    if isinstance(o, (dict, list)):
        for value in o.values() if isinstance(o, dict) else o:
            yield from strings(value)
    elif isinstance(o, str):
        yield o

text = open(sys.argv[1], "rb").read().decode()
sys.exit(not any(sys.argv[2] in s for s in strings(json.loads(text))))
END
}

cd "$work" || exit 1
python3 "$here/make-image.py" new 43 100352 raw
gzip -c raw >raw.gz
# Longer than it need be, a surrogate, beyond the last, cut: all are no UTF-8.
name=$'x\xff\xc1\x81\xed\xa0\x80\xf4\x90\x80\x80\xc3'
as='x\xff\xc1\x81\xed\xa0\x80\xf4\x90\x80\x80\xc3'
prints "$as.o" create --json --raw raw "$name.o"
prints "$as.o" verify --json "$name.o"
prints "$as.no" verify --json "$name.no"
prints "$as.d" create-upper --json --size 1M "$name.d" "$name.i"
prints "$as.i" verify --json --index "$name.i" "$name.d"
prints "$as.i" repair --json "$name.d" "$name.i"
printf '{ "lowers": [ { "file": "%s" } ],
	  "upper": { "data": "%s", "index": "%s" } }' \
	"$name.o" "$name.d" "$name.i" >c.json
for file in o d i; do
	prints "$as.$file" table --json c.json
done
prints "$as.no" dump --json --index "$name.no" "$name.d"
prints "$as.d" seal --json "$name.d" "$name.i"
cp raw.gz "$name.gz"
prints "$as.gz" gzindex --json --out index "$name.gz"
prints "$as.x" gzindex --json --out "$name.x" raw.gz

# Text in a file
printf '\xff' | dd of="$name.o" bs=1 seek=56 conv=notrunc status=none
prints '\xff' dump --json "$name.o"

# What is UTF-8 stays as it is.
name=$'\xc3\xa9\xe2\x82\xac\xf4\x8f\xbf\xbf\\'
prints "$name" create --json --raw raw "$name"
