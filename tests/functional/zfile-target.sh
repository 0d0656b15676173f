# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash source-path=SCRIPTDIR
# Description: overlaybd-zfile shows what the system's libraries decompress
. "${0%/*}/lib.sh" || exit

need_fixtures
need_tool
n=0
# The metadata of TurboOCI layers have sizes that are no multiple of a sector.
for blob in zfile3/layer0.lz4-4k.tar zfile3/layer1.zstd-16k \
	zfile3/layer2.lz4-8k-nocrc trailer-only-low/layer0.lz4-4k \
	turbo-gz/ext4.fs.meta turbo-tar/ext4.fs.meta turbo-mixed/ext4.fs.meta; do
	say "$blob"
	blob=$FIXTURES/$blob
	# Of a TurboOCI layer it says what it can, and complains about the index.
	"$TOOL" dump --json "$blob" >dump.json 2>dump.log || true
	helper unzfile "$blob" content <dump.json
	bytes=$(stat -c %s "$blob")
	sectors=$(($(stat -c %s content) / SECTOR))
	loop_attach "$blob"
	dm_create "zfile$n" "0 $sectors overlaybd-zfile $LOOP $bytes" --readonly
	cmp content "/dev/mapper/zfile$n"
	n=$((n + 1))
done
device compare direct=1 threads=2 "/dev/mapper/zfile$((n - 1))" content

expect_exit 1 . dmsetup create longer --readonly --table \
	"0 $((sectors + 1)) overlaybd-zfile $LOOP $bytes"
expect_log "length is $((sectors + 1)) sectors, expected at most $sectors"
