# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash source-path=SCRIPTDIR
# Description: the model goes on while layers are closed, sealed, committed, merged
# Kernels: uml-debug
. "${0%/*}/lib.sh" || exit
. "$HERE/upper.sh"

DEVICE=/dev/mapper/layers

# config UPPER LAYER...: the file config, of an image of them, lowest first.
config()
{
	local upper=$1

	shift
	write_config lowers.json "$@"
	jq --arg data "$PWD/$upper.data" --arg index "$PWD/$upper.index" \
		'.upper = {data: $data, index: $index}' lowers.json >config
}

# go_on NAME LAYER...: write to a fresh writable layer over others, in two
# sessions, and export it after each.
go_on()
{
	local name=$1

	"$TOOL" create-upper --size 16M "$name.data" "$name.index" >create.log
	config "$@"
	for _ in 1 2; do
		open_image config layers
		model --model saved --base raw --ops 1500 --max 65536 --race 10 \
			--mix 25,50,10,10,5 $DEVICE
		"$TOOL" close layers
		rm -f flat
		"$TOOL" export config flat >export.log
		"$MODEL" compare --model saved --base raw flat
	done
}

# expect_image LAYER...: read-only, it is what has been written.
expect_image()
{
	write_config lowers.json "$@"
	open_image lowers.json layers
	"$MODEL" compare --model saved --base raw $DEVICE
	"$TOOL" close layers
}

need_model
need_commands jq
base_layer $((12 * MIB))
losetup --detach "$LOOP"

say 'commit'
go_on one base
"$TOOL" commit --compress lz4 config layer1 >commit.log
expect_image base layer1

say 'seal'
go_on two base layer1
"$TOOL" seal two.data two.index >seal.log
expect_image base layer1 two.data

say 'merge, with the writable layer'
go_on three base layer1 two.data
"$TOOL" merge --from 1 --compress zstd config merged >merge.log
expect_image base merged

say 'merge all'
go_on four base merged
"$TOOL" merge config all >merge.log
expect_image all
