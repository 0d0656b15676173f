# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash source-path=SCRIPTDIR
# Description: a device below that cannot be read costs what lies there only
. "${0%/*}/lib.sh" || exit

HOLE=8		# sectors that cannot be read

# create_faulty NAME FILE: LOOP with such a hole in the middle, at AT.
create_faulty()
{
	local sectors=$(($(stat -c %s "$2") / SECTOR))

	AT=$((sectors / 2))
	loop_attach "$2"
	dm_create "$1" "0 $AT linear $LOOP 0
$AT $HOLE error
$((AT + HOLE)) $((sectors - AT - HOLE)) linear $LOOP $((AT + HOLE))" --readonly
}

need_tool
device fill compressible=1 raw 0 $MIB

say 'plain'
create_layer --raw raw layer
create_faulty below "layer"
dm_create plain "0 2048 overlaybd 3 lower /dev/mapper/below \
$(stat -c %s layer)" --readonly
read -r offset length < <(device errors block=$SECTOR /dev/mapper/plain)
# Eight sectors of header are in front of the data.
expect_equal offset "$offset" $(((AT - 8) * SECTOR))
expect_equal length "$length" $((HOLE * SECTOR))
device around /dev/mapper/plain raw "$offset" "$length"

say 'compressed'
for algorithm in lz4 zstd; do
	create_layer --raw raw --compress $algorithm packed
	create_faulty "below-$algorithm" packed
	dm_create $algorithm "0 2048 overlaybd 3 \
lower /dev/mapper/below-$algorithm $(stat -c %s packed)" --readonly
	mapfile -t runs < <(device errors block=4096 /dev/mapper/$algorithm)
	expect_equal 'runs that cannot be read' ${#runs[@]} 1
	read -r offset length <<<"${runs[0]}"
	[ "$length" -le $((32 * 4096)) ] || fail "$length bytes are lost"
	expect_counter $algorithm read_errors $((length / 4096))
	expect_counter $algorithm crc_errors 0
	expect_counter $algorithm decompress_errors 0
	expect_log "layer 0: cannot read blocks from $((offset / 4096 + 1)) on: error -5"
	device around "/dev/mapper/$algorithm" raw "$offset" "$length"
done

say 'metadata'
loop_attach packed
sectors=$(($(stat -c %s packed) / SECTOR))
dm_create head "0 1 error
1 $((sectors - 1)) linear $LOOP 1" --readonly
expect_exit 1 . dmsetup create unreadable --readonly --table \
	"0 2048 overlaybd 3 lower /dev/mapper/head $(stat -c %s packed)"
expect_log 'layer 0: cannot read the header at byte 0: error -5'

say "gzip'ed, where the hole is read before it is wanted"
device fill seed=3 random 0 $((2 * MIB))
gzip -n <random >random.gz
"$TOOL" gzindex --out index random.gz >gzindex.log
bytes=$(stat -c %s random.gz)
attach_whole index index
cp random.gz padded.gz
truncate -s "%$SECTOR" padded.gz
create_faulty below-gzip padded.gz
dm_create gzip "0 4096 overlaybd-gzip /dev/mapper/below-gzip $bytes $LINE" \
	--readonly
# This does not compress: bytes of the file are where they are in the data.
before=$((AT * SECTOR / 65536 - 1))
dd if=/dev/mapper/gzip of=/dev/null bs=64k count=$before iflag=direct status=none
expect_equal 'read errors' "$(single_counter gzip read_errors)" 0
read -r offset length < <(device errors block=65536 /dev/mapper/gzip)
[ "$offset" -ge $((before * 65536)) ] || fail "from $offset on nothing can be read"
[ "$(single_counter gzip read_errors)" -gt 0 ] || fail 'no error was counted'
device around /dev/mapper/gzip random "$offset" "$length"
