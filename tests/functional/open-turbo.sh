# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash source-path=SCRIPTDIR
# Description: open gzip'ed layers, trace them, write and make a snapshot above them
# Kernels: uml-debug
. "${0%/*}/lib.sh" || exit

need_fixtures
need_tool
need_commands jq
config=$(fixture_config turbo-gz)
open_image "$config" turbo
expect_equal 'devices' "$(mapped_devices)" 'tail tail turbo'
device fixture /dev/mapper/turbo "$FIXTURES/turbo-gz"

say 'again, and under another name'
open_image "$config" turbo --json
jq -e '.created == false' open.log >/dev/null || fail "$(cat open.log)"
open_image "$config" second --json
"$TOOL" status --json second >status
jq -e '.layers | map(.type) == ["turbo", "gzip"]' status >/dev/null ||
	fail "$(cat status)"
jq -e '.layers[1].verified == false and (.layers[1].index.file | test("gzip.meta"))' \
	status >/dev/null || fail "$(cat status)"
"$TOOL" status second >status
grep -q "layer 1: gzip'ed data: .*layer.tgz" status || fail "$(cat status)"
grep -q 'layer 1: not verified' status || fail "$(cat status)"
"$TOOL" close second
expect_equal 'devices' "$(mapped_devices)" 'tail tail turbo'

say 'another index makes it another image'
"$TOOL" gzindex --span 64K --checksums --out index "$FIXTURES/turbo-gz/layer.tgz" >gzindex.log
sed "s|$FIXTURES/turbo-gz/gzip.meta|$PWD/index|" "$config" >other.json
expect_exit $EXIT_BUSY 'in use with other layers' "$TOOL" open other.json turbo
open_image other.json other
device fixture /dev/mapper/other "$FIXTURES/turbo-gz"
"$TOOL" status other | grep -q 'layer 1: verified' || fail "$("$TOOL" status other)"

say 'a trace of one is prefetched at the start of the next'
"$TOOL" trace start other
dd if=/dev/mapper/other of=/dev/null bs=1M iflag=direct status=none
"$TOOL" trace stop -o trace other >trace.log
"$TOOL" close other
open_image other.json other --trace trace
for _ in {1..50}; do
	[ "$(counter other prefetch_pending)" = 0 ] && break
	sleep 0.1
done
[ "$(counter other prefetch_blocks)" -gt 0 ] || fail 'nothing was prefetched'
device fixture /dev/mapper/other "$FIXTURES/turbo-gz"
"$TOOL" close other

say 'writes above it, and a snapshot'
"$TOOL" export "$config" disk >export.log
"$TOOL" create-upper --size 256M data index1 >create.log
jq --arg dir "$PWD" '.upper = { data: ($dir + "/data"), index: ($dir + "/index1") }' \
	"$config" >upper.json
open_image upper.json upper
device fill seed=5 patch 0 $MIB
dd if=patch of=/dev/mapper/upper bs=4k seek=1001 conv=notrunc status=none \
	oflag=direct
dd if=patch of=disk bs=4k seek=1001 conv=notrunc status=none
"$TOOL" snapshot upper --upper "$PWD/data2" "$PWD/index2" --config \
	next.json >snapshot.log 2>&1 || fail "$(cat snapshot.log)"
jq -e '.lowers | length == 2 and (.[0] | has("targetFile") and
	has("gzipIndex"))' next.json >/dev/null || fail "$(cat next.json)"
cmp /dev/mapper/upper disk
"$TOOL" close upper
open_image next.json upper
cmp /dev/mapper/upper disk
"$TOOL" close upper
"$TOOL" close turbo
expect_equal 'devices' "$(mapped_devices)" ''
