# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash source-path=SCRIPTDIR
# Description: how long a snapshot makes I/O wait does not depend on how much has been written
# Kernels: uml-debug
# Timeout: 900
. "${0%/*}/lib.sh" || exit

# measure MIB: prints the milliseconds of a snapshot after so much was written.
measure()
{
	"$TOOL" create-upper --force --size 1G data index >create.log
	"$TOOL" open config timed >open.log
	dd if=/dev/zero of=/dev/mapper/timed bs=1M count="$1" oflag=direct \
		status=none
	rm -f new.data new.index
	"$TOOL" snapshot timed --upper new.data new.index --json |
		jq .wait_milliseconds
	"$TOOL" close timed
}

# shorter MIB [MILLISECONDS]: once more; the machine has other things to do.
shorter()
{
	printf '%s\n' "$(measure "$1")" ${2:+"$2"} | sort -g | head -n 1
}

# 32 times as much would take 32 times as long, if data was read or written.
is_bounded()
{
	jq -n -e "$much < 4 * $little + 20" >/dev/null
}

need_tool
need_commands jq
[ "$(df --output=avail -B 1M . | tail -n 1)" -gt 700 ] ||
	skip 'less than 700 MiB for files'
echo '{ "upper": { "data": "data", "index": "index" } }' >config
defer "$TOOL" close timed
little=
much=
# One that is long by chance must not make up for a long one.
for _ in 1 2 3; do
	little=$(shorter 16 "$little")
done
for _ in {1..8}; do
	little=$(shorter 16 "$little")
	much=$(shorter 512 "$much")
	say "16 MiB: $little ms, 512 MiB: $much ms"
	! is_bounded || break
done
is_bounded || fail "16 MiB: $little ms, 512 MiB: $much ms"
