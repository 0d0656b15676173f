# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash source-path=SCRIPTDIR
# Description: the model goes on while snapshots are taken, and every layer is what it was
# Kernels: uml-debug 6.12
# Timeout: 500
. "${0%/*}/lib.sh" || exit
. "$HERE/upper.sh"

BYTES=$((16 * MIB))
HALF=$((BYTES / 2))
SNAPSHOTS=4

# Half of the disk is written to between the snapshots only, so that it is known
# what each of them has to hold; the other half all the time.
QUIET=/dev/mapper/quiet
BUSY=/dev/mapper/busy

# change N: write to the quiet half; quiet.N is what it is then.
change()
{
	model --model quiet.model --base raw --ops "$(operations 3000)" \
		--max 65536 --race 10 --mix 25,50,10,10,5 $QUIET
	cp quiet.model "quiet.$1"
}

# compare_quiet FILE OPTION...: the first half, with the model that is named.
compare_quiet()
{
	local file=$1

	shift
	"$MODEL" compare --length $HALF "$@" "$file" || fail "$file: $*"
}

# compare_busy FILE: the second half, at the end.
compare_busy()
{
	dd if="$1" of=second bs=1M skip=$((HALF / MIB)) status=none
	"$MODEL" compare --model busy.model second || fail "$1: second half"
}

# export_layers LAYER...: the file flat is an image of them, read by the tool.
export_layers()
{
	write_config flat.json "$@"
	rm -f flat
	"$TOOL" export flat.json flat >export.log
	rm flat.json
}

# expect_layer LAYER FROM TO: as an image of its own it has what has been
# written between the two, and nothing else.
expect_layer()
{
	export_layers "$1"
	compare_quiet flat --model "quiet.$3" --since "quiet.$2" --base raw
}

# expect_end LAYER...: an image of them is the disk as it was at the end.
expect_end()
{
	export_layers "$@"
	compare_quiet flat --model quiet.model --base raw
	compare_busy flat
}

need_model
need_commands jq
base_layer $HALF
losetup --detach "$LOOP"
"$TOOL" create-upper --size 16M data0 index0 >create.log
jq -n --arg dir "$PWD/" '{ lowers: [{ file: ($dir + "base") }],
	upper: { data: ($dir + "data0"), index: ($dir + "index0") } }' >config0
open_image config0 live
dm_create quiet "0 $((HALF / SECTOR)) linear /dev/mapper/live 0"
dm_create busy "0 $((HALF / SECTOR)) linear /dev/mapper/live $((HALF / SECTOR))"

# The model of what there was before it all.
model --model quiet.model --base raw --ops 1 --mix 1,0,0,0,0 $QUIET
cp quiet.model quiet.0
for ((n = 1; n <= SNAPSHOTS; n++)); do
	start_model --model busy.model --max 65536 --race 10 --threads 4 \
		--mix 25,50,10,10,5 $BUSY
	change $n
	"$TOOL" snapshot live --upper data$n index$n --config config$n \
		>snapshot.log
	# What comes after it is another layer's.
	sleep 1
	stop_model
done
change $((SNAPSHOTS + 1))
compare_quiet $QUIET --model quiet.model --base raw
"$MODEL" compare --model busy.model $BUSY
dmsetup remove --retry quiet
dmsetup remove --retry busy
"$TOOL" close live

say 'what the snapshots have sealed'
layers=("$PWD/base")
for ((n = 0; n < SNAPSHOTS; n++)); do
	expect_layer data$n $n $((n + 1))
	layers+=("$PWD/data$n")
	export_layers "${layers[@]}"
	compare_quiet flat --model quiet.$((n + 1)) --base raw
done

say 'all of them, and the upper'
"$TOOL" export config$SNAPSHOTS whole >export.log
compare_quiet whole --model quiet.model --base raw
compare_busy whole
open_image config$SNAPSHOTS live
expect_same /dev/mapper/live whole
"$TOOL" close live

say 'merged'
"$TOOL" merge --from 1 --to 2 config$SNAPSHOTS some >merge.log
expect_layer some 0 2
"$TOOL" merge --from 1 --compress lz4 config$SNAPSHOTS most >merge.log
expect_layer most 0 $((SNAPSHOTS + 1))
expect_end base most
"$TOOL" merge config$SNAPSHOTS all >merge.log
expect_end all

say 'committed'
"$TOOL" commit --compress zstd config$SNAPSHOTS committed >commit.log
expect_layer committed $SNAPSHOTS $((SNAPSHOTS + 1))
expect_end "${layers[@]}" committed

say 'sealed'
"$TOOL" seal data$SNAPSHOTS index$SNAPSHOTS >seal.log
expect_layer data$SNAPSHOTS $SNAPSHOTS $((SNAPSHOTS + 1))
expect_end "${layers[@]}" data$SNAPSHOTS
expect_end base some "${layers[@]:3}" data$SNAPSHOTS
