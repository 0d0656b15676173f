#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Options that are not there, and those without their value, are named.
# shellcheck source=tests/tools/common
. "$(dirname "$0")/common"

# refuse REASON COMMAND...
refuse()
{
	expect 2 "$tool" "${@:2}"
	says "$2: $1"
}

refuse 'option --raw needs a value' create "$work/out" --raw
refuse 'option --size needs a value' create-upper --size
refuse 'option --threads needs a value' verify --threads
refuse 'option --threads needs a value' export --threads
refuse 'option --index needs a value' dump --index
refuse 'option --from needs a value' merge --from
refuse 'option --level needs a value' commit --level
refuse 'option --span needs a value' gzindex --span
refuse 'option --out needs a value' turbo --out
refuse 'option -o needs a value' turbo -o
refuse 'option -o needs a value' trace record -o
refuse 'option --low-water needs a value' open --low-water
refuse 'option --low-water needs a value' table --low-water
refuse 'option --size needs a value' grow --size
refuse 'option --upper needs a value' snapshot --upper
for command in open close table status grow dump verify export create \
	       create-upper repair seal commit merge snapshot gzindex turbo; do
	refuse 'bad option --what' $command --what
	refuse 'bad option -j' $command -jx a.obd
	refuse 'bad option -x' $command a.obd -x
done
refuse 'bad option --what' trace show --what
refuse 'bad option -j' verify --zfile -jx a.obd
refuse 'bad option -j' verify --threads=3 -jx a.obd
refuse 'bad option -x' gzindex --span=1M -xo out a.gz
refuse 'bad option --json=x' verify --json=x a.obd

# An option of another verb, not its value
refuse 'show: bad option --entries' trace show --entries 5 file
refuse 'show: bad option --entries' trace show --entries=5 file
refuse 'show: bad option --out' trace show -o out file
refuse 'start: bad option --out' trace start --out out name
refuse 'replay: bad option --json' trace replay --json name file

# Options that do not go together
refuse '--json and --print-bytes do not go together' \
	seal --json --print-bytes data index
refuse '--zfile goes with blobs' verify --zfile --index index data
refuse '--zfile goes with blobs' verify --gzip-index index --zfile data

# What an option may be
refuse "--level is '0', expected 1 to 22" create --level 0 --raw a b
refuse "--threads is '0', expected 1 to 1024" export --threads 0 a b
refuse "--threads is '0', expected 1 to 1024" verify --threads 0 a
refuse "--size is '0', expected a multiple of 512 bytes, up to" \
	grow --size 0 name

# Two words behind one option, and a name behind "--"
refuse 'option --upper needs a value' snapshot name --upper
refuse '--upper needs a data and an index file' snapshot name --upper a
refuse "--upper needs an index file behind a, '--json' is an option" \
	snapshot name --upper a --json
refuse "--upper needs an index file behind a, '--' is an option" \
	snapshot --upper a -- name
refuse "bad name '/'" snapshot --upper a b -- /
refuse "bad name '/'" snapshot / --upper a b --
refuse 'expected one name' snapshot --upper a b -- name more
refuse 'expected one name' snapshot name --upper a b -- more
refuse 'expected a name' snapshot --upper a b --
