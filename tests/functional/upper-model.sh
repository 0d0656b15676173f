# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash source-path=SCRIPTDIR
# Description: a disk holds what several threads write to it, by its model
# Kernels: uml-debug 6.12
# Timeout: 900
. "${0%/*}/lib.sh" || exit
. "$HERE/upper.sh"

BYTES=$((16 * MIB))

need_model
base_layer $((12 * MIB))
new_upper model $BYTES
open_upper model $BYTES "$LOWERS"
for options in '--max 65536 --race 20' '--threads 8 --race 60 --max 16384' \
	'--buffered 30 --race 10' '--mix 20,40,20,15,5 --max 8192 --race 20'; do
	say "$options"
	# shellcheck disable=SC2086	# several words
	model --model saved --base raw --ops "$(operations 32000)" --seconds 60 $options \
		/dev/mapper/model
	reopen model
	say "entries, sectors, end: $CHECKED"
	upper flatten base=raw model.data model.index flat
	"$MODEL" compare --model saved --base raw flat
	"$MODEL" compare --model saved --base raw /dev/mapper/model
done
