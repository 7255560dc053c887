//! Locks on files: one that is let go of in a moment is waited for, one that is held is not.

use std::fs::{File, TryLockError};
use std::time::Duration;

use apprentice::demos::lock_soon;

#[test]
fn a_lock_that_is_let_go_of_is_waited_for() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(".lock");
    let held = File::create(&path).unwrap();
    held.try_lock().unwrap();
    // As a process that is being started has it: the same open file once more.
    let copy = held.try_clone().unwrap();
    drop(held);
    let starting = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(60));
        drop(copy);
    });
    lock_soon(&File::open(&path).unwrap()).expect("the lock");
    starting.join().unwrap();
}

#[test]
fn a_lock_that_is_held_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(".lock");
    let held = File::create(&path).unwrap();
    held.try_lock().unwrap();
    assert!(matches!(lock_soon(&File::open(&path).unwrap()), Err(TryLockError::WouldBlock)));
}
