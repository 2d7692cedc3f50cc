#!/usr/bin/env python3
"""What ci/bench-peers.sh runs after building.

A figure is that of one process, as the operating system accounts for it when it ends: CPU seconds (user + system, all threads), wall
seconds, and the largest resident set. Several runs are made of what is short, and the median is printed. Both tools read the same files;
what one writes is read back by the other, and where a step is deterministic its outputs are compared byte for byte.
"""

import argparse
import json
import os
import pathlib
import signal
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
OURS = ROOT / "target/release/zk-ceremony"
CIRCUITS = ROOT / "target/release/examples/circuits"
SNARKJS = ROOT / "ci/node_modules/snarkjs/build/cli.cjs"
CRITERION = ROOT / "target/criterion"


class Run:
    """Of one command: medians over its runs. The system tells user time from its own by ticks of the clock, so that the part of it is a mean."""

    def __init__(self, samples):
        self.runs = len(samples)
        self.cpu, self.wall, self.memory, _ = (statistics.median(column) for column in zip(*samples))
        self.user = self.cpu * sum(user for *_, user in samples) / sum(cpu for cpu, *_ in samples)


def once(command, limit=None):
    """CPU and wall seconds, MiB, and seconds of CPU outside the system of one run, or None when it was ended at the limit (seconds of wall time)."""
    sys.stdout.flush()
    with tempfile.TemporaryFile() as log:
        begin = time.monotonic()
        child = subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT)
        if limit:
            signal.signal(signal.SIGALRM, lambda *_: child.kill())
            signal.setitimer(signal.ITIMER_REAL, limit)
        _, status, usage = os.wait4(child.pid, 0)
        wall = time.monotonic() - begin
        signal.setitimer(signal.ITIMER_REAL, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        if limit and child.returncode == -signal.SIGKILL and wall >= limit:
            return None
        if child.returncode != 0:
            log.seek(0)
            sys.exit(f"{' '.join(map(str, command))}\nended with {child.returncode}:\n{log.read().decode(errors='replace')[-4000:]}")
    return usage.ru_utime + usage.ru_stime, wall, usage.ru_maxrss / 1024, usage.ru_utime


def measure(command, output=None, runs=5, limit=None):
    """Medians. The first run of a short step, which fills the page cache, is not counted; a step of 5 s is run three times at most, one of 15 s
    once."""
    def run():
        if output:
            output.unlink(missing_ok=True)
        return once(command, limit)

    first = run()
    if first is None:
        return None
    wall = first[1]
    wanted = 1 if wall > 15 else min(runs, 3) if wall > 5 else runs
    samples = [] if wall < 5 else [first]
    samples += [run() for _ in range(wanted - len(samples))]
    return Run(samples)


def same(a, b):
    """Whether two files hold the same bytes."""
    return subprocess.run(["cmp", "-s", a, b], check=False).returncode == 0


def version(command):
    return subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False).stdout.strip()


def machine():
    """One line on where the figures come from."""
    model = next((line.split(":", 1)[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "unknown")
    memory = next(int(line.split()[1]) // 1024 for line in open("/proc/meminfo") if line.startswith("MemTotal"))
    load = ", ".join(f"{x:.1f}" for x in os.getloadavg())
    return f"{len(os.sched_getaffinity(0))} cores of {model}, {memory} MiB, Linux {os.uname().release}; load average at the start {load}"


def ours(*arguments):
    return [OURS, *arguments]


def portable(*arguments):
    return [OURS, *arguments, "--portable-arithmetic"]


def snarkjs(*arguments):
    return ["node", SNARKJS, *arguments]


def has_ifma():
    return "avx512" in version([OURS, "--version"])


def cells(run):
    if run is None:
        return ["-"] * 4
    return [f"{run.cpu:.2f}", f"{run.wall:.2f}", f"{run.cpu / run.wall:.2f}", f"{run.memory:.0f}"]


def table(heading, rows):
    print("| " + " | ".join(heading) + " |")
    print("|" + "---|" * len(heading))
    for row in rows:
        print("| " + " | ".join(row) + " |", flush=True)


# Targets of CPU time against snarkjs, with the vector instructions.
TARGETS = {"ptau contribute": 40, "ptau prepare": 40, "ptau verify": 8, "zkey new": 8, "zkey contribute": 25, "zkey verify": 8}


def against_snarkjs(power, options, folder):
    """All steps at one power. Our files go into both tools; the circuit fills its domain, and its .ptau is of the next power."""
    path = lambda name: folder / f"{power}-{name}"
    name = ["--name", "bench"]
    notes, rows = [], []

    def step(title, our, out, peer, peer_out, remark=""):
        """`our` and `peer` are arguments; the outputs of the last runs stay."""
        with_ifma = measure(ours(*our), out, options.runs) if has_ifma() else None
        without = None if options.no_portable else measure(portable(*our), out, options.runs)
        theirs = measure(snarkjs(*peer), peer_out, options.peer_runs, options.peer_limit) if peer else None
        limit = f"> {options.peer_limit}" if peer and theirs is None else "-"
        ratio = lambda mine, field: f"{getattr(theirs, field) / getattr(mine, field):.1f}" if theirs and mine else "-"
        target = f">= {TARGETS[title]}" if title in TARGETS else ""
        peer_cells = [f"{theirs.cpu:.2f}", f"{theirs.wall:.2f}", f"{theirs.memory:.0f}"] if theirs else ["-", limit, "-"]
        rows.append([title + remark, *peer_cells, *cells(with_ifma), ratio(with_ifma, "cpu"), ratio(with_ifma, "wall"), *cells(without), ratio(without, "cpu"), target])
        print(f"2^{power} | " + " | ".join(rows[-1]), file=sys.stderr, flush=True)
        return theirs is not None

    def note(condition, text):
        if not condition:
            sys.exit(f"2^{power}: not so: {text}")
        notes.append(text)

    new, contributed, prepared = path("new.ptau"), path("contributed.ptau"), path("prepared.ptau")
    step("ptau new", ["ptau", "new", "--power", power, new], new, ["powersoftau", "new", "bn128", power, path("new.peer")], path("new.peer"))
    note(same(new, path("new.peer")), "`ptau new`: the same bytes")
    step(
        "ptau contribute", ["ptau", "contribute", new, contributed, *name], contributed,
        ["powersoftau", "contribute", new, path("contributed.peer"), "--name=bench", "-e=bench"], path("contributed.peer"),
    )
    once(ours("ptau", "verify", path("contributed.peer")))
    step("ptau verify", ["ptau", "verify", contributed], None, ["powersoftau", "verify", contributed], None)
    note(True, "`ptau contribute`: each tool accepts the other's file")
    peer_prepares = power in options.prepare
    finished = step(
        "ptau prepare", ["ptau", "prepare", contributed, prepared], prepared,
        ["powersoftau", "prepare", "phase2", contributed, path("prepared.peer")] if peer_prepares else None, path("prepared.peer"),
    )
    if finished:
        note(same(prepared, path("prepared.peer")), "`ptau prepare`: the same bytes")

    # Phase 2: a circuit that fills 2^power, from a .ptau of the next power.
    circuit, larger = path("circuit.r1cs"), path("larger.ptau")
    once([CIRCUITS, "squares", power, circuit])
    one, two = path("larger.new"), path("larger.contributed")
    once(ours("ptau", "new", "--power", power + 1, one))
    once(ours("ptau", "contribute", one, two, *name))
    once(ours("ptau", "prepare", two, larger))
    initial, key = path("0.zkey"), path("1.zkey")
    step("zkey new", ["zkey", "new", circuit, larger, initial], initial, ["groth16", "setup", circuit, larger, path("0.peer")], path("0.peer"))
    note(same(initial, path("0.peer")), "`zkey new`: the same bytes")
    step(
        "zkey contribute", ["zkey", "contribute", initial, key, *name], key,
        ["zkey", "contribute", initial, path("1.peer"), "--name=bench", "-e=bench"], path("1.peer"),
    )
    once(ours("zkey", "verify", circuit, larger, path("1.peer")))
    digest = json.loads(version(ours("ptau", "info", larger, "--json")))["sha256"]
    step(
        "zkey verify", ["zkey", "verify", circuit, larger, key, "--ptau-verified", digest], None,
        ["zkey", "verify", circuit, larger, key], None, " (1)",
    )
    note(True, "`zkey contribute`: each tool accepts the other's key")
    peer_verifies = power in options.verify_prepared
    step(
        f"ptau verify, prepared, 2^{power + 1} (2)", ["ptau", "verify", larger], None,
        ["powersoftau", "verify", larger] if peer_verifies else None, None,
    )
    print(f"\n### 2^{power}\n")
    heading = [
        "step", "snarkjs CPU s", "wall s", "MiB", "IFMA CPU s", "wall s", "CPU / wall", "MiB", "CPU ratio", "wall ratio",
        "portable CPU s", "wall s", "CPU / wall", "MiB", "CPU ratio", "target (IFMA, CPU)",
    ]
    table(heading, rows)
    print(f"\nChecked: {'; '.join(notes)}.")


# Compiled from ci/circuits, and of our own.
COMPILED = ["sha256", "eddsa", "poseidon_chain", "range_checks"]
MADE = ["squares", "mixed", "mixed-half", "mixed-long"]


def circuits(options, folder):
    """`zkey new` of real circuits and of made ones, whose rows have seven terms. One .ptau serves all."""
    power = (options.powers or [16])[0]
    new, contributed, powers = folder / "new.ptau", folder / "contributed.ptau", folder / "powers.ptau"
    once(ours("ptau", "new", "--power", power + 1, new))
    once(ours("ptau", "contribute", new, contributed, "--name", "bench"))
    once(ours("ptau", "prepare", contributed, powers))
    for name in COMPILED:
        source = [f"circuits/{name}.circom", "--r1cs", "-l", "node_modules", "-o", folder]
        subprocess.run([ROOT / "ci/node_modules/.bin/circom2", *source], cwd=ROOT / "ci", check=True, stdout=sys.stderr)
    for name in MADE:
        once([CIRCUITS, name, power, folder / f"{name}.r1cs"])
    rows, base = [], None
    for name in [*MADE, *COMPILED]:
        circuit, key, peer = (folder / f"{name}.{ending}" for ending in ["r1cs", "zkey", "peer"])
        mine = measure(ours("zkey", "new", circuit, powers, key), key, options.runs)
        theirs = measure(snarkjs("groth16", "setup", circuit, powers, peer), peer, options.peer_runs, options.peer_limit)
        if theirs and not same(key, peer):
            sys.exit(f"{name}: the two tools write different keys")
        terms = terms_of(circuit)
        each = mine.cpu * 1e6 / terms
        base = base or each
        ratio = f"{theirs.cpu / mine.cpu:.1f}" if theirs else "-"
        peer_cells = [f"{theirs.cpu:.2f}", f"{theirs.wall:.2f}"] if theirs else ["-", "-"]
        rows.append([name, str(terms), *peer_cells, *cells(mine), ratio, f"{each:.2f}", f"{each / base:.2f}"])
        print(" | ".join(rows[-1]), file=sys.stderr, flush=True)
    table(["circuit", "terms", "snarkjs CPU s", "wall s", "IFMA CPU s", "wall s", "CPU / wall", "MiB", "CPU ratio", "us of CPU a term", "to squares"], rows)
    print("\nChecked: for each circuit both tools write the same bytes.")


def terms_of(circuit):
    """The terms of all constraints of an .r1cs."""
    data = circuit.read_bytes()
    at = 12
    while int.from_bytes(data[at:at + 4], "little") != 2:
        at += 12 + int.from_bytes(data[at + 4:at + 12], "little")
    end, at, terms = at + 12 + int.from_bytes(data[at + 4:at + 12], "little"), at + 12, 0
    while at < end:
        count = int.from_bytes(data[at:at + 4], "little")
        terms, at = terms + count, at + 4 + 36 * count
    return terms


def scaling(options, folder):
    """contribute and verify over many powers. Short runs are made often: a tick of the clock is a part of them."""
    columns = ["CPU s", "wall s", "CPU / wall", "MiB", "user / wall", "us of CPU per 2^power"]
    heading = ["power", *(f"contribute {columns[0]}" if i == 0 else c for i, c in enumerate(columns)), *(f"verify {columns[0]}" if i == 0 else c for i, c in enumerate(columns))]
    for name, run in [("AVX-512 IFMA", ours), ("portable", portable)]:
        if run is ours and not has_ifma() or run is portable and options.no_portable:
            continue
        rows = []
        powers = list(options.powers or range(12, 21))
        times = {"contribute": [], "verify": []}
        for power in powers:
            new, contributed = folder / "new.ptau", folder / "contributed.ptau"
            new.unlink(missing_ok=True)
            once(ours("ptau", "new", "--power", power, new))
            row = [f"2^{power}"]
            for arguments, out in [(["ptau", "contribute", new, contributed, "--name", "bench"], contributed), (["ptau", "verify", contributed], None)]:
                figures = measure(run(*arguments), out, max(options.runs, 2 ** max(0, 17 - power)))
                times[arguments[1]].append(figures.cpu)
                row += [*cells(figures), f"{figures.user / figures.wall:.2f}", f"{figures.cpu * 1e6 / 2**power:.1f}"]
            rows.append(row)
            print(f"{name} | " + " | ".join(row), file=sys.stderr, flush=True)
        print(f"\n### {name}\n")
        table(heading, rows)
        print()
        for step, seconds in times.items():
            start, each, worst = line(powers, seconds)
            print(f"{step}: {start * 1e3:.0f} ms + {each * 1e6:.2f} us * 2^power, off by at most {worst:.1%}.")


def line(powers, seconds):
    """The start and slope of a line through CPU times, with the smallest sum of squared relative errors, and the largest of these."""
    weights = [1 / y for y in seconds]
    ones, slopes = weights, [w * 2**p for w, p in zip(weights, powers)]
    dot = lambda a, b: sum(x * y for x, y in zip(a, b))
    (a, b, d), (u, v) = (dot(ones, ones), dot(ones, slopes), dot(slopes, slopes)), (sum(ones), sum(slopes))
    determinant = a * d - b * b
    start, each = ((u * d - v * b) / determinant, (a * v - b * u) / determinant) if determinant else (0, v / d)
    return start, each, max(abs(start * one + each * slope - 1) for one, slope in zip(ones, slopes))


# Criterion's groups: what an element is, and the targets against the two baselines (IFMA, portable).
KERNELS = {
    "products-G1": ("G1 point times scalar", {"arkworks-affine": (12, 1.8), "arkworks-glv": (9, 1.3)}),
    "products-G2": ("G2 point times scalar", {"arkworks-affine": (12, 1.7), "arkworks-glv": (9, 1.3)}),
    "transform-G1": ("G1 inverse FFT, per point", {"arkworks-ifft": (9, 1.4)}),
    "verification": ("phase-1 verification, per power of tau", {"subgroup-check-per-point": (12, 2.8)}),
    "combination-G1": ("G1 MSM, 128-bit coefficients", {"arkworks-msm": None}),
    "combination-G2": ("G2 MSM, 128-bit coefficients", {"arkworks-msm": None}),
    "subgroup-G2": ("G2 subgroup check", {"each-point": None}),
    "on-curve-G1": ("G1 curve equation", {"arkworks": None}),
    "on-curve-G2": ("G2 curve equation", {"arkworks": None}),
    "from-x-G1": ("G1 point from x", {"arkworks": None}),
    "from-x-G2": ("G2 point from x", {"arkworks": None}),
}


def kernels():
    """What criterion measured last, as nanoseconds per element and ratios."""

    def element(group, function):
        folder = CRITERION / group / function / "new"
        try:
            estimate = json.loads((folder / "estimates.json").read_text())["median"]["point_estimate"]
            return estimate / json.loads((folder / "benchmark.json").read_text())["throughput"]["Elements"]
        except FileNotFoundError:
            return None

    rows = []
    for group, (what, baselines) in KERNELS.items():
        for baseline, targets in baselines.items():
            base, fast, adx, slow = (element(group, name) for name in [baseline, "avx512-ifma", "adx", "portable"])
            show = lambda x: f"{x:,.0f}".replace(",", " ") if x else "-"
            ratio = lambda x: f"{base / x:.1f}" if base and x else "-"
            goal = lambda i: f">= {targets[i]}" if targets else ""
            rows.append([what, baseline, show(base), show(fast), ratio(fast), goal(0), show(adx), ratio(adx), show(slow), ratio(slow), goal(1)])
    table(["element", "baseline", "baseline ns", "IFMA ns", "ratio", "target", "ADX ns", "ratio", "portable ns", "ratio", "target"], rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("powers", type=int, nargs="*", help="default 14 16; with --scaling 12 to 20, with --circuits 16")
    parser.add_argument("--scaling", action="store_true", help="contribute and verify alone, without snarkjs")
    parser.add_argument("--circuits", action="store_true", help="`zkey new` alone, of real circuits and of made ones, with a .ptau of the next power")
    parser.add_argument("--kernels", action="store_true", help="print what criterion measured")
    parser.add_argument("--runs", type=int, default=5, help="counted runs of a short step of ours")
    parser.add_argument("--peer-runs", type=int, default=3, help="counted runs of a short step of snarkjs")
    parser.add_argument("--peer-limit", type=int, default=1800, help="seconds after which a step of snarkjs is given up")
    parser.add_argument("--prepare", type=int, nargs="*", default=[14], metavar="POWER", help="powers at which snarkjs prepares too")
    parser.add_argument("--verify-prepared", type=int, nargs="*", default=[14], metavar="POWER", help="powers at which snarkjs verifies the prepared file too")
    parser.add_argument("--no-portable", action="store_true", help="the vector back end only")
    options = parser.parse_args()
    print(f"{machine()}.  ")
    if options.kernels:
        print("One thread, one run of criterion, medians.\n")
        return kernels()
    print(f"{version([OURS, '--version'])}; node {version(['node', '--version'])}, snarkjs {json.loads((SNARKJS.parent.parent / 'package.json').read_text())['version']}.")
    with tempfile.TemporaryDirectory(prefix="bench-peers-") as folder:
        folder = pathlib.Path(folder)
        if options.scaling:
            return scaling(options, folder)
        if options.circuits:
            return circuits(options, folder)
        for power in options.powers or [14, 16]:
            against_snarkjs(power, options, folder)
        print("\n(1) With `--ptau-verified`: the `.ptau` is taken by its digest. snarkjs takes it as given.")
        print("(2) What our `zkey verify` does besides where that option is not given.")
    return None


if __name__ == "__main__":
    main()
