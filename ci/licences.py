#!/usr/bin/env python3
"""Writes to stdout what a release owes to the authors of what is linked into it: every crate with its version, its
licence and the texts that it brings. `ci/licences.py TARGET`. A crate without a licence is an error."""
import json
import pathlib
import subprocess
import sys

PROGRAMS = ["zk-ceremony", "zk-embed"]
TEXTS = ("license", "licence", "copying", "notice", "copyright", "unlicense")

target = sys.argv[1]
metadata = json.loads(
    subprocess.run(
        ["cargo", "metadata", "--locked", "--format-version=1", f"--filter-platform={target}"],
        check=True,
        stdout=subprocess.PIPE,
    ).stdout
)
packages = {package["id"]: package for package in metadata["packages"]}
nodes = {node["id"]: node for node in metadata["resolve"]["nodes"]}


def is_macro(package):
    """Runs in the compiler and is not linked."""
    return any("proc-macro" in it["kind"] for it in package["targets"])


linked = set()
todo = [key for key, package in packages.items() if package["name"] in PROGRAMS and package["source"] is None]
while todo:
    key = todo.pop()
    if key in linked or is_macro(packages[key]):
        continue
    linked.add(key)
    for dependency in nodes[key]["deps"]:
        if any(kind["kind"] is None for kind in dependency["dep_kinds"]):
            todo.append(dependency["pkg"])

foreign = sorted(
    (packages[key] for key in linked if packages[key]["source"] is not None),
    key=lambda package: (package["name"], package["version"]),
)
texts = {}
print("What is linked into zk-ceremony and zk-embed, with its licences. Texts follow the list.\n")
for package in foreign:
    licence = package["license"] or package["license_file"]
    if not licence:
        sys.exit(f"{package['name']} {package['version']} names no licence")
    print(f"{package['name']} {package['version']}: {licence}")
    folder = pathlib.Path(package["manifest_path"]).parent
    for file in sorted(folder.iterdir()):
        if file.is_file() and file.name.lower().startswith(TEXTS):
            text = file.read_text(encoding="utf-8", errors="replace").replace("\r\n", "\n").strip()
            texts.setdefault(text, []).append(f"{package['name']} {package['version']} ({file.name})")
for text, owners in texts.items():
    print(f"\n{'=' * 100}\n{', '.join(owners)}\n{'-' * 100}\n{text}")
