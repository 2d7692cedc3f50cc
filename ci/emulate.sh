#!/usr/bin/env bash
# Runs the tests of bn254-batch's AVX-512 back end on a machine without AVX-512 IFMA: Bochs emulates a processor that has
# it (Ice Lake), and boots a Linux whose only program is the tests. Two minutes for a few of them, a quarter of an hour
# for all, on one core.
#
#   ci/emulate.sh [TEST...]
#
# TEST is part of a test's name; without one, every test of the back end runs. Needs root, mmdebstrap, and Debian's
# packages, which stay in target/emulator. Fails unless every test that was chosen passed.
set -euo pipefail
cd "$(dirname "$0")/.."

tests=("$@")
# Those that ask each back end for the same, and those of the back end's own parts.
[ $# -gt 0 ] || tests=(tests::butterflies tests::combinations tests::compressed tests::corner tests::linear tests::many
    tests::one_point tests::points_off tests::products tests::transforms vector::avx512::)

root=target/emulator
mkdir -p target
if [ ! -e "$root.made" ]; then
    rm -rf "$root"
    # A mirror may be a copy that is older than its own list allows. The root is a hook's argument.
    # shellcheck disable=SC2016
    mmdebstrap --quiet --variant=minbase --aptopt='Acquire::Check-Valid-Until "false"' \
        --aptopt='APT::Install-Recommends "false"' \
        --include=bochs,bochs-term,grub-pc-bin,grub-common,xorriso,mtools,busybox-static,cpio,libc6,libgcc-s1 \
        --customize-hook='chroot "$1" sh -c "cd /tmp && apt-get update -qq && apt-cache search --names-only \"^linux-image-[0-9.+a-z]*-cloud-amd64\$\" | sort -V | sed -n \"\\\$s/ .*//p\" | xargs apt-get download -qq && dpkg -x linux-image-*.deb /kernel"' \
        trixie "$root" ${MIRROR:+"$MIRROR"}
    touch "$root.made"
fi

binary=$(cargo test --locked --workspace --lib --no-run --message-format=json |
    python3 -c 'import json, sys
for line in sys.stdin:
    built = json.loads(line)
    if built.get("target", {}).get("name") == "bn254_batch" and built.get("profile", {}).get("test"):
        print(built["executable"])')
[ -x "$binary" ] || { echo "the tests of bn254-batch were not built" >&2; exit 1; }

# The program, the libraries that it names, and a first process that runs it and turns the machine off.
work=$root/run
rm -rf "$work"
mkdir -p "$work/initrd/bin" "$work/initrd/proc" "$work/initrd/dev" "$work/initrd/tmp" "$work/disc/boot/grub"
cp "$root/bin/busybox" "$work/initrd/bin/"
strip -o "$work/initrd/bin/tests" "$binary"
ldd "$binary" | grep -o '/[^ ]*' | while read -r library; do
    mkdir -p "$work/initrd$(dirname "$library")"
    cp -L "$library" "$work/initrd$library"
done
cat >"$work/initrd/init" <<INIT
#!/bin/busybox sh
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t devtmpfs dev /dev
cd /tmp
BN254_BATCH_ONLY=avx512-ifma BN254_BATCH_BULK=100 /bin/tests --test-threads 1 ${tests[*]}
# More than the emulator keeps back of what was printed.
/bin/busybox yes ---------------------------------------------------------------- | /bin/busybox head -n 120
/bin/busybox poweroff -f
INIT
chmod +x "$work/initrd/init"
chroot "$root" sh -c "cd /run/initrd && find . | cpio --quiet -o -H newc | gzip -1" >"$work/disc/boot/initrd"
cp "$(find "$root/kernel" -name "vmlinuz*" -type f)" "$work/disc/boot/vmlinuz"
cat >"$work/disc/boot/grub/grub.cfg" <<'GRUB'
set timeout=0
menuentry tests {
    linux /boot/vmlinuz console=ttyS0 panic=-1 mitigations=off tsc=reliable idle=halt lapic=notscdeadline quiet
    initrd /boot/initrd
}
GRUB
cat >"$work/bochsrc" <<BOCHS
cpu: model=corei7_icelake_u, count=1, ips=50000000
memory: guest=1024, host=1024
romimage: file=/usr/share/bochs/BIOS-bochs-latest
vgaromimage: file=/usr/share/bochs/VGABIOS-lgpl-latest
ata0-master: type=cdrom, path=disc.iso, status=inserted
boot: cdrom
display_library: rfb, options="timeout=0"
com1: enabled=1, mode=file, dev=serial.txt
log: bochs.log
panic: action=fatal
clock: sync=none
BOCHS
# Debian's Bochs stops in its debugger first.
printf 'c\nq\n' >"$work/commands"
chroot "$root" grub-mkrescue -o /run/disc.iso /run/disc >"$work/grub.log" 2>&1
chroot "$root" sh -c 'cd /run && exec bochs -q -f bochsrc -rc commands' </dev/null >"$work/bochs.out" 2>&1 || true
{ grep -a '^test \|^running \|panicked' "$work/serial.txt" || true; } | tr -d '\r'
grep -aq '^test result: ok\. [1-9]' "$work/serial.txt" ||
    { echo "not all tests passed: $work/serial.txt" >&2; exit 1; }
