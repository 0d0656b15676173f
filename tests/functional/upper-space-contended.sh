# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash source-path=SCRIPTDIR
# Description: many who discard and write again find room where there is just enough
# Kernels: uml-debug
. "${0%/*}/lib.sh" || exit
. "$HERE/upper.sh"

WRITERS=8
SHARE=$((MIB / 2))
BYTES=$((WRITERS * SHARE))

# Room for the header and the disk, and for nothing else.
new_upper tight $BYTES $((4096 + BYTES))
open_upper tight $BYTES
dd if=/dev/zero of=/dev/mapper/tight bs=$SHARE count=$WRITERS oflag=direct \
	status=none
expect_used tight $BYTES

say 'each discards a part of its share, and writes it again'
python3 - /dev/mapper/tight $WRITERS $SHARE <<-'END'
	import fcntl
	import mmap
	import os
	import random
	import struct
	import sys
	import time

	BLKDISCARD = 0x1277
	PART = 65536
	device, writers, share = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])

	def work(number):
	    fd = os.open(device, os.O_RDWR | os.O_DIRECT)
	    data = mmap.mmap(-1, PART)
	    data[:] = bytes([number + 1]) * PART
	    random.seed(number)
	    end = time.monotonic() + 6
	    while time.monotonic() < end:
	        at = number * share + random.randrange(share // PART) * PART
	        fcntl.ioctl(fd, BLKDISCARD, struct.pack("QQ", at, PART))
	        try:
	            os.pwrite(fd, data, at)
	        except OSError as error:
	            print(f"writer {number}: {error.strerror}")
	            return 1
	    return 0

	for number in range(writers):
	    if not os.fork():
	        os._exit(work(number))
	failed = 0
	for _ in range(writers):
	    failed += os.wait()[1] != 0
	sys.exit(f"{failed} of {writers} writers found no room" if failed else 0)
END
expect_used tight $BYTES
