# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash source-path=SCRIPTDIR
# Description: what overlaybdsetup create writes, the module reads
# Kernels: uml-debug 6.12
. "${0%/*}/lib.sh" || exit

need_tool
# Neither the data's ends nor the disk's are at a block's.
device fill raw $((3 * SECTOR)) $((MIB / 2))
device fill compressible=1 raw $((MIB + 5 * SECTOR)) $((MIB + SECTOR))
truncate -s $((3 * MIB + 7 * SECTOR)) raw
n=0
while read -r options; do
	say "$options"
	# shellcheck disable=SC2086	# they are words
	create_layer --raw raw $options "layer$n"
	write_config "$n.json" "layer$n"
	open_image "$n.json" "roundtrip$n"
	cmp "/dev/mapper/roundtrip$n" raw
	n=$((n + 1))
done <<EOF

--tar
--compress lz4 --block-size 512
--compress lz4 --block-size 4096 --no-crc
--compress lz4 --block-size 65536 --tar
--compress lz4 --block-size 1M
--compress zstd --block-size 512 --tar
--compress zstd --block-size 4096
--compress zstd --block-size 65536 --no-crc
--compress zstd --block-size 1M --tar
EOF
device compare direct=1 threads=2 /dev/mapper/roundtrip9 raw
