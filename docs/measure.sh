#!/usr/bin/env bash
# The table of the README: bc with its default configuration on 20 steady episodes, 100 evaluation seeds, three training
# seeds.
# Usage: docs/measure.sh [SCENE]...    (APPRENTICE: the binary)
set -euo pipefail
binary=${APPRENTICE:-${CARGO_TARGET_DIR:-target}/release/apprentice}
scenes=("$@")
[ ${#scenes[@]} -gt 0 ] || scenes=(slalom parking courtyard crates stepping traffic)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
field() { sed -nE "s/.*\"$1\":([0-9.]+).*/\1/p"; }
echo "| scene | steady | bc, training seeds 0, 1, 2 |"
echo "|---|---|---|"
for scene in "${scenes[@]}"; do
    steady=$("$binary" eval --operator steady --scene "$scene" --json 2>/dev/null | field success_rate)
    row=""
    for seed in 0 1 2; do
        demos=$work/$scene-$seed-demos run=$work/$scene-$seed-run
        "$binary" record --scene "$scene" --operator steady --episodes 20 --seed "$seed" --dataset "$demos" --json >/dev/null 2>&1
        "$binary" train bc --dataset "$demos" --run "$run" --seed "$seed" --json >/dev/null 2>&1
        rate=$("$binary" eval --policy "$run" --scene "$scene" --seed "$seed" --json 2>/dev/null | field success_rate)
        row+="$(awk "BEGIN { printf \"%.0f %%\", 100 * $rate }"), "
    done
    echo "| \`$scene\` | $(awk "BEGIN { printf \"%.0f %%\", 100 * $steady }") | ${row%, } |"
done
