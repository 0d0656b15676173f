#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# make install puts the tool, its manual and the module where it says, and
# make dkms-install what DKMS builds the same module of.
# shellcheck source=tests/tools/common
. "$(dirname "$0")/common"

need modinfo nm
kdir=$(tests/vm/kernel path 6.12)
case $? in
0)	;;
77)	skip "no kernel to build for";;
*)	fail "tests/vm/kernel path 6.12";;
esac

tree=$work/tree root=$work/root
# Without vmlinux there is nothing to make type information of.
MAKEFLAGS="-j$(nproc) CONFIG_DEBUG_INFO_BTF_MODULES="
export MAKEFLAGS

# attempt WHAT COMMAND...
attempt()
{
	local what=$1

	shift
	"$@" >"$work/log" 2>&1 </dev/null || {
		tail -n 20 "$work/log" >&2
		fail "$what"
	}
}

# about MODULE: its parameters, what it is for, and its functions and variables.
about()
{
	modinfo "$1" | grep -v '^filename:'
	nm "$1" | cut -c 18- | sort
}

# The module's objects go beside its sources; those of the tool are there.
mkdir -p "$tree/build" "$root"
cp -a Makefile Kbuild ./*.[ch] tools tests scripts Documentation "$tree" ||
	fail "copy the sources"
cp -a build/tool build/overlaybdsetup "$tree/build" || fail "copy the objects"

attempt "make install" make -C "$tree" install PREFIX=/usr \
	DESTDIR="$root" KDIR="$kdir"
version=$("$root/usr/sbin/overlaybdsetup" --version | tr -dc '0-9.\n' | head -n 1)
[ -n "$version" ] || fail "the tool that was installed tells no version"
cmp Documentation/overlaybdsetup.8 "$root/usr/share/man/man8/overlaybdsetup.8" ||
	fail "the manual was not installed"
mapfile -t modules < <(find "$root/lib/modules" -name '*.ko*' -type f)
[ ${#modules[@]} = 1 ] || fail "expected one module: ${modules[*]}"
release=${modules[0]#"$root/lib/modules/"}
release=${release%%/*}
[[ "$(modinfo -F vermagic "${modules[0]}") " = "$release "* ]] ||
	fail "the module is not for $release"

attempt "make dkms-install" make -C "$tree" dkms-install DESTDIR="$root"
source=$root/usr/src/dm-overlaybd-$version
# shellcheck disable=SC2034	# dkms.conf has them
kernel_source_dir=$kdir dkms_tree=$work/dkms
# shellcheck source=/dev/null
. "$source/dkms.conf" || fail "no dkms.conf for version $version"
build=$dkms_tree/$PACKAGE_NAME/$PACKAGE_VERSION/build
mkdir -p "${build%/*}"
cp -a "$source" "$build" || fail "copy what DKMS builds"
# shellcheck disable=SC2153	# of dkms.conf
attempt "${MAKE[0]}" bash -c "${MAKE[0]}"
# shellcheck disable=SC2154
built=$build/${BUILT_MODULE_NAME[0]}.ko
[ -s "$built" ] || fail "DKMS builds no ${BUILT_MODULE_NAME[0]}"
cmp <(about "$built") <(about "$tree/dm-overlaybd.ko") || fail "DKMS builds another module"
attempt "$CLEAN" bash -c "$CLEAN"
[ ! -e "$built" ] || fail "DKMS's clean leaves the module"
