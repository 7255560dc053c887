#!/usr/bin/env bash
# A picture of each scene, in docs/scene-<name>.png. Needs Xvfb, xdotool, ImageMagick and a Vulkan driver.
# Usage: docs/screenshots.sh [SCENE]...    (APPRENTICE: the binary)
set -euo pipefail
cd "$(dirname "$0")/.."
binary=${APPRENTICE:-${CARGO_TARGET_DIR:-target}/release/apprentice}
scenes=("$@")
[ ${#scenes[@]} -gt 0 ] || scenes=(circuit slalom parking traffic courtyard crates stepping)
work=$(mktemp -d)
export DISPLAY=:95
Xvfb "$DISPLAY" -screen 0 1280x720x24 >/dev/null 2>&1 &
server=$!
trap 'kill $server; rm -rf "$work"' EXIT
sleep 1
for scene in "${scenes[@]}"; do
    "$binary" play "$scene" --datasets "$work/datasets" --runs "$work/runs" >/dev/null 2>&1 &
    app=$!
    window=
    until window=$(xdotool search --onlyvisible --name '^Apprentice' 2>/dev/null | head -n 1) && [ -n "$window" ]; do
        sleep 0.5
    done
    xdotool windowmove "$window" 0 0 windowsize "$window" 1280 720 windowfocus "$window"
    sleep 3
    xdotool key r
    sleep 1
    xdotool keydown w
    sleep 4
    import -window root -quality 90 "$work/shot.png"
    xdotool keyup w
    convert "$work/shot.png" -colors 256 "docs/scene-$scene.png"
    kill -TERM $app
    wait $app || true
done
