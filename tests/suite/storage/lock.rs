//! File locks: one that is released soon is acquired, one that is held is refused, and nothing is written through a link.

use std::fs::{self, File, TryLockError};
use std::time::Duration;

use apprentice::storage::{LockError, LockFile, lock_with_retry};

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
    let held = LockFile::acquire(&path, Duration::ZERO).expect("the lock");
    assert!(matches!(lock_with_retry(&File::open(&path).unwrap()), Err(TryLockError::WouldBlock)));
    let holder = format!("process {}", std::process::id());
    match LockFile::acquire(&path, Duration::ZERO) {
        Err(LockError::Held { holder: found, .. }) => assert_eq!(found, holder),
        other => panic!("{other:?}"),
    }
    drop(held);
    LockFile::acquire(&path, Duration::ZERO).expect("the lock is free again");
}

#[cfg(unix)]
#[test]
fn a_lock_file_that_is_a_link_is_refused_and_its_target_unchanged() {
    let dir = tempfile::tempdir().unwrap();
    let (own, missing, path) = (dir.path().join("thesis.txt"), dir.path().join("missing"), dir.path().join(".lock"));
    for target in [&own, &missing, &dir.path().to_path_buf()] {
        fs::write(&own, "years of work").unwrap();
        std::os::unix::fs::symlink(target, &path).unwrap();
        assert!(matches!(LockFile::acquire(&path, Duration::ZERO), Err(LockError::NotAFile { .. })), "{target:?}");
        assert_eq!(fs::read_to_string(&own).unwrap(), "years of work");
        assert!(!missing.exists(), "a dangling link creates no file");
        fs::remove_file(&path).unwrap();
    }
    for contents in ["years of work", ""] {
        fs::write(&own, contents).unwrap();
        fs::hard_link(&own, &path).unwrap();
        let lock = LockFile::acquire(&path, Duration::ZERO);
        assert!(lock.is_ok(), "{lock:?}");
        assert_eq!(fs::read_to_string(&own).unwrap(), contents, "a hard link is locked, but not written");
        fs::remove_file(&path).unwrap();
    }
}

#[test]
fn a_file_that_the_program_did_not_write_keeps_its_contents() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(".lock");
    for contents in ["a person's notes", "123456789012345678901234567890"] {
        fs::write(&path, contents).unwrap();
        let lock = LockFile::acquire(&path, Duration::ZERO);
        assert!(lock.is_ok(), "{lock:?}");
        drop(lock);
        assert_eq!(fs::read_to_string(&path).unwrap(), contents);
    }
}
