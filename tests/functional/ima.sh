# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash source-path=SCRIPTDIR
# Description: what the integrity measurement architecture is told of a table
# Kernels: sid
. "${0%/*}/lib.sh" || exit
. "$HERE/upper.sh"

BYTES=$((4 * MIB))
IMA=/sys/kernel/security/ima

# measured NAME: prints the targets of the last table that was loaded for it, each
# with a semicolon behind.
measured()
{
	local event data found=

	while read -r _ _ _ _ event data; do
		[ "$event" = dm_table_load ] || continue
		data=$(printf "%b" "$(sed 's/../\\x&/g' <<<"$data")")
		[[ $data != *";name=$1,"* ]] || found=${data#*;name=*;}
	done <$IMA/ascii_runtime_measurements
	[ -n "$found" ] || fail "no table of $1 was measured"
	printf '%s\n' "$found"
}

mountpoint -q /sys/kernel/security ||
	mount -t securityfs none /sys/kernel/security
[ -d $IMA ] || skip 'this kernel measures nothing'
echo 'measure func=CRITICAL_DATA label=device-mapper template=ima-buf' \
	>$IMA/policy

base_layer $BYTES
new_upper measured $BYTES
open_upper measured $BYTES "$LOWERS" no_verify
read -r _ LOWER LOWER_BYTES <<<"$LOWERS"
version=$(dmsetup targets | awk '$1 == "overlaybd" { print substr($2, 2) }')
number()
{
	lsblk -dno MAJ:MIN "$1" | tr -d ' '
}

expect_equal 'what was measured' "$(measured measured)" \
"target_index=0,target_begin=0,target_len=$((BYTES / SECTOR)),\
target_name=overlaybd,target_version=$version,layers=2,verify=n,\
layer_0_device_name=$(number "$LOWER"),layer_0_bytes=$LOWER_BYTES,\
upper_data_device_name=$(number "$DATA"),\
upper_index_device_name=$(number "$INDEX");"

say 'a table without it'
dmsetup load measured --table "${TABLE% 1 no_verify}"
[[ $(measured measured) == *,layers=2,verify=y,* ]] ||
	fail "$(measured measured)"
