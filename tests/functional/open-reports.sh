# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash source-path=SCRIPTDIR
# Description: what open and status tell of options, times and sharing
# Kernels: uml-debug
. "${0%/*}/lib.sh" || exit

# expect_json FILTER: it holds for what open has printed.
expect_json()
{
	jq -e "$1" open.log >/dev/null || fail "not $1: $(cat open.log)"
}

need_tool
need_commands jq
device fill raw 0 $MIB
create_layer --raw raw --compress lz4 layer0
device fill seed=2 changed 0 4096
create_layer --raw changed --virtual-size 1M layer1
write_config config layer0 layer1

# All times are there, and the kernel's parts are within the whole.
open_image config one --json
expect_json '.created and .shared_layers == 0 and .map == "private"'
expect_json '.milliseconds | keys == ["loops", "merge", "open_layers", "rest",
	"table", "validate"] and all(. >= 0) and
	.open_layers + .merge <= .table and .open_layers > 0'
open_image config one --json
expect_json '.created | not'

# Another device over the same layers finds them there.
defer "$TOOL" close two
"$TOOL" open --verbose config two >open.log 2>parts.log
for part in validate loops table '  open layers' '  merge' rest; do
	grep -qE "^$part +[0-9]+\.[0-9]{3} ms$" parts.log ||
		fail "no $part in: $(cat parts.log)"
done
grep -q '^2 of 2 layers were there, the map is shared$' parts.log ||
	fail "nothing is shared: $(cat parts.log)"
"$TOOL" status --json two >open.log
expect_json '.options == []'
expect_json '.counters | .shared_map_bytes == .map_bytes and
	.shared_table_bytes == .table_bytes and .map_bytes > 0'
"$TOOL" close two

# Options belong to what a device is.
open_image config two --no-cache --no-verify
expect_equal 'options of two' \
	"$(dmsetup table two | grep -o '2 no_.*')" '2 no_verify no_cache'
"$TOOL" status two | grep -q '^  options: no_verify no_cache$' ||
	fail "$("$TOOL" status two)"
expect_exit $EXIT_BUSY 'in use with other layers or options' \
	"$TOOL" open --no-verify config two
expect_exit $EXIT_BUSY 'in use with other layers or options' \
	"$TOOL" open --no-cache config two
open_image config two --no-verify --no-cache
