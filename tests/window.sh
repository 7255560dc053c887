#!/usr/bin/env bash
# Tests the app with real key presses under Xvfb: recording, discarding, training, interventions, training on them, saves
# that fail, another keyboard layout, and the files on disk.
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

# Waits up to a minute, or the given number of half seconds, until the app's log has TIMES lines with PATTERN. The result
# does not depend on the frame rate, which may be low.
logged() { # PATTERN TIMES [HALF SECONDS]
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

open_app() { # DATASETS
    "$binary" play circuit --datasets "$1" --runs "$work/runs" >>"$work/out" 2>>"$work/log" &
    app=$!
    window=
    for _ in $(seq 120); do
        window=$(xdotool search --onlyvisible --name '^Apprentice' 2>/dev/null | head -n 1)
        [ -n "$window" ] && break
        sleep 0.5
    done
}

Xvfb "$DISPLAY" -screen 0 960x540x24 >/dev/null 2>&1 &
server=$!
sleep 1
open_app "$work/ds"
check "a window opens" test -n "$window"
xdotool windowfocus "$window"
sleep 3

xdotool key r
check "R records" logged 'recording$' 1
drive 3
xdotool key r
check "R again ends the episode" logged 'Enter keeps it' 1
xdotool key Return
check "Enter keeps it" logged 'kept as episode 0' 1

xdotool key r
logged 'recording$' 2
drive 1
xdotool key r
logged 'Enter keeps it' 2
xdotool key BackSpace
check "Backspace discards an episode" logged 'discarded$' 1

xdotool key r
logged 'recording$' 3
drive 2
xdotool key Return
check "Enter keeps an episode during the recording" logged 'kept as episode 1' 1

# Interventions: train a policy, let it drive in a recorded episode, take over twice, and train again.
xdotool key t
check "T trains" logged 'P hands over to the policy' 1 600
xdotool key n
xdotool key p
check "P hands over" logged 'the policy drives' 1
xdotool key r
logged 'recording$' 4
for time in 1 2; do
    sleep 2
    xdotool key p
    check "P takes over, time $time" logged 'you drive' "$time"
    drive 2
    xdotool key p
    check "P hands over again, time $time" logged 'the policy drives' $((time + 1))
done
sleep 1
xdotool key Return
check "Enter keeps the corrected episode" logged 'kept as episode 2' 1
xdotool key t
check "T trains again, on the corrections too" logged 'P hands over to the policy' 2 600

# The scene keeps its policy.
xdotool key Tab
sleep 1
xdotool key Return
sleep 1
xdotool key n
xdotool key p
check "its policy drives" logged 'the policy drives' 4
xdotool key p

# A save that fails: the episode stays until it is saved, here or elsewhere.
xdotool key r
check "R records once more" logged 'recording$' 5
drive 2
mv "$work/ds/circuit" "$work/aside"
touch "$work/ds/circuit"
xdotool key Return
check "a failing save keeps the episode" logged 'is not saved, and is still here' 1
xdotool key Return
check "a second attempt fails, too" logged 'is not saved, and is still here' 2
xdotool key f
sleep 1
xdotool type --delay 60 "$work/else"
sleep 1
xdotool key Return
check "another folder is chosen" logged "are now kept in $work/else/ds/circuit" 1
check "the episode is kept there" logged 'kept as episode 0; 1 in' 2
rm "$work/ds/circuit"
mv "$work/aside" "$work/ds/circuit"

# Commands go by the letter on the key, driving keys by their place.
setxkbmap dvorak
sleep 1
xdotool key r
check "r of another layout records" logged 'recording$' 6
xdotool keydown 25
sleep 2
xdotool keyup 25
xdotool key Return
check "and is kept" logged 'kept as episode 1; 2 in' 2
setxkbmap us

# A take without an answer: the next start asks.
xdotool key r
logged 'recording$' 7
drive 2
xdotool key r
logged 'Enter keeps it' 3
kill -TERM "$app"
wait "$app"
check "SIGTERM closes the app cleanly" test $? -eq 0
open_app "$work/else/ds"
xdotool windowfocus "$window"
check "the next start finds the take" logged '1 recovered take(s) wait for an answer' 1
sleep 3
xdotool key Return
check "and keeps it by word" logged 'are kept as episode 2' 1
kill -TERM "$app"
wait "$app"
check "SIGTERM closes the app cleanly again" test $? -eq 0
app=

check "nothing panicked" test "$(grep -ci panicked "$work/log")" -eq 0
"$binary" dataset info --json "$work/ds/circuit" >"$work/info" 2>>"$work/log"
corrected=$(grep -o '"interventions":[1-9][0-9]*' "$work/info" | wc -l)
check "the corrections are in one episode of the dataset" test "$corrected" -eq 1
"$binary" dataset check --json "$work/ds/circuit" >"$work/check" 2>>"$work/log"
check "the replay does not diverge" grep -q '"diverged_ticks":0' "$work/check"
rm -rf "$work/ds/circuit/journal"
check "the other dataset replays" "$binary" dataset check --json "$work/else/ds/circuit"
check "no journal remains" test ! -e "$work/else/ds/circuit/journal"
mkdir -p "$work/user/demos/circuit/journal"
echo "an interrupted recording" >"$work/user/demos/circuit/journal/episode"
(cd "$work/user" && find . -type f -exec sha256sum {} +) >"$work/before"
(cd "$work/user" && "$binary" bench program --json) >"$work/bench" 2>>"$work/log"
check "bench measures the first frame" grep -q first_frame "$work/bench"
(cd "$work/user" && find . -type f -exec sha256sum {} +) >"$work/after"
check "bench does not change the user's files" cmp -s "$work/before" "$work/after"
[ $failed -eq 0 ] || { echo "--- log"; tail -n 30 "$work/log"; cat "$work/info" "$work/check"; }
exit $failed
