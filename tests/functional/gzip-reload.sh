# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash source-path=SCRIPTDIR
# Description: tables with gzip files are replaced under reads, by other indexes too
# Kernels: uml-debug 6.12
. "${0%/*}/lib.sh" || exit
. "$HERE/turbo.sh"

TIMES=8

# is_reading COUNTER NAME
is_reading()
{
	[ "$("$1" "$2" blocks)" -gt 0 ]
}

# replace COUNTER NAME FILE TABLE...: while it is read, as the file. COUNTER is the
# function that knows its status.
replace()
{
	local counter=$1 name=$2 file=$3

	start_device compare threads=3 direct=1 reads=0 "/dev/mapper/$name" "$file"
	retry is_reading "$counter" "$name"
	helper reload "$name" $TIMES "${@:4}"
	stop_device
	cmp "/dev/mapper/$name" "$file"
}

need_tool
need_target delay
need_commands mke2fs tar
mkdir tree
device fill compressible=1 tree/one 0 $((2 * MIB))
device fill seed=2 tree/two 0 $((MIB + 700))
tar -cf raw tree
gzip -n <raw >raw.gz
size=$(stat -c %s raw)

say 'a gzip file'
"$TOOL" gzindex --span 1M --checksums --out index raw.gz >made
slow_file raw.gz slow 100
table="0 $((size / SECTOR)) overlaybd-gzip $LINE"
attach_whole index index
first="$table $LINE"
"$TOOL" gzindex --span 32K --level 0 --out other raw.gz >made
attach_whole other index2
second="$table $LINE 1 no_cache"
dm_create reload "$first" --readonly
replace single_counter reload raw "$second" "$first 1 no_verify" "$first"

say 'a layer of one'
TARGET=(raw.gz)
add_layer 0 --size 16M
"$TOOL" export image-1.json disk >made
open_image image-1.json layer
sed "s|raw.gz.gzindex|other|" image-1.json >other.json
open_image other.json other
replace counter layer disk "$(dmsetup table other)" "$(dmsetup table layer)"
"$TOOL" close other
"$TOOL" close layer
