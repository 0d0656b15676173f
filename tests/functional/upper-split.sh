# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash source-path=SCRIPTDIR
# Description: every way in which a write or discard can overlap two extents
# Kernels: uml-debug 6.12
. "${0%/*}/lib.sh" || exit
. "$HERE/upper.sh"

BYTES=$((16 * MIB))

new_upper split $BYTES
open_upper split $BYTES
upper split /dev/mapper/split 'do'
upper split /dev/mapper/split compare
reopen split
say "entries, sectors, end: $CHECKED"
upper split /dev/mapper/split compare

# One range of more sectors than an entry can have.
upper 'do' /dev/mapper/split discard 0 $((16 * MIB - SECTOR))
cmp -n $((16 * MIB - SECTOR)) /dev/mapper/split /dev/zero
reopen split
cmp -n $((16 * MIB - SECTOR)) /dev/mapper/split /dev/zero
upper 'do' /dev/mapper/split write 0 $((16 * MIB))
sha256sum </dev/mapper/split >before
reopen split
sha256sum </dev/mapper/split >after
cmp before after
