# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash source-path=SCRIPTDIR
# Description: memory is swapped out to a writable layer and comes back the same
# Kernels: sid
. "${0%/*}/lib.sh" || exit

MEMORY=$((64 * MIB))
LIMIT=$((30 * MIB))
GROUP=cgroup/swaps

need_tool
need_commands mkswap swapon python3
[ -e /proc/swaps ] || skip 'this kernel does not swap'
"$TOOL" create-upper --size $MEMORY data index >create.log
echo '{ "upper": { "data": "data", "index": "index" } }' >config
open_image config swap
mkswap /dev/mapper/swap >mkswap.log
swapon /dev/mapper/swap
defer swapoff /dev/mapper/swap

say 'more memory than the limit, filled and read twice'
mkdir cgroup
mount -t cgroup2 none cgroup || skip 'no control groups'
defer umount cgroup
echo +memory >cgroup/cgroup.subtree_control
mkdir $GROUP
defer rmdir $GROUP
echo $LIMIT >$GROUP/memory.max
(
	echo "$BASHPID" >$GROUP/cgroup.procs
	exec python3 - $((MEMORY / 2)) <<-'END'
		import sys

		PAGE = 4096
		memory = bytearray(int(sys.argv[1]))
		for turn in range(2):
		    for at in range(0, len(memory), PAGE):
		        memory[at:at + PAGE] = b"%16d" % (at * 3 + turn) * 256
		    for at in range(0, len(memory), PAGE):
		        if memory[at:at + PAGE] != b"%16d" % (at * 3 + turn) * 256:
		            sys.exit(f"turn {turn}: wrong at {at}")
	END
)
read -r _ pages < <(grep '^pswpout ' /proc/vmstat)
[ "$pages" -gt 1000 ] || fail "only $pages pages were swapped out"

say 'closed'
expect_exit $EXIT_BUSY 'swap is in use as swap: use swapoff /dev/' \
	"$TOOL" close swap
swapoff /dev/mapper/swap
"$TOOL" close swap
