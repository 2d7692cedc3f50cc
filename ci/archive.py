#!/usr/bin/env python3
"""Packs a release's archive, the same bytes for the same contents: `ci/archive.py TAG TARGET PROGRAMS [SBOM...]`.

PROGRAMS is a folder with the two programs, as `ci/dist.sh` and `ci/rebuild.sh` write it. Into the archive go, next to
them, man pages and completions (which zk-ceremony writes itself), licences, those of dependencies too, and the lists of
components. Writes zk-ceremony-TAG-TARGET.tar.gz (or .zip for Windows) and the bare programs, NAME-TAG-TARGET, into
target/release-files, and prints their names."""
import gzip
import io
import pathlib
import subprocess
import sys
import tarfile
import tempfile
import zipfile

tag, target, programs = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3])
boms = [pathlib.Path(name) for name in sys.argv[4:]]
root = pathlib.Path(__file__).resolve().parent.parent
windows = "windows" in target
ending = ".exe" if windows else ""
program = (programs / f"zk-ceremony{ending}").resolve()
out = root / "target" / "release-files"
out.mkdir(parents=True, exist_ok=True)

files = {}
for name in ["zk-ceremony", "zk-embed"]:
    files[f"{name}{ending}"] = ((programs / f"{name}{ending}").read_bytes(), 0o755)
for name in ["README.md", "CHANGELOG.md", "RUNBOOK.md", "SECURITY.md", "LICENSE-MIT", "LICENSE-APACHE"]:
    files[name] = ((root / name).read_bytes(), 0o644)
listed = subprocess.run([sys.executable, root / "ci/licences.py", target], check=True, cwd=root, stdout=subprocess.PIPE)
files["THIRD-PARTY-LICENCES.txt"] = (listed.stdout.replace(b"\r\n", b"\n"), 0o644)
for bom in boms:
    files[f"sbom/{bom.name}"] = (bom.read_bytes(), 0o644)
shells = {"bash": "zk-ceremony.bash", "zsh": "_zk-ceremony", "fish": "zk-ceremony.fish", "powershell": "_zk-ceremony.ps1"}
for shell, name in shells.items():
    script = subprocess.run([program, "completions", shell], check=True, stdout=subprocess.PIPE).stdout
    files[f"completions/{name}"] = (script, 0o644)
with tempfile.TemporaryDirectory() as folder:
    subprocess.run([program, "man", folder], check=True, stdout=subprocess.DEVNULL)
    for page in sorted(pathlib.Path(folder).iterdir()):
        files[f"man/{page.name}"] = (page.read_bytes(), 0o644)
    if not any(name.startswith("man/") for name in files):
        sys.exit("zk-ceremony man wrote no page")

stem = f"zk-ceremony-{tag}-{target}"
if windows:
    archive = out / f"{stem}.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, (data, mode) in sorted(files.items()):
            entry = zipfile.ZipInfo(f"{stem}/{name}")
            entry.external_attr, entry.compress_type = mode << 16, zipfile.ZIP_DEFLATED
            packed.writestr(entry, data)
else:
    archive = out / f"{stem}.tar.gz"
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w", format=tarfile.USTAR_FORMAT) as packed:
        for name, (data, mode) in sorted(files.items()):
            entry = tarfile.TarInfo(f"{stem}/{name}")
            entry.size, entry.mode = len(data), mode
            packed.addfile(entry, io.BytesIO(data))
    with open(archive, "wb") as file, gzip.GzipFile("", "wb", 9, file, mtime=0) as packed:
        packed.write(plain.getvalue())
print(archive)
for name in ["zk-ceremony", "zk-embed"]:
    bare = out / f"{name}-{tag}-{target}{ending}"
    bare.write_bytes(files[f"{name}{ending}"][0])
    bare.chmod(0o755)
    print(bare)
