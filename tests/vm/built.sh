# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# The kernels Debian does not have: User Mode Linux, and those with the
# sanitizers on. Built from Debian's linux-source packages with as little in
# them as the tests need. A built kernel looks like a stock one (see stock.sh),
# with the object folder as build/ in the place of root/.

# Which source: that of 6.12, but the newest where programs of the guest make
# system calls by seccomp, at half the price of ptrace (since 6.16).
source_of()
{
	case $1 in
	uml-debug)	echo sid;;
	*)		echo 6.12;;
	esac
}

source_dir()
{
	printf '%s\n' "$CACHE/source/$1"
}

# The metapackage depends on the newest.
source_package()
{
	case $1 in
	sid)	package_closure 'linux-source-[0-9.]+' linux-source;;
	*)	echo "linux-source-$1";;
	esac
}

source_fetch()
{
	local deb=$2 package

	use_suite "$(stock_suite "$1")"
	package=$(source_package "$1") || skip "Debian has no source of $1 any more"
	say "downloading $package"
	unpack_packages "$deb" "$package"
}

source_unpack()
{
	local dir

	dir=$(source_dir "$1")
	[ -f "$dir/ready" ] && return
	need_commands xz
	rm -rf "$dir" "$dir.deb"
	mkdir -p "$dir"
	with_lock "apt-$(stock_suite "$1")" source_fetch "$1" "$dir.deb"
	tar -C "$dir" --strip-components=1 \
		-xf "$dir.deb"/usr/src/linux-source-*.tar.xz
	rm -r "$dir.deb"
	touch "$dir/ready"
}

source_get()
{
	with_lock "source-$1" source_unpack "$1"
}

built_fragments()
{
	case $1 in
	uml)		set -- base uml crc32c;;
	uml-debug)	set -- base uml sanitizers uml-debug;;
	debug)		set -- base x86 sanitizers x86-debug;;
	esac
	printf "$VM_DIR/kconfig/%s.config\n" "$@"
}

built_arch()
{
	case $1 in
	uml*)	echo um;;
	*)	echo x86;;
	esac
}

# To note who allocates what, User Mode Linux asks of every word of the stack
# whether it is a return address, and takes a lock for that: half of the debug
# kernel's time. Only those beside frame pointers are noted in the end.
UNWINDER=arch/um/kernel/stacktrace.c
BESIDE_FRAME='(unsigned long)sp == bp + sizeof(long)'
UNWINDER_EDIT="s/if (\\(__kernel_text_address(addr)\\))/if ($BESIDE_FRAME \\&\\& \\1)/"

# What has been edited does not match any more, nor may what is newer.
built_edit()
{
	local file

	[ "$1" = uml-debug ] || return 0
	file=$(source_dir "$(source_of "$1")")/$UNWINDER
	sed -i "$UNWINDER_EDIT" "$file"
	grep -qF "$BESIDE_FRAME" "$file" ||
		say "the source of $1 has another unwinder: it will be slow"
}

built_recipe()
{
	source_of "$1"
	[ "$1" != uml-debug ] || echo "$UNWINDER_EDIT"
	# shellcheck disable=SC2046	# no spaces in these names
	(cd "$VM_DIR/kconfig" && sha256sum $(built_fragments "$1" |
		sed 's|.*/||'))
}

# What of a fragment did not make it into the configuration. Only the last word
# on an option counts.
config_missing()
{
	local line option seen=

	grep -hE '^(# )?CONFIG_' "$1" | tac | while read -r line; do
		option=${line#\# }
		option=${option%%[= ]*}
		[[ $seen != *" $option "* ]] || continue
		seen+=" $option "
		grep -qxF -- "$line" "$2" && continue
		[[ $line == \#* ]] && ! grep -q "^$option=" "$2" && continue
		echo "$line"
	done
}

# Later fragments overrule earlier ones. What the newest source has renamed or
# dropped does not keep everything else from being tested.
built_configure()
{
	local name=$1 build=$2 missing

	built_fragments "$name" | xargs cat >"$build/wanted.config"
	built_make "$name" KCONFIG_ALLCONFIG="$build/wanted.config" \
		allnoconfig >/dev/null 2>&1 || die "cannot configure $name"
	missing=$(config_missing "$build/wanted.config" "$build/.config")
	[ -n "$missing" ] || return 0
	say "options that the source of $name ignores: $missing"
	[ "$(source_of "$name")" = sid ] || exit 2
}

built_make()
{
	local name=$1

	shift
	nice make -s -C "$(source_dir "$(source_of "$name")")" ARCH="$(built_arch "$name")" \
		O="$(kernel_dir "$name")/build" -j"$(nproc)" "$@"
}

built_image()
{
	case $1 in
	uml*)	echo build/linux;;
	*)	echo build/arch/x86/boot/bzImage;;
	esac
}

built_get()
{
	local name=$1 dir release

	dir=$(kernel_dir "$name")
	need_commands gcc make flex bison bc depmod
	source_get "$(source_of "$name")"
	built_edit "$name"
	mkdir -p "$dir/build"
	rm -f "$dir/ready"
	say "building $name (5 to 15 minutes when nothing is there yet)"
	built_configure "$name" "$dir/build"
	rm -rf "$dir/root"
	built_make "$name" || die "cannot build $name"
	built_make "$name" INSTALL_MOD_PATH="$dir/root" modules_install ||
		die "cannot install the modules of $name"
	release=$(cat "$dir/build/include/config/kernel.release")
	echo "$release" >"$dir/release"
	ln -sfn "$(built_image "$name")" "$dir/image"
	ln -sfn build "$dir/headers"
	ln -sfn "root/lib/modules/$release" "$dir/modules"
	recipe_of "$name" >"$dir/ready"
	say "$name is ready after $SECONDS seconds"
}

built_make_args()
{
	printf '%s\n' -C "$(kernel_dir "$1")/build" ARCH="$(built_arch "$1")"
}
