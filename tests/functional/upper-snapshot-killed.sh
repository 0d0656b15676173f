# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash source-path=SCRIPTDIR
# Description: a snapshot that is killed at any moment loses nothing
# Kernels: uml-debug
. "${0%/*}/lib.sh" || exit
. "$HERE/upper.sh"

KILLS=10

# write SEED: the same to the device and to the file.
write()
{
	local offset=$(($1 * 777 * SECTOR % (31 * MIB)))

	write_both live "$1" $offset 70144
}

# take N: a snapshot whose new files are N.data and N.index.
take()
{
	"$TOOL" snapshot live --upper "$1.data" "$1.index" --config "$1.json"
}

milliseconds()
{
	echo $((${EPOCHREALTIME/./} / 1000))
}

need_tool
need_commands jq
need_target delay
# Flushes are slow, so that most of the time is that in which I/O waits.
truncate -s 400M below
LOOP=$(losetup --find --show below)
defer losetup --detach "$LOOP"
dm_create slow "0 819200 delay $LOOP 0 0 $LOOP 0 0 $LOOP 0 60"
mkfs.ext4 -q /dev/mapper/slow
mkdir files
mount /dev/mapper/slow files
defer umount files
cd files
defer cd ..

"$TOOL" create-upper --size 32M data index >create.log
echo '{ "upper": { "data": "data", "index": "index" } }' >config
truncate -s 32M disk
open_image config live
write 1

begin=$(milliseconds)
take first >take.log
length=$(($(milliseconds) - begin))
say "a snapshot takes $length ms"

held=0 layers=$(dmsetup table live | wc -w)
for ((n = 1; n <= KILLS; n++)); do
	write $((n + 1))
	"$TOOL" snapshot live --upper "killed$n.data" "killed$n.index" \
		--config "killed$n.json" >take.log 2>&1 &
	sleep "$(awk "BEGIN { print $length * $n / $KILLS / 1000 }")"
	kill -KILL $! 2>/dev/null || true
	wait $! 2>/dev/null || true
	if suspended; then
		held=$((held + 1))
		dmsetup resume live
	fi
	expect_same /dev/mapper/live disk
	write $((n + 100))
	expect_same /dev/mapper/live disk
done
say "$held of $KILLS held the device"
[ "$held" -gt 0 ] || fail 'no kill in the time in which I/O waits'
say "from $layers to $(dmsetup table live | wc -w) words of the table"

# The next one is as good as ever, and what it leaves can be opened. Those that
# were killed may have left layers that were still to be cut.
take last >take.log
write 1000
expect_same /dev/mapper/live disk
"$TOOL" close live
for file in $(jq -r '.lowers[].file' last.json); do
	"$TOOL" seal "$file" "${file%data}index" >seal.log
done
open_image last.json live
expect_same /dev/mapper/live disk
"$TOOL" close live
"$TOOL" export last.json exported >export.log
cmp exported disk
