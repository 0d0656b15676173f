# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash source-path=SCRIPTDIR
# Description: the fixtures through losetup and table lines written by hand
# Kernels: 6.12
. "${0%/*}/lib.sh" || exit

# fixture_stack NAME: by what its configuration names.
fixture_stack()
{
	local dir=$FIXTURES/$1 sectors files

	sectors=$(($(jq .virtual_size "$dir/expect.json") / SECTOR))
	mapfile -t files < <(jq -r '.lowers[].file' "$dir/config.json")
	stack_create "$1" "$sectors" -- "${files[@]/@DIR@/$dir}"
	pairs+=("/dev/mapper/$1" "$dir")
}

need_fixtures
need_commands jq
pairs=()
for case in plain3 zfile3 ops3 vsize vsize-grow trailer-only-0 trailer-only-low \
	trailer-only-tar merged merged-plain sealed base64; do
	fixture_stack "$case"
done

# What a loop device hides of these, the module needs.
dir=$FIXTURES/trailer-only-high
layer0=$dir/layer0.lz4-4k
layer1=$dir/layer1.zstd-16k
loop_attach "$layer0"
expect_exit 1 . dmsetup create hidden --readonly --table \
	"0 32768 overlaybd 3 lower $LOOP $(stat -c %s "$layer0")"
expect_log 'layer 0: the ZFile trailer passes the end of the device: .*must be joined'
join_tail "$layer0" high0
join_tail "$layer1" high1
dm_create trailer-only-high "0 32768 overlaybd 6 \
lower /dev/mapper/high0 $(stat -c %s "$layer0") \
lower /dev/mapper/high1 $(stat -c %s "$layer1")" --readonly
device fixture direct=1 "${pairs[@]}" \
	/dev/mapper/trailer-only-high "$dir"
