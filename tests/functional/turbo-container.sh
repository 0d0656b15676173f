# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash source-path=SCRIPTDIR
# Description: programs run in a container of three untouched layers of packages
# Kernels: uml-debug
. "${0%/*}/lib.sh" || exit
. "$HERE/turbo.sh"

# package_layer NR PACKAGE...: a layer of the files of packages, without their
# documentation.
package_layer()
{
	local nr=$1

	shift
	mkdir -p "add-$nr"
	dpkg-query -L "$@" 2>/dev/null | grep '^/.' | grep -v ^/usr/share/doc |
		sort -u | sed 's|^/||' >files
	tar -C / --no-recursion --ignore-failed-read -czf "packages-$nr.tar.gz" \
		-T files --recursion -C "$PWD/add-$nr" "${ADD[@]}" \
		2>tar.log || fail "$(cat tar.log)"
	TARGET[nr]=packages-$nr.tar.gz
}

# inside COMMAND...
inside()
{
	chroot root /usr/bin/env -i PATH=/usr/bin:/bin LANG=C.UTF-8 "$@"
}

need_tool
need_commands python3 jq mke2fs tar dpkg-query
need_filesystem ext4
TARGET=()
ADD=()
# Merged directories are links that no package has.
for dir in bin sbin lib lib64; do
	[ ! -L /$dir ] || ADD+=(-C / $dir)
done
package_layer 0 base-files base-passwd libc6 dash coreutils libacl1 libattr1 \
	libgmp10 libselinux1 libpcre2-8-0 libtinfo6
ADD=(.)
package_layer 1 bash grep sed findutils
mkdir -p add-2/etc add-2/usr/share/base-files add-2/usr/bin
touch add-2/etc/.wh.debian_version add-2/usr/share/base-files/.wh..wh..opq \
	add-2/usr/bin/.wh.sha256sum
package_layer 2 "$(dpkg-query -W -f '${Package}\n' 'python3.*-minimal' |
	grep '^python3' | head -n 1)" libexpat1 zlib1g

plain_root
mkdir root
defer umount root
for n in 0 1 2; do
	say "layer $n"
	add_layer "$n" --compress zstd
	python3 "$HERE/oci.py" unpack unpacked "${TARGET[n]}"
	added=$(($(stat -c %s "meta-$n") + $(stat -c %s "${TARGET[n]}.gzindex")))
	size=$(stat -c %s "${TARGET[n]}")
	[ $((added * 20)) -le "$size" ] ||
		fail "$added bytes are more than 5 per cent of $size"
done

say 'as it is'
open_image image-3.json box
mount -t ext4 -o ro /dev/mapper/box root
expect_unpacked root
[ ! -e root/etc/debian_version ] || fail 'a whiteout was not applied'
expect_equal 'sum of words' "$(inside bash -c \
	'printf "%s\n" c a b | sort | tr -d "\n"')" abc
expect_exit 127 'not found|No such' inside sh -c 'sha256sum /bin/sh'
umount root
"$TOOL" close box

say 'and written to'
"$TOOL" create-upper --size 64G data index >created
jq --arg dir "$PWD" '.upper = { data: ($dir + "/data"), index: ($dir + "/index") }' \
	image-3.json >box.json
open_image box.json box
mount -t ext4 /dev/mapper/box root
inside bash -c 'cp -a /usr/share /usr/copy && rm -r /usr/share/base-files &&
	echo works | sed s/w/W/ >/etc/new && grep -c . /usr/lib/os-release >/etc/count'
umount root
"$TOOL" close box
open_image box.json box
e2fsck -fn /dev/mapper/box >fsck.log 2>&1 || fail "$(cat fsck.log)"
mount -t ext4 -o ro /dev/mapper/box root
expect_equal 'what was written' "$(cat root/etc/new)" Works
diff -r --no-dereference --exclude base-files unpacked/usr/share root/usr/copy
umount root
"$TOOL" close box
