#!/usr/bin/env bash
# Drives the app with real key presses under Xvfb: records, discards, records again, trains, corrects the policy, trains
# again, and looks at what lies on disk.
# Needs Xvfb, xdotool and a Vulkan driver (Mesa's lavapipe will do). Usage: tests/window.sh
#   APPRENTICE  the binary (default: target/release/apprentice, or the same under CARGO_TARGET_DIR)
#   DISPLAY_NO  number of the display to start (default 97)
set -u
binary=${APPRENTICE:-${CARGO_TARGET_DIR:-target}/release/apprentice}
export DISPLAY=:${DISPLAY_NO:-97}
work=$(mktemp -d)
failed=0
app=
server=

finish() {
    [ -n "$app" ] && kill "$app" 2>/dev/null
    [ -n "$server" ] && kill "$server" 2>/dev/null
    rm -rf "$work"
}
trap finish EXIT

check() { # NAME COMMAND...
    local name=$1
    shift
    if "$@" >/dev/null 2>&1; then echo "ok    $name"; else echo "FAIL  $name"; failed=1; fi
}

# Waits up to a minute, or the given half seconds, for a line in the app's log. The frame rate may be low: nothing here
# depends on it.
said() { # LINE TIMES [HALF SECONDS]
    for _ in $(seq "${3:-120}"); do
        [ "$(grep -c -- "$1" "$work/log")" -ge "$2" ] && return 0
        sleep 0.5
    done
    return 1
}

drive() { # SECONDS
    xdotool keydown w
    sleep "$1"
    xdotool key --delay 2 a
    xdotool keyup w
}

Xvfb "$DISPLAY" -screen 0 960x540x24 >/dev/null 2>&1 &
server=$!
sleep 1
"$binary" play circuit --datasets "$work/ds" --runs "$work/runs" >"$work/out" 2>"$work/log" &
app=$!
window=
for _ in $(seq 120); do
    window=$(xdotool search --onlyvisible --name '^Apprentice' 2>/dev/null | head -n 1)
    [ -n "$window" ] && break
    sleep 0.5
done
check "a window opens" test -n "$window"
xdotool windowfocus "$window"
sleep 3

xdotool key r
check "R records" said 'recording$' 1
drive 3
xdotool key r
check "R again ends the episode" said 'Enter keeps it' 1
xdotool key Return
check "Enter keeps it" said 'kept as episode 0' 1

xdotool key r
said 'recording$' 2
drive 1
xdotool key r
said 'Enter keeps it' 2
xdotool key BackSpace
check "Backspace discards an episode" said 'discarded$' 1

xdotool key r
said 'recording$' 3
drive 2
xdotool key Return
check "Enter keeps an episode that still runs" said 'kept as episode 1' 1

# Correcting a policy: it learns, drives in a recorded episode, is taken over from twice, and learns again.
xdotool key t
check "T trains" said 'P hands over to the policy' 1 600
xdotool key n
xdotool key p
check "P hands over" said 'the policy drives' 1
xdotool key r
said 'recording$' 4
for time in 1 2; do
    sleep 2
    xdotool key p
    check "P takes over, time $time" said 'you drive' "$time"
    drive 2
    xdotool key p
    check "P gives back, time $time" said 'the policy drives' $((time + 1))
done
sleep 1
xdotool key Return
check "Enter keeps the corrected episode" said 'kept as episode 2' 1
xdotool key t
check "T trains again, on the corrections too" said 'P hands over to the policy' 2 600

xdotool key Escape
kill -TERM "$app"
wait "$app"
check "SIGTERM closes the app cleanly" test $? -eq 0
app=

check "nothing panicked" test "$(grep -ci panicked "$work/log")" -eq 0
"$binary" dataset info --json "$work/ds/circuit" >"$work/info" 2>>"$work/log"
corrected=$(grep -o '"interventions":[1-9][0-9]*' "$work/info" | wc -l)
check "the corrections are in one episode of the dataset" test "$corrected" -eq 1
"$binary" dataset check --json "$work/ds/circuit" >"$work/check" 2>>"$work/log"
check "every state happens again" grep -q '"diverged":0' "$work/check"
check "no journal is left" test ! -e "$work/ds/circuit/journal"
mkdir -p "$work/own/datasets/circuit/journal"
echo "what a crash left" >"$work/own/datasets/circuit/journal/episode"
(cd "$work/own" && find . -type f -exec sha256sum {} +) >"$work/before"
(cd "$work/own" && "$binary" bench program --json) >"$work/bench" 2>>"$work/log"
check "bench measures the first frame" grep -q first_frame "$work/bench"
(cd "$work/own" && find . -type f -exec sha256sum {} +) >"$work/after"
check "bench leaves the user's files alone" cmp -s "$work/before" "$work/after"
[ $failed -eq 0 ] || { echo "--- log"; tail -n 30 "$work/log"; cat "$work/info" "$work/check"; }
exit $failed
