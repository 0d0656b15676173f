# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# shellcheck disable=SC2153	# TREE comes from lib.sh
#
# The project's module, built for one of the kernels in build/module/KERNEL:
# links to the sources, the objects beside them, and in root/ a module tree
# that modprobe understands and that links to the kernel's own modules.

module_dir()
{
	printf '%s\n' "$TREE/build/module/$1"
}

module_sources()
{
	(
		shopt -s nullglob
		printf '%s\n' "$TREE"/Kbuild "$TREE"/*.[ch]
	)
}

# Links, so that each kernel has its own objects. Those whose source is gone
# go as well, or a removed header would still be found.
module_link_sources()
{
	local dir=$1 file

	find "$dir" -maxdepth 1 -type l -delete
	while read -r file; do
		ln -s "$file" "$dir/${file##*/}"
	done < <(module_sources)
}

module_make_args()
{
	case $1 in
	debug|uml*)	built_make_args "$1";;
	*)		stock_make_args "$1";;
	esac
}

# W=1 knows a few complaints about every kernel's own headers, so warnings only
# become errors on request.
module_compile()
{
	local name=$1 dir=$2
	local args cflags=

	mapfile -t args < <(module_make_args "$name")
	[ "$name" != sid ] || cflags=-Wno-attributes
	[ "${WERROR:-0}" = 0 ] || cflags="$cflags -Werror"
	make -s "${args[@]}" M="$dir" W=1 KCFLAGS="$cflags" \
		-j"$(nproc)" modules >&2
}

module_install()
{
	local name=$1 dir=$2 modules release to file

	release=$(kernel_release "$name")
	modules=$(kernel_dir "$name")/modules
	to=$dir/root/lib/modules/$release
	rm -rf "$dir/root"
	mkdir -p "$to/updates"
	[ ! -d "$modules/kernel" ] || ln -s "$modules/kernel" "$to/kernel"
	for file in "$modules"/modules.{order,builtin,builtin.modinfo}; do
		cp "$file" "$to/"
	done
	cp "$dir"/*.ko "$to/updates/"
	depmod -b "$dir/root" "$release"
}

# A kernel that has been built anew may lay out its structures differently.
module_fresh()
{
	local dir=$1 name=$2 tree file

	tree=$dir/root/lib/modules/$(kernel_release "$name")
	[ -f "$tree/modules.dep.bin" ] || return
	while read -r file; do
		[ ! "$file" -nt "$tree/modules.dep.bin" ] || return
	done < <(module_sources; echo "$(kernel_dir "$name")/ready")
}

module_build()
{
	local name=$1 dir

	dir=$(module_dir "$name")
	[ -f "$TREE/Kbuild" ] || die "there is no Kbuild in $TREE"
	mkdir -p "$dir"
	module_link_sources "$dir"
	module_compile "$name" "$dir" ||
		die "the module does not build for $name"
	module_install "$name" "$dir"
}
