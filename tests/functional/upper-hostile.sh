# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash source-path=SCRIPTDIR
# Description: corrupt writable layers are refused, or do no harm
# Kernels: uml-debug
. "${0%/*}/lib.sh" || exit

seed=$RANDOM
say "seed $seed"
helper corruptupper "$TREE/dm-overlaybd-log.c" $seed 60
