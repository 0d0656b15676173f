# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# shellcheck disable=SC2154	# the options and rundir are those of run
#
# Starts a User Mode Linux kernel: a process of this machine, on its files.

uml_disks()
{
	local n=0 disk

	for disk in "${disks[@]}"; do
		echo "ubd$n=$disk"
		n=$((n + 1))
	done
}

# Where there is room for the guest's memory: best in memory itself.
uml_memory_dir()
{
	local room

	room=$(df --output=avail -BM /dev/shm 2>/dev/null | tr -dc '0-9\n' | tail -n 1)
	[ "${room:-0}" -gt "$mem" ] && echo /dev/shm || echo "${TMPDIR:-/tmp}"
}

uml_start()
{
	local disk_args memory_dir

	need_commands busybox setpriv
	[ -z "$icount" ] || skip 'User Mode Linux cannot count instructions'
	memory_dir=$(uml_memory_dir)
	mapfile -t disk_args < <(uml_disks)
	# shellcheck disable=SC2086	# the command line is words
	TMPDIR=$memory_dir setpriv --pdeathsig KILL "$(kernel_dir "$kernel")/image" \
		mem="${mem}M" root=/dev/root rootfstype=hostfs rootflags=/ ro \
		init="$VM_DIR/init-uml" vm_dir="$VM_DIR" vm_run="$rundir" \
		uml_dir="$rundir/" umid=uml con=null con0=null,fd:7 con1=null,fd:8 \
		console=tty0 panic=-1 kasan_multi_shot seccomp=auto \
		$append "${disk_args[@]}" \
		7>>"$rundir/console" 8>>"$rundir/output" \
		>>"$rundir/emulator.err" 2>&1 </dev/null &
	guest_pid=$!
	pids+=("$guest_pid")
}
