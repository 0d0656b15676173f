# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# mkfs.erofs with Zstandard, which is younger than Debian 12: that of sid, with
# sid's own libraries.

erofs_unpack()
{
	[ -f "$EROFS_DIR/ready" ] && return
	use_suite sid
	rm -rf "$EROFS_DIR"
	# shellcheck disable=SC2046	# package names have no spaces
	unpack_packages "$EROFS_DIR" $(package_closure \
		'(lib[a-z0-9.+-]*|zlib1g|erofs-utils)' erofs-utils)
	touch "$EROFS_DIR/ready"
}

# erofs_zstd ARG...: fails when it is not to be had.
erofs_zstd()
{
	local lib

	if mkfs.erofs --help 2>&1 | grep -q zstd; then
		mkfs.erofs "$@"
		return
	fi
	EROFS_DIR=$CACHE/erofs-utils
	with_lock erofs-utils erofs_unpack || return
	lib=$EROFS_DIR/usr/lib/x86_64-linux-gnu
	"$lib/ld-linux-x86-64.so.2" --library-path "$lib" \
		"$EROFS_DIR/usr/bin/mkfs.erofs" "$@"
}
