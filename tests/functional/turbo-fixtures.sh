# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash source-path=SCRIPTDIR
# Description: TurboOCI layers of the reference, by table lines written by hand
# Kernels: uml-debug 6.12
# Leaks: watched
. "${0%/*}/lib.sh" || exit

# turbo_layer CASE: WORDS are the words of its layer.
turbo_layer()
{
	local dir=$FIXTURES/$1 target

	attach_whole "$dir/ext4.fs.meta" "$1-meta"
	WORDS="turbo $LINE"
	for target in "$dir"/layer.t*; do
		attach_whole "$target" "$1-target"
	done
	WORDS+=" $LINE"
	if [ -e "$dir/gzip.meta" ]; then
		attach_whole "$dir/gzip.meta" "$1-index"
		WORDS+=" $LINE"
	else
		WORDS+=" - 0"
	fi
}

# show CASE NR_WORDS WORDS
show()
{
	local sectors

	sectors=$(($(jq .virtual_size "$FIXTURES/$1/expect.json") / SECTOR))
	STACK="0 $sectors overlaybd $2 $3"
	dm_create "$1" "$STACK" --readonly
	expect_equal "table of $1" \
		"$(dmsetup table "$1" | sed 's/[0-9]*:[0-9]*/D/g')" \
		"$(sed 's|/dev/[^ ]*|D|g' <<<"$STACK")"
	pairs+=("/dev/mapper/$1" "$FIXTURES/$1")
}

need_fixtures
need_commands jq
pairs=()
for case in turbo-gz turbo-gz-64k turbo-tar; do
	turbo_layer $case
	show $case 7 "$WORDS"
done
attach_whole "$FIXTURES/zfile3/layer0.lz4-4k.tar" lower
lower=$LINE
turbo_layer turbo-mixed
show turbo-mixed 10 "lower $lower $WORDS"
device fixture direct=1 "${pairs[@]}"

# The target counts as a layer.
expect_equal 'layers of turbo-mixed' \
	"$(dmsetup message turbo-mixed 0 times | cut -d ' ' -f 1,2)" 'layers 3'

# What the target lacks is found out before anybody reads it.
head -c $MIB "$FIXTURES/turbo-tar/layer.tar" >short.tar
attach_whole "$FIXTURES/turbo-tar/ext4.fs.meta" meta
meta=$LINE
loop_attach short.tar
expect_exit 1 . dmsetup create short --readonly --table \
	"0 8 overlaybd 7 turbo $meta $LOOP 0 - 0"
expect_log 'overlaybd: layer 0: index entry for sector [0-9]*: moffset [0-9]*, length [0-9]*, expected within the target.s 2048 sectors'
