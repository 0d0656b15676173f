# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash source-path=SCRIPTDIR
# Description: a stack on top of one in use maps only what it adds
# Kernels: uml-debug
. "${0%/*}/lib.sh" || exit

# How many sectors a layer changes: enough for a map that is worth sharing.
CHANGES=1500

# next_layer NR SIZE [OPTION...]: layerNR changes many sectors of what is
# below, and makes the disk that large. diskNR is what it and those below show.
next_layer()
{
	local nr=$1 size=$2

	shift 2
	cp "disk$((nr - 1))" "disk$nr"
	truncate -s "$size" "disk$nr"
	device sprinkle seed="$nr" sectors=$CHANGES "disk$nr"
	create_layer --raw "disk$nr" --base "disk$((nr - 1))" "$@" "layer$nr"
}

# stack NAME NR: a device over layers 0 to NR.
stack()
{
	local i layers=''

	for ((i = 0; i <= $2; i++)); do
		layers+=" lower ${LOOPS[i]} $(stat -c %s "layer$i")"
	done
	dm_create "$1" "0 $(($(stat -c %s "disk$2") / SECTOR)) overlaybd \
$((3 * i))$layers" --readonly
}

# expect_stack NAME NR KIND: it shows what it should, and has that map.
expect_stack()
{
	expect_times "$1" "^layers $(($2 + 1)) .* map $3\$"
	expect_same "/dev/mapper/$1" "disk$2"
	device compare direct=1 reads=30 "/dev/mapper/$1" "disk$2"
}

# expect_export NR: the images are what the tool says that they are.
expect_export()
{
	local blobs

	mapfile -t blobs < <(seq -f 'layer%.0f' 0 "$1")
	write_config config "${blobs[@]}"
	"$TOOL" export config export >export.log
	cmp export "disk$1"
	rm export
}

need_tool
SIZE=$((3 * MIB))
device fill disk0 0 $SIZE
create_layer --raw disk0 --compress lz4 layer0
for nr in {1..5}; do
	packed=()
	((nr % 2)) || packed=(--compress zstd --block-size 16K)
	next_layer $nr $SIZE "${packed[@]}"
done
next_layer 6 $((2 * MIB))
next_layer 7 $SIZE
expect_export 5
expect_export 6
expect_export 7
LOOPS=()
for nr in {0..7}; do
	loop_attach layer$nr
	LOOPS+=("$LOOP")
done

say 'one on top of the other'
stack one 1
expect_stack one 1 private
stack two 2
expect_stack two 2 partial
expect_times two ' shared 2 '
one=$(counter one map_bytes)
[ "$one" -ge 16384 ] || fail "a map of $one bytes: it need not be shared"
expect_counter one shared_map_bytes "$one"
expect_counter two shared_map_bytes "$one"
[ "$(counter two map_bytes)" -gt "$one" ] || fail 'it adds nothing'
stack same 2
expect_stack same 2 shared
expect_counter same shared_map_bytes "$(counter same map_bytes)"
dmsetup remove --retry same

say 'the lower one goes first'
dmsetup remove --retry one
expect_stack two 2 partial
expect_counter two shared_map_bytes 0
stack one 1
expect_stack one 1 shared
expect_counter two shared_map_bytes "$one"

say 'five on top of each other'
for nr in 3 4 5; do
	stack chain$nr $nr
	expect_stack chain$nr $nr partial
done
dmsetup remove --retry one
expect_stack chain5 5 partial
dmsetup remove --retry two chain4
expect_stack chain5 5 partial
expect_stack chain3 3 partial
dmsetup remove --retry chain3

dmsetup remove --retry chain5

say 'a smaller one on top, and a larger one on top of that'
stack small 6
expect_stack small 6 private
stack large 7
expect_stack large 7 partial
stack five 5
expect_stack five 5 private
dmsetup remove --retry large
stack large 7
expect_stack large 7 partial
dmsetup remove --retry small five
expect_stack large 7 partial
dmsetup remove --retry large

say 'what a smaller one leaves out of one below, under an upper that is larger'
blobs=("$PWD"/layer{0..5})
write_config below "${blobs[@]}"
"$TOOL" create-upper --size 2M data index >create.log
write_config above "${blobs[@]}" "$PWD/layer6"
jq '.upper = { data: "data", index: "index" }' above >config
open_image below below
open_image config above
expect_times above ' map partial$'
"$TOOL" grow --size 3M above >grow.log
cp disk6 disk
tail -c +$((2 * MIB + 1)) disk5 >>disk
expect_same /dev/mapper/above disk
"$TOOL" close above
"$TOOL" close below
