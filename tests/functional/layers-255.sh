# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash source-path=SCRIPTDIR
# Description: 255 layers make one disk, 256 are refused
# Kernels: uml-debug 6.12
. "${0%/*}/lib.sh" || exit

# Every sixteenth layer is compressed, by create from what layers.py kept.
pack_some()
{
	local n algorithm=lz4

	for ((n = 8; n < 255; n += 16)); do
		create_layer --raw "after$n" --base "before$n" \
			--compress $algorithm "layer$n"
		[ $algorithm = zstd ] && algorithm=lz4 || algorithm=zstd
	done
}

need_tool
helper layers 255 $((MIB / 2)) 8 16
pack_some
mapfile -t blobs < <(printf 'layer%u\n' {0..254})
write_config config "${blobs[@]}"
open_image config many
expect_counter many layers 255
cmp /dev/mapper/many disk
device compare direct=1 threads=2 reads=15 /dev/mapper/many disk

write_config config "${blobs[@]}" layer0
expect_exit $EXIT_INVALID '256' "$TOOL" open config toomany
loop_attach layer0
line=$(printf " lower $LOOP 0%.0s" {1..256})
expect_exit 1 . dmsetup create toomany --readonly --table \
	"0 8 overlaybd 768$line"
expect_log '256 layers, expected 1 to 255'
