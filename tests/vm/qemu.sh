# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# shellcheck disable=SC2154	# the options and rundir are those of run
#
# Starts an x86 kernel in QEMU. Its root is this machine's own, over virtiofs;
# the initramfs has only what it takes to mount that.

VIRTIOFSD=/usr/lib/qemu/virtiofsd

# What the kernel has built in, modprobe does not list.
initramfs_modules()
{
	local to=$1 module n=10
	local root release

	release=$(kernel_release "$kernel")
	root=$(realpath "$(kernel_dir "$kernel")/modules")
	root=${root%/lib/modules/*}
	for module in virtio_pci virtiofs overlay virtio_blk; do
		modprobe -d "$root" -S "$release" --show-depends "$module" \
			2>/dev/null || true
	done | awk '$1 == "insmod" && !seen[$2]++ { print $2 }' |
		while read -r module; do
			cp "$module" "$to/$n-${module##*/}"
			n=$((n + 1))
		done
}

initramfs()
{
	local dir=$rundir/initramfs

	mkdir -p "$dir"/{bin,modules,proc,sys,dev,host,overlay,root}
	cp "$(command -v busybox)" "$dir/bin/busybox"
	cp "$VM_DIR/init-qemu" "$dir/init"
	initramfs_modules "$dir/modules"
	(cd "$dir" && find . | cpio -o -H newc --quiet) >"$rundir/initrd"
	rm -r "$dir"
}

# Whoever emulates a guest on a busy machine may not run one of its processors for
# half a minute, which its kernel would take for a lockup.
qemu_append()
{
	printf '%s ' console=ttyS0 panic=-1 oops=panic nokaslr mitigations=off \
		tsc=reliable no_timer_check rcupdate.rcu_expedited=1 \
		random.trust_cpu=on cryptomgr.notests kasan_multi_shot \
		rcupdate.rcu_cpu_stall_timeout=120 watchdog_thresh=60 \
		"vm_dir=$VM_DIR" "vm_run=$rundir" "$append"
	qemu_icount_append
}

# Time that the guest spends waiting for the host is skipped by icount, at any
# length: the kernel must not take it for a hang.
qemu_icount_append()
{
	[ -z "$icount" ] || printf '%s ' nosoftlockup \
		sysctl.kernel.hung_task_timeout_secs=0 \
		rcupdate.rcu_cpu_stall_suppress=1
}

# With icount the clock counts instructions, and two runs of the same code
# agree: one thread, and a fixed seed and date.
qemu_accel()
{
	if [ -n "$icount" ]; then
		printf '%s\n' -accel tcg,thread=single -cpu max,la57=off \
			-icount "shift=$icount,sleep=off" -seed 1 \
			-rtc base=2025-01-01T00:00:00,clock=vm
	elif [ "$accel" = kvm ]; then
		printf '%s\n' -accel kvm -cpu host
	else
		# Wide vectors are slow to emulate, and every memcpy() has them.
		printf '%s\n' -accel tcg,thread=multi \
			-cpu max,la57=off,-avx,-avx2
	fi
}

qemu_disks()
{
	local n=0 disk

	for disk in "${disks[@]}"; do
		printf '%s\n' -drive \
			"file=${disk//,/,,},if=none,id=disk$n,format=raw,cache=unsafe" \
			-device "virtio-blk-pci,drive=disk$n"
		n=$((n + 1))
	done
}

# What the guest has seen of a file it does not ask for again, which makes
# starting programs four times as fast; nor does it see what the host changes
# meanwhile.
virtiofsd_start()
{
	local n

	setpriv --pdeathsig KILL "$VIRTIOFSD" --socket-path="$rundir/virtiofs" \
		-o source=/ -o cache=always -o sandbox=chroot -o log_level=err -f \
		</dev/null >>"$rundir/emulator.err" 2>&1 &
	pids+=($!)
	disown
	for n in {1..250}; do
		[ ! -S "$rundir/virtiofs" ] || return 0
		sleep 0.02
	done
	skip 'virtiofsd does not start'
}

qemu_start()
{
	local cpu_count=${cpus:-2} accel_args disk_args

	need_commands qemu-system-x86_64 "$VIRTIOFSD" busybox cpio modprobe setpriv
	[ -z "$icount" ] || cpu_count=1
	[ -f "$rundir/initrd" ] || initramfs
	rm -f "$rundir/virtiofs"
	virtiofsd_start
	mapfile -t accel_args < <(qemu_accel)
	mapfile -t disk_args < <(qemu_disks)
	setpriv --pdeathsig KILL qemu-system-x86_64 -nodefaults -no-user-config \
		-display none -no-reboot -M q35,memory-backend=mem \
		-smp "$cpu_count" -m "$mem" \
		-object "memory-backend-memfd,id=mem,size=${mem}M,share=on" \
		-kernel "$(kernel_dir "$kernel")/image" -initrd "$rundir/initrd" \
		-append "$(qemu_append)" \
		-chardev "file,id=console,path=$rundir/console" -serial chardev:console \
		-chardev "file,id=output,path=$rundir/output" -serial chardev:output \
		-chardev "socket,id=virtiofs,path=$rundir/virtiofs" \
		-device vhost-user-fs-pci,chardev=virtiofs,tag=host,queue-size=1024 \
		"${accel_args[@]}" "${disk_args[@]}" \
		</dev/null >>"$rundir/emulator.err" 2>&1 &
	guest_pid=$!
	pids+=("$guest_pid")
}
