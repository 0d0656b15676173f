# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash source-path=SCRIPTDIR
# Description: a disk does not become longer than entries can say
# Kernels: uml-debug
. "${0%/*}/lib.sh" || exit
. "$HERE/upper.sh"

LONGEST=$(((1 << 59) - SECTOR))

new_upper long $MIB
open_upper long $MIB
upper_table $((LONGEST + SECTOR))
expect_exit 1 '' dmsetup load long --table "$TABLE"
expect_log 'length is 1125899906842624 sectors, expected at most 1125899906842623'
upper_table $LONGEST
replace_table long "$TABLE"
dmsetup remove --retry long
dm_create long "$TABLE"
upper 'do' /dev/mapper/long write $((LONGEST - SECTOR)) $SECTOR flush 0 0
expect_upper long log_entries 1
