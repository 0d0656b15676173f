#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What is no file that could be a blob is refused, with what it is.
# shellcheck source=tests/tools/common
. "$(dirname "$0")/common"

cd "$work" || exit 1
mkfifo fifo
truncate -s 4K file
for kind in fifo /dev/null; do
	for command in verify dump 'verify --gzip-index file' \
		       'verify --gzip-index %s file' 'dump --index file' \
		       'verify --index file' gzindex 'trace show' \
		       'create out --raw'; do
		read -ra words <<<"${command/\%s/$kind}"
		[[ $command = *%s* ]] || words+=("$kind")
		expect 1 "$tool" "${words[@]}"
		says 'neither a file nor a block device'
	done
done

: >empty
expect 3 "$tool" verify empty
says 'empty: has 0 bytes, expected 512 or more'
expect 3 "$tool" dump empty
says 'empty: has 0 bytes, expected 512 or more'
