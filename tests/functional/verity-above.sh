# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash source-path=SCRIPTDIR
# Description: dm-verity over the whole device
. "${0%/*}/lib.sh" || exit

need_tool
need_commands veritysetup
need_target verity
device fill compressible=1 raw 0 $MIB
create_layer --raw raw --compress lz4 packed
create_layer --raw raw plain
stack_create good 2048 -- packed
root=$(veritysetup format /dev/mapper/good hashes |
	awk '/^Root hash:/ { print $3 }')
defer veritysetup close above
veritysetup open /dev/mapper/good above hashes "$root"
cmp /dev/mapper/above raw
veritysetup close above

# Nothing else tells that a plain layer has been changed.
device flip plain 400000
stack_create changed 2048 -- plain
defer veritysetup close above-changed
veritysetup open /dev/mapper/changed above-changed hashes "$root"
# Behind the header of 4096 bytes.
read -r offset length < <(device errors /dev/mapper/above-changed)
expect_equal 'what verity refuses' "$offset $length" \
	"$(((400000 - 4096) / 4096 * 4096)) 4096"
