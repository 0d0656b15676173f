# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash source-path=SCRIPTDIR
# Description: a file shorter than a sector, all of it copied, is still known
# Kernels: uml-debug
. "${0%/*}/lib.sh" || exit

need_fixtures
need_tool
need_commands jq
mkdir far
for dir in . far; do
	cp "$FIXTURES/turbo-mixed/"{ext4.fs.meta,layer.tgz,gzip.meta} $dir
done
[ "$(stat -c %s gzip.meta)" -lt $SECTOR ] || fail 'gzip.meta is no short file'
"$TOOL" create-upper --size 256M data index >create.log
jq --arg dir "$PWD" --arg base "$FIXTURES/zfile3/layer0.lz4-4k.tar" '
	.lowers[0].file = $base |
	.lowers[1] = { file: "\($dir)/ext4.fs.meta",
		targetFile: "\($dir)/layer.tgz", gzipIndex: "\($dir)/gzip.meta" } |
	.upper = { data: "\($dir)/data", index: "\($dir)/index" }' \
	"$FIXTURES/turbo-mixed/config.json" >config
jq --arg dir "$PWD" 'del(.upper) | .lowers[1].gzipIndex = "\($dir)/far/gzip.meta"' \
	config >far.json
open_image config image

say 'status'
"$TOOL" status --json image >status
expect_equal 'the index' "$(jq -r '.layers[2].index.file' status)" \
	"$PWD/gzip.meta"

say 'the same bytes by another path'
open_image far.json far
"$TOOL" status --json far >status
expect_equal 'the other index' "$(jq -r '.layers[2].index.file' status)" \
	"$PWD/far/gzip.meta"
device fixture /dev/mapper/far "$FIXTURES/turbo-mixed"
"$TOOL" close far

say 'snapshot, after which open finds it again'
"$TOOL" snapshot image --upper "$PWD/data2" "$PWD/index2" --config next \
	>snapshot.log 2>&1 || fail "$(cat snapshot.log)"
open_image next image --json
jq -e '.created == false' open.log >/dev/null || fail "$(cat open.log)"
cp gzip.meta kept
device flip gzip.meta 100
expect_exit $EXIT_BUSY 'in use with other layers' "$TOOL" open next image
cp kept gzip.meta
"$TOOL" close image
open_image next image
"$TOOL" close image
expect_equal 'devices' "$(mapped_devices)" ''
retry loops_are 0
