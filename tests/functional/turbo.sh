# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# What the tests of OCI layers share that get their metadata from overlaybdsetup
# turbo. TARGET are their files. To be sourced after lib.sh.

# image_of NR: image-NR.json is the image of so many of the layers.
image_of()
{
	local i list=

	for ((i = 0; i < $1; i++)); do
		list+="${list:+,}{\"file\": \"$PWD/meta-$i\","
		list+="\"targetFile\": \"$PWD/${TARGET[i]}\""
		[[ ${TARGET[i]} != *.gz ]] ||
			list+=",\"gzipIndex\": \"$PWD/${TARGET[i]}.gzindex\""
		list+='}'
	done
	echo "{\"lowers\": [$list]}" >"image-$1.json"
}

# add_layer NR [OPTION...]: metadata and index of a layer, over those below.
add_layer()
{
	local nr=$1 base=()

	shift
	[ "$nr" = 0 ] || base=(--base "image-$nr.json")
	[[ ${TARGET[nr]} != *.gz ]] || "$TOOL" gzindex "${TARGET[nr]}" >made
	"$TOOL" turbo --out "meta-$nr" "${base[@]}" "$@" "${TARGET[nr]}" >made
	image_of $((nr + 1))
}

# plain_root: "unpacked" is an empty file system, in which layers are unpacked; it
# is on the loop device DISK over the file "disk".
plain_root()
{
	mkdir unpacked
	truncate -s 512M disk
	mke2fs -q -t ext4 -O ^has_journal disk
	DISK=$(losetup --find --show disk)
	defer losetup --detach "$DISK"
	mount -t ext4 "$DISK" unpacked
	defer umount unpacked
}

# expect_unpacked FOLDER: it shows what the layers in "unpacked" do.
expect_unpacked()
{
	python3 "$HERE/oci.py" list "$1" >mapped.list
	python3 "$HERE/oci.py" list unpacked >unpacked.list
	diff unpacked.list mapped.list >differences ||
		fail "$(head -c 3000 differences)"
}
