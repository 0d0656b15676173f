# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Debian's own kernels: image, modules and headers, as the packages have them.
# A stock kernel is a folder with
#	root/		the unpacked packages
#	release		what uname -r says
#	image		the kernel to boot (a link)
#	modules		its /lib/modules/RELEASE (a link)
#	headers		the KDIR to build modules with (a link)
#	ready		the recipe it was made by

stock_suite()
{
	case $1 in
	sid)	echo sid;;
	*)	echo bookworm;;
	esac
}

# The metapackages that depend on the newest kernel of a series.
stock_packages()
{
	case $1 in
	6.12)	echo linux-image-6.12-cloud-amd64 linux-headers-6.12-cloud-amd64;;
	*)	echo linux-image-cloud-amd64 linux-headers-cloud-amd64;;
	esac
}

# Names of versioned kernel packages: the metapackages have no files, and the
# unsigned twin is an alternative to the image proper.
stock_regex='linux-(image|binary|modules|base|headers|kbuild|compiler)-[^ ]*[0-9][^ ]*'

stock_fetch()
{
	local name=$1 new=$2
	local packages

	use_suite "$(stock_suite "$name")"
	# shellcheck disable=SC2046	# package names have no spaces
	packages=$(package_closure "$stock_regex" $(stock_packages "$name") |
		grep -v -e '-unsigned$') ||
		skip "Debian has no kernel $name any more"
	[ "$name" != sid ] || packages="$packages libc6 libelf1t64 zlib1g libzstd1"
	say "downloading Debian's kernel $name"
	# shellcheck disable=SC2086
	unpack_packages "$new/root" $packages
}

# Modules are kept uncompressed: that is cheaper for every boot and depmod
# than it is expensive here.
stock_modules()
{
	local new=$1 dir release

	for dir in "$new"/root/lib/modules/* "$new"/root/usr/lib/modules/*; do
		[ -d "$dir/kernel" ] || continue
		release=${dir##*/}
		echo "$release" >"$new/release"
		find "$dir" -name '*.ko.xz' -print0 | xargs -0r -P2 -n50 xz -d
		rm -f "$dir/build" "$dir/source"
		ln -s "${dir#"$new/"}" "$new/modules"
		if [ -f "$dir/vmlinuz" ]; then
			ln -s "${dir#"$new/"}/vmlinuz" "$new/image"
		else
			ln -s "root/boot/vmlinuz-$release" "$new/image"
		fi
		depmod -b "${dir%/lib/modules/*}" "$release"
	done
	[ -s "$new/release" ] || die 'the packages hold no modules'
}

# The headers name their other half by its installed path.
stock_headers()
{
	local new=$1 final=$2 release

	release=$(cat "$new/release")
	ln -s "root/usr/src/linux-headers-$release" "$new/headers"
	sed -i "s|/usr/src/|$final/root/usr/src/|" "$new/headers/Makefile"
}

# sid's build helpers need sid's C library: give each of them sid's own loader.
# The two that only choose between variants are replaced by the variant.
stock_wrap_helpers()
{
	local new=$1 final=$2 dir helper
	local lib=$final/root/usr/lib/x86_64-linux-gnu

	for dir in "$new"/root/usr/lib/linux-kbuild-*; do
		mv "$dir/scripts/mod/modpost.real-lsb-64" "$dir/scripts/mod/modpost"
		mv "$dir/tools/objtool/objtool.real-x86" "$dir/tools/objtool/objtool"
		for helper in scripts/basic/fixdep scripts/genksyms/genksyms \
			scripts/mod/modpost tools/objtool/objtool; do
			mv "$dir/$helper" "$dir/$helper.elf"
			cat >"$dir/$helper" <<-EOF
				#!/bin/sh
				exec $lib/ld-linux-x86-64.so.2 --library-path $lib $final/${dir#"$new/"}/$helper.elf "\$@"
			EOF
			chmod +x "$dir/$helper"
		done
	done
}

stock_get()
{
	local name=$1 dir new

	dir=$(kernel_dir "$name")
	new=$dir.new
	need_commands xz depmod
	rm -rf "$new"
	mkdir -p "$new"
	with_lock "apt-$(stock_suite "$name")" stock_fetch "$name" "$new"
	stock_modules "$new"
	stock_headers "$new" "$dir"
	[ "$name" != sid ] || stock_wrap_helpers "$new" "$dir"
	recipe_of "$name" >"$new/ready"
	rm -rf "$dir"
	mv "$new" "$dir"
}

# To be raised when the functions above make something else.
stock_recipe()
{
	echo 1
}

# The arguments that make these headers work where they are: their BTF needs
# a pahole that is not there, and sid's were configured for a newer gcc.
stock_make_args()
{
	printf '%s\n' -C "$(kernel_dir "$1")/headers" CONFIG_DEBUG_INFO_BTF_MODULES=
	[ "$1" != sid ] || printf '%s\n' CC=gcc-12 CONFIG_PAHOLE_VERSION=0 \
		CONFIG_CC_HAS_MIN_FUNCTION_ALIGNMENT=
}
