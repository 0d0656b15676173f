# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash source-path=SCRIPTDIR
# Description: an upper that is larger than a shrunk lower shows what lies below that, as all layers do
# Kernels: uml-debug 6.12
. "${0%/*}/lib.sh" || exit

# expect_export CONFIG: without the module, it is the disk.
expect_export()
{
	"$TOOL" export "$1" exported >export.log
	cmp exported disk || fail "$1 is not the disk"
}

need_tool
device fill big 0 $((4 * MIB))
head -c 3M big >small
create_layer --raw big --compress lz4 layer1
create_layer --raw small --base big layer2

# What the shrunk layer leaves out shows again, as it does below a sealed layer.
"$TOOL" create-upper --size 3M data index >create.log
cat >config <<END
{ "lowers": [ { "file": "layer1" }, { "file": "layer2" } ],
  "upper": { "data": "data", "index": "index" } }
END
cp small disk
open_image config live
expect_same /dev/mapper/live disk
"$TOOL" grow --size 5M live >grow.log
cp big disk
truncate -s 5M disk
expect_same /dev/mapper/live disk
"$TOOL" close live
expect_export config
open_image config live

# Zeros that hide it stay, whatever becomes of the upper.
blkdiscard -z -o $((3 * MIB + 4096)) -l 8192 /dev/mapper/live
dd if=/dev/zero of=disk bs=4096 seek=$((3 * MIB / 4096 + 1)) count=2 \
	conv=notrunc status=none
expect_same /dev/mapper/live disk
"$TOOL" snapshot live --upper data2 index2 --config config2 >snapshot.log
expect_same /dev/mapper/live disk
"$TOOL" close live
expect_export config2
"$TOOL" merge config2 merged >merge.log
write_config config3 merged
expect_export config3

# A stack over one whose map ends before.
write_config config2 layer1 layer2
open_image config2 below --read-only
truncate -s 5M small
create_layer --raw small --base big layer3
write_config config3 layer1 layer2 layer3
open_image config3 above --read-only
cp small disk
expect_same /dev/mapper/above disk
"$TOOL" close above
"$TOOL" close below
