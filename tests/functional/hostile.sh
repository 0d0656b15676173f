# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash source-path=SCRIPTDIR
# Description: corrupt blobs are refused, or give errors where they are corrupt
# Leaks: watched
. "${0%/*}/lib.sh" || exit

# Made outside: what makes them is built with sanitizers, which cannot run in
# every guest.
BLOBS=$TREE/build/hostile/blobs

need_tool
need_commands jq
[ -f "$BLOBS/manifest.json" ] ||
	skip "$BLOBS is missing: run tests/hostile/run build/hostile/blobs"
for good in $(jq -r '.[].good' "$BLOBS/manifest.json" | sort -u); do
	write_config config "$BLOBS/$good"
	"$TOOL" export config "$good.raw" >export.log 2>&1
done
helper hostile "$BLOBS" "$PWD" 4
