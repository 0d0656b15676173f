# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash source-path=SCRIPTDIR
# Description: writes beyond 2 TiB
# Kernels: uml-debug
. "${0%/*}/lib.sh" || exit
. "$HERE/upper.sh"

TIB=$((MIB * MIB))
BYTES=$((5 * TIB))
# Where 32 bits of sectors or bytes would end, and the last MiB.
SPOTS=(0 $((2 * TIB - MIB)) $((2 * TIB)) $((4 * TIB - MIB / 2))
	$((4 * TIB + MIB)) $((BYTES - MIB)))

need_model
new_upper far $BYTES $((32 * MIB)) $((4 * MIB))
open_upper far $BYTES
at=0
for spot in "${SPOTS[@]}"; do
	table+="$at 2048 linear /dev/mapper/far $((spot / SECTOR))
"
	at=$((at + 2048))
done
dm_create spots "${table%?}"
model --model saved --ops 5000 --max 65536 --race 20 /dev/mapper/spots
# What a wrong sector number would hit is left alone.
upper 'do' /dev/mapper/far discard $((2 * TIB + 2 * MIB)) 65536 \
	discard $((4 * TIB + 3 * MIB)) 65536 flush 0 0
dmsetup remove --retry spots
dmsetup remove --retry far
dm_create far "$TABLE"
dm_create spots "${table%?}"
"$MODEL" compare --model saved /dev/mapper/spots
