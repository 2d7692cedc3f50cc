#!/usr/bin/env python3
"""Runs the steps of action.yml as a runner would, on the example: `ci/action.py PROGRAMS`.

PROGRAMS is a folder with the two programs. They are packed like a release, which is served from this disk. Then the
same with a wrong digest, which must stop at the first step."""
import hashlib
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile

from ruamel.yaml import YAML

root = pathlib.Path(__file__).resolve().parent.parent
programs = pathlib.Path(sys.argv[1])
action = YAML(typ="safe").load((root / "action.yml").read_text())
TAG, TARGET = "v0.0.0", "x86_64-unknown-linux-gnu"


def steps(given, runner):
    """Runs each step; returns the name of the first that fails."""
    inputs = {name: given.get(name, it.get("default")) for name, it in action["inputs"].items()}
    path = runner / "path"
    path.write_text("")
    for step in action["runs"]["steps"]:
        env = {
            **os.environ,
            "RUNNER_OS": "Linux",
            "RUNNER_ARCH": "X64",
            "RUNNER_TEMP": str(runner),
            "GITHUB_PATH": str(path),
            "GITHUB_ACTION_PATH": str(root),
            "PATH": ":".join(path.read_text().split()[::-1] + [os.environ["PATH"]]),
        }
        for name, text in step["env"].items():
            named = re.fullmatch(r"\$\{\{ inputs\.([a-z0-9-]+)(?: \|\| .*)? \}\}", text)
            env[name] = inputs[named[1]]
        if subprocess.run(["bash", "-euo", "pipefail", "-c", step["run"]], env=env, check=False).returncode:
            return step["name"]
        print(f"step done: {step['name']}", flush=True)
    return None


with tempfile.TemporaryDirectory() as folder:
    folder = pathlib.Path(folder)
    stem = f"zk-ceremony-{TAG}-{TARGET}"
    served = folder / "served" / TAG
    served.mkdir(parents=True)
    archive = served / f"{stem}.tar.gz"
    with tarfile.open(archive, "w:gz") as packed:
        for name in ["zk-ceremony", "zk-embed"]:
            packed.add(programs / name, f"{stem}/{name}")
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    given = {
        "tag": TAG,
        "sha256": digest,
        "url": f"file://{folder}/served",
        "manifest-path": "examples/attestation/Cargo.toml",
        "embed-options": "--arkworks",
    }
    os.chdir(root)
    first, second, third = (folder / name for name in ["first", "second", "third"])
    for runner in [first, second, third]:
        runner.mkdir()
    if failed := steps(given, first):
        sys.exit(f"step failed: {failed}")
    install = action["runs"]["steps"][0]["name"]
    if steps({**given, "sha256": "0" * 64}, second) != install or (second / "zk-ceremony" / stem).exists():
        sys.exit("an archive with another digest was used")
    # A snippet that is not the bundle's.
    example = folder / "example"
    shutil.copytree(root / "examples/attestation/zk", example / "zk")
    snippet = example / "zk/verifying_key.rs"
    snippet.write_text(snippet.read_text().replace("0x", "0X", 1) + "\n")
    (example / "Cargo.toml").write_text("")
    check = {"MANIFEST_PATH": str(example / "Cargo.toml"), "EMBED_OPTIONS": "--arkworks"}
    path = f"{programs.resolve()}:{os.environ['PATH']}"
    stale = subprocess.run([root / "ci/guard-action.sh", "embed"], env={**os.environ, **check, "PATH": path}, check=False)
    if stale.returncode != 1:
        sys.exit(f"a stale snippet passed: exit status {stale.returncode}")
print("action: 4 steps passed; a wrong digest and a stale snippet are refused")
