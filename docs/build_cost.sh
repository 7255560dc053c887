#!/usr/bin/env bash
# Build cost: time of a clean build, number of crates, and size of the stripped program, for the default and the headless
# build. Takes as long as two clean builds. Usage: docs/build_cost.sh
set -euo pipefail
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# The number of packages of a build, including those of build scripts and macros.
crates() { cargo tree --prefix none -e normal,build --format '{p}' "$@" | sed 's/ (\*)$//' | sort -u | wc -l; }
echo "| build | clean build | budget | crates | program, stripped | budget |"
echo "|---|---|---|---|---|---|"
for kind in default headless; do
    flags=() minutes=25 budget=90
    if [ "$kind" = headless ]; then flags=(--no-default-features --features cli) minutes=10; fi
    start=$SECONDS
    CARGO_TARGET_DIR=$work/$kind cargo build --release --quiet "${flags[@]}"
    took=$((SECONDS - start))
    strip -o "$work/stripped" "$work/$kind/release/apprentice"
    size=$(awk -v bytes="$(wc -c <"$work/stripped")" 'BEGIN { printf "%.1f", bytes / 1000000 }')
    echo "| $kind | $((took / 60)) min $((took % 60)) s | $minutes min | $(crates "${flags[@]}") | $size MB | $budget MB |"
    rm -rf "${work:?}/$kind"
done
