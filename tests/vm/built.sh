# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# The kernels Debian does not have: User Mode Linux, and those with the
# sanitizers on. Built from Debian's linux-source-6.12 with as little in them
# as the tests need. A built kernel looks like a stock one (see stock.sh), with
# the object folder as build/ in the place of root/.

SOURCE_PACKAGE=linux-source-6.12
SOURCE_DIR=$CACHE/source/6.12

source_unpack()
{
	[ -f "$SOURCE_DIR/ready" ] && return
	need_commands xz
	use_suite bookworm
	say "unpacking $SOURCE_PACKAGE"
	rm -rf "$SOURCE_DIR" "$SOURCE_DIR.deb"
	mkdir -p "$SOURCE_DIR"
	unpack_packages "$SOURCE_DIR.deb" "$SOURCE_PACKAGE"
	tar -C "$SOURCE_DIR" --strip-components=1 \
		-xf "$SOURCE_DIR.deb/usr/src/$SOURCE_PACKAGE.tar.xz"
	rm -r "$SOURCE_DIR.deb"
	touch "$SOURCE_DIR/ready"
}

source_get()
{
	with_lock source source_unpack
}

built_fragments()
{
	case $1 in
	uml)		set -- base uml;;
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

built_recipe()
{
	# shellcheck disable=SC2046	# no spaces in these names
	(cd "$VM_DIR/kconfig" && sha256sum $(built_fragments "$1" |
		sed 's|.*/||'))
}

# What of a fragment did not make it into the configuration.
config_missing()
{
	local line option

	grep -hE '^(# )?CONFIG_' "$1" | while read -r line; do
		option=${line#\# }
		option=${option%%[= ]*}
		grep -qxF -- "$line" "$2" && continue
		[[ $line == \#* ]] && ! grep -q "^$option=" "$2" && continue
		echo "$line"
	done
}

# Later fragments overrule earlier ones: only the last word on an option counts.
built_configure()
{
	local name=$1 build=$2 missing

	built_fragments "$name" | xargs cat >"$build/wanted.config"
	built_make "$name" KCONFIG_ALLCONFIG="$build/wanted.config" \
		allnoconfig >/dev/null 2>&1 || die "cannot configure $name"
	missing=$(config_missing "$build/wanted.config" "$build/.config")
	[ -z "$missing" ] ||
		die "options that $SOURCE_PACKAGE ignores: $missing"
}

built_make()
{
	local name=$1

	shift
	nice make -s -C "$SOURCE_DIR" ARCH="$(built_arch "$name")" \
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
	source_get
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
