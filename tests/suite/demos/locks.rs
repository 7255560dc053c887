//! File locks: `lock_with_retry` waits for a lock that is released within 300 ms, and gives up on one that is held longer.

use std::fs::{File, TryLockError};
use std::time::Duration;

use apprentice::demos::lock_with_retry;

#[test]
fn a_lock_that_is_released_soon_is_acquired() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(".lock");
    let held = File::create(&path).unwrap();
    held.try_lock().unwrap();
    // A child process between `fork` and `exec` holds such a copy of the open file.
    let copy = held.try_clone().unwrap();
    drop(held);
    let child = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(60));
        drop(copy);
    });
    lock_with_retry(&File::open(&path).unwrap()).expect("the lock");
    child.join().unwrap();
}

#[test]
fn a_lock_that_is_held_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(".lock");
    let held = File::create(&path).unwrap();
    held.try_lock().unwrap();
    assert!(matches!(lock_with_retry(&File::open(&path).unwrap()), Err(TryLockError::WouldBlock)));
}
