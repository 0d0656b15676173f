# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# What the scripts of this directory share: where things are, how they talk,
# and which exit status says what.

VM_DIR=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
TREE=$(cd "$VM_DIR/../.." && pwd)
CACHE=$(realpath -m "${OVERLAYBD_CACHE:-$HOME/.cache/dm-overlaybd}")
KERNELS='6.1 6.12 sid debug uml uml-debug'

# shellcheck disable=SC2034	# used by the scripts that source this file
readonly VM_DIR TREE CACHE KERNELS EXIT_SKIP=77 EXIT_SPLAT=99 \
	EXIT_TIMEOUT=124 EXIT_DIED=125

say()
{
	printf '%s: %s\n' "tests/vm/${0##*/}" "$*" >&2
}

die()
{
	say "$@"
	exit 2
}

# The machine lacks something that is not the project's fault.
skip()
{
	say "$@"
	exit "$EXIT_SKIP"
}

need_commands()
{
	local c

	for c; do
		command -v "$c" >/dev/null ||
			skip "$c is missing: run scripts/install-deps"
	done
}

# with_lock NAME COMMAND...: one at a time, over all checkouts that share the
# cache. The lock is held by the subshell and goes with it.
with_lock()
{
	local lock=$CACHE/lock/$1

	shift
	mkdir -p "$CACHE/lock"
	(
		flock -n 9 || {
			say "waiting for another build of ${lock##*/}"
			flock -w 3600 9 || skip "$lock is held for an hour"
		}
		"$@"
	) 9>"$lock"
}

known_kernel()
{
	[[ " $KERNELS " == *" $1 "* ]] ||
		die "no kernel is called '$1' (there are: $KERNELS)"
}

kernel_dir()
{
	printf '%s\n' "$CACHE/kernel/$1"
}

# A kernel is ready when its recipe got to the end and is still the same.
kernel_ready()
{
	local stamp

	stamp=$(kernel_dir "$1")/ready
	[ -f "$stamp" ] && [ "$(cat "$stamp")" = "$(recipe_of "$1")" ]
}

kernel_release()
{
	cat "$(kernel_dir "$1")/release"
}
