# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash source-path=SCRIPTDIR
# Description: files on xfs on an upper live through crashes, once fsynced
# Kernels: 6.12
# Timeout: 900
. "${0%/*}/lib.sh" || exit
# shellcheck source=../crash/stack.sh
. "$TREE/tests/crash/stack.sh"
# shellcheck source=../crash/files.sh
. "$TREE/tests/crash/files.sh"

need_tool
need_crash_tools
need_commands mkfs.xfs
need_filesystem xfs
crash_folder
# So small a one is for tests only.
crash_files xfs 65536 "${TORTURE_POINTS:-40}" 150 \
	'mkfs.xfs --unsupported -q -f' 'xfs_repair -n'
