# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash source-path=SCRIPTDIR
# Description: writable layers of the reference read right and go on being used
# Kernels: uml-debug
. "${0%/*}/lib.sh" || exit
. "$HERE/upper.sh"

# The cut of a loop device to whole sectors may cost the last entries: so, as
# for every use, the files become longer than what is in them.
use_fixture()
{
	local name=$1 case=$FIXTURES/$1 bytes=$2

	cp "$case/upper.data" "$name.data"
	cp "$case/upper.index" "$name.index"
	chmod u+w "$name.data" "$name.index"
	truncate -s +$((16 * MIB)) "$name.data"
	truncate -s $((4 * MIB)) "$name.index"
	attach_upper "$name"
	open_upper "$name" "$bytes" "$3"
}

# go_on NAME [BASE_OPTION]: from what is there.
go_on()
{
	local name=$1 bytes

	dd if="/dev/mapper/$name" of="$name.base" bs=$MIB conv=sparse status=none
	bytes=$(blockdev --getsize64 "/dev/mapper/$name")
	truncate -s "$bytes" "$name.base"
	model --model "$name.saved" --base "$name.base" --ops 5000 --max 65536 \
		--mix 20,55,10,10,5 --length $((8 * MIB)) "/dev/mapper/$name"
	close_upper "$name"
	upper cut "$name.data" "$name.index"
	upper flatten ${2:+"$2"} "$name.data" "$name.index" flat
	"$MODEL" compare --model "$name.saved" --base "$name.base" flat
}

need_fixtures
need_model
lowers=
for n in 0 1 2; do
	loop_attach "$FIXTURES/plain3/layer$n.lsmt"
	lowers+=" lower $LOOP $(stat -c %s "$FIXTURES/plain3/layer$n.lsmt")"
done
dm_create lowers "0 $((256 * MIB / SECTOR)) overlaybd 9$lowers" --readonly
dd if=/dev/mapper/lowers of=lowers.raw bs=$MIB conv=sparse status=none
use_fixture rw-append $((256 * MIB)) "${lowers# }"
device fixture /dev/mapper/rw-append "$FIXTURES/rw-append"
go_on rw-append base=lowers.raw

bytes=$(upper sizes "$FIXTURES/rw-only/upper.data" \
	"$FIXTURES/rw-only/upper.index")
use_fixture rw-only "${bytes%% *}" ''
device fixture /dev/mapper/rw-only "$FIXTURES/rw-only"
go_on rw-only
