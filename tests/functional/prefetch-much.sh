# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash source-path=SCRIPTDIR
# Description: a long queue of blocks that are there already holds nobody up
# Kernels: uml-debug 6.12
. "${0%/*}/lib.sh" || exit

BLOCKS=4096

# within SECONDS COMMAND...: that is all that it takes.
within()
{
	local seconds=$1 start=$SECONDS

	shift
	"$@"
	start=$((SECONDS - start))
	[ $start -le "$seconds" ] || fail "$* took $start seconds"
}

prefetch()
{
	dmsetup message much 0 prefetch "$@"
}

# fill_queue: all blocks, many thousand times.
fill_queue()
{
	local ranges

	ranges=$(printf "0 0 $BLOCKS %.0s" {1..8000})
	for _ in {1..8}; do
		# shellcheck disable=SC2086	# words
		prefetch add $ranges
	done
}

is_done()
{
	[ "$(counter much prefetch_blocks)" = $BLOCKS ]
}

need_tool
device fill raw 0 $((BLOCKS * 512))
create_layer --raw raw --compress lz4 --block-size 512 layer
stack_create much $((BLOCKS * 512 / SECTOR)) -- layer
prefetch rate 1000
prefetch add 0 0 $BLOCKS
retry is_done

fill_queue
within 30 dmsetup suspend much
[ "$(counter much prefetch_pending)" -gt 30000 ] || fail 'it was too quick'
within 30 dmsetup resume much
within 30 prefetch cancel
expect_counter much prefetch_pending 0
fill_queue
within 30 dmsetup remove --retry much
