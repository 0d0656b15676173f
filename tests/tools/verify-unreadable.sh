#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# verify finds the block that cannot be read, however large blocks are.
# shellcheck source=tests/tools/common
. "$(dirname "$0")/common"

need python3 gcc

# A file of which one byte cannot be read.
cat >"$work/bad-byte.c" <<'END'
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

ssize_t pread(int fd, void *buf, size_t len, off_t at)
{
	ssize_t (*next)(int, void *, size_t, off_t) = dlsym(RTLD_NEXT, "pread");
	off_t bad = atoll(getenv("BAD_BYTE"));

	if (at > bad || bad >= at + (off_t)len)
		return next(fd, buf, len, at);
	errno = EIO;
	return -1;
}
END
gcc -shared -fPIC -o "$work/bad-byte.so" "$work/bad-byte.c" || fail "gcc"

# unreadable BYTE TEXT: the blob's byte makes verify say so
unreadable()
{
	expect 1 env BAD_BYTE="$1" LD_PRELOAD="$work/bad-byte.so" \
		"$tool" verify --threads 1 "$work/blob"
	grep -q "$2: Input/output error" "$work/err" ||
		fail "expected: $2"
}

python3 "$here/make-image.py" noise 3 3145728 "$work/raw"
for size in 4K 256K 1M; do
	expect 0 "$tool" create --raw "$work/raw" --compress lz4 \
		--block-size $size "$work/blob"
	unreadable 1500000 "at byte 1[0-9]*"
	says "1 bad"
	unreadable $(($(stat -c %s "$work/blob") - 500)) \
		"ZFile trailer: cannot read it"
done
