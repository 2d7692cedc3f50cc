#!/usr/bin/env bash
# Lists the components of the two programs, in CycloneDX's JSON: `ci/sbom.sh TARGET OUT` writes OUT/zk-ceremony.cdx.json and
# OUT/zk-embed.cdx.json. Gives the same bytes for the same commit.
set -euo pipefail
cd "$(dirname "$0")/.."
[ $# = 2 ] || { echo "usage: ci/sbom.sh TARGET OUT" >&2; exit 2; }
cargo cyclonedx --version >/dev/null 2>&1 || cargo install --locked cargo-cyclonedx@0.5.9
mkdir -p "$2"
# With a time of the commit's there is no serial number, which would be drawn at random.
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
export SOURCE_DATE_EPOCH
# It writes next to each crate's Cargo.toml.
cargo cyclonedx --quiet --format json --spec-version 1.5 --target "$1" --override-filename bom.cdx
for program in zk-ceremony zk-embed; do
    mv "$program/bom.cdx.json" "$2/$program.cdx.json"
done
git ls-files --others --exclude-standard -- '*bom.cdx.json' | xargs -r rm
