# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash source-path=SCRIPTDIR
# Description: files on ext4 on an upper live through crashes, once fsynced
# Kernels: uml-debug
# Timeout: 900
. "${0%/*}/lib.sh" || exit
# shellcheck source=../crash/stack.sh
. "$TREE/tests/crash/stack.sh"
# shellcheck source=../crash/files.sh
. "$TREE/tests/crash/files.sh"

need_tool
need_crash_tools
need_filesystem ext4
crash_folder
# The superblock has its CRC in its second sector, and is read before the journal
# is replayed: on any disk ext4 needs its blocks whole.
crash_files ext4 32768 "${TORTURE_POINTS:-150}" 400 \
	'mkfs.ext4 -q -b 1024' 'e2fsck -fn' 2
