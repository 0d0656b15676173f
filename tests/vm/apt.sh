# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Debian packages from any suite, unpacked and never installed. The package
# lists are kept apart from the machine's own, so that looking at sid does not
# change what the machine itself would install or upgrade to.

# The base address of a Debian archive ("Debian" or "Debian-Security"), taken
# from the machine's own configuration.
archive_of()
{
	# shellcheck disable=SC2016	# apt expands these
	apt-get indextargets --format '$(LABEL) $(REPO_URI)' \
		'Origin: Debian' 'Created-By: Packages' |
		awk -v label="$1" '$1 == label { print $2; exit }'
}

source_lines()
{
	local main security
	local keyring=/usr/share/keyrings/debian-archive-keyring.gpg

	main=$(archive_of Debian)
	security=$(archive_of Debian-Security)
	[ -n "$main" ] || skip 'no Debian archive in the sources of apt'
	case $1 in
	sid)
		echo "deb [signed-by=$keyring] $main sid main"
		;;
	bookworm)
		echo "deb [signed-by=$keyring] $main bookworm main"
		[ -z "$security" ] || echo \
			"deb [signed-by=$keyring] $security bookworm-security main"
		;;
	esac
}

# use_suite SUITE: what the apt functions below talk about from here on. The
# caller holds the lock apt-SUITE: apt refuses to be two at its lists.
use_suite()
{
	local dir=$CACHE/apt/$1

	need_commands apt-get dpkg
	mkdir -p "$dir/lists" "$dir/cache"
	source_lines "$1" >"$dir/sources.list"
	APT_OPTIONS=(
		-oDir::Etc::sourcelist="$dir/sources.list"
		-oDir::Etc::sourceparts=/dev/null
		-oDir::State::Lists="$dir/lists"
		-oDir::Cache="$dir/cache"
		-oAPT::Sandbox::User=root
		-oAcquire::Languages=none
		-oAcquire::Retries=3
		-oAcquire::http::Timeout=30
	)
	say "reading the package lists of $1"
	timeout 300 apt-get "${APT_OPTIONS[@]}" -qq update >&2 ||
		skip "the package lists of $1 cannot be had"
}

# package_closure REGEX PACKAGE...: the packages and those they depend on, as
# far as their names match.
package_closure()
{
	local regex=$1

	shift
	apt-cache "${APT_OPTIONS[@]}" depends --recurse --important "$@" |
		grep -E "^$regex\$" | sort -u
}

# unpack_packages DIR PACKAGE...
unpack_packages()
{
	local dir=$1 deb

	shift
	mkdir -p "$dir/debs"
	(
		cd "$dir/debs" || exit
		timeout 1200 apt-get "${APT_OPTIONS[@]}" -qq download "$@" >&2
	) || skip "cannot download $*"
	for deb in "$dir"/debs/*.deb; do
		dpkg -x "$deb" "$dir"
	done
	rm -r "$dir/debs"
}
