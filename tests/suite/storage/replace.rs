//! Files and folders that are replaced whole: leftovers of killed writers are removed, a person's files are not, and new
//! files have the usual permissions.

use std::fs::{self, File};
use std::path::Path;
use std::time::{Duration, SystemTime};

use apprentice::storage::{NewFolder, remove_leftovers, replace_file};

fn names(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).expect("the folder can be listed");
    let mut names: Vec<_> = entries.map(|e| e.expect("an entry").file_name().into_string().expect("UTF-8")).collect();
    names.sort();
    names
}

/// Set the time of the last change to two hours ago.
fn age(path: &Path) {
    let two_hours = Duration::from_secs(2 * 3600);
    File::open(path).and_then(|file| file.set_modified(SystemTime::now() - two_hours)).expect("the time can be set");
}

#[test]
fn leftovers_that_nobody_holds_are_removed_and_other_files_kept() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let at = |name: &str| dir.path().join(name);
    for name in [".writing-0123456789abcdef", ".writing-aB3dE6", ".tmpaB3dE6", ".writing-0000000000000001"] {
        fs::write(at(name), "left").expect("writes");
        age(&at(name));
    }
    fs::create_dir_all(at(".writing-fedcba9876543210/weights")).expect("creates");
    let kept = [".tmpaBcDeF", ".tmpnotes", ".writing-", ".writing-my-thesis-draft", "best", "tmpaB3dE6"];
    for name in kept {
        fs::write(at(name), "a person's").expect("writes");
    }
    let held = File::open(at(".writing-0000000000000001")).expect("opens");
    held.try_lock().expect("the lock");
    remove_leftovers(dir.path());
    let mut expected = [&kept[..], &[".writing-0000000000000001"]].concat();
    expected.sort_unstable();
    assert_eq!(names(dir.path()), expected, "recent files of another program's name stay, too");
    drop(held);
    replace_file(&at("table.json"), b"{}").expect("writes");
    assert!(!at(".writing-0000000000000001").exists(), "each write removes leftovers");
}

#[test]
fn a_folder_being_written_is_not_a_leftover() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let new = NewFolder::create_in(dir.path()).expect("creates");
    fs::write(new.path().join("a"), "1").expect("writes");
    remove_leftovers(dir.path());
    assert_eq!(names(new.path()), ["a"]);
    new.rename(&dir.path().join("best")).expect("renames");
    assert_eq!(names(dir.path()), ["best"]);
    drop(NewFolder::create_in(dir.path()).expect("creates"));
    assert_eq!(names(dir.path()), ["best"], "a folder that got no name is removed");
}

#[cfg(unix)]
#[test]
fn new_files_and_folders_have_the_permissions_of_the_umask() {
    use std::os::unix::fs::PermissionsExt;
    let mode = |path: &Path| fs::metadata(path).expect("exists").permissions().mode() & 0o777;
    let dir = tempfile::tempdir().expect("a temporary folder");
    let (usual, usual_dir) = (dir.path().join("usual"), dir.path().join("usual-dir"));
    fs::write(&usual, "").expect("writes");
    fs::create_dir(&usual_dir).expect("creates");
    let (file, folder) = (dir.path().join("file"), dir.path().join("folder"));
    replace_file(&file, b"1").expect("writes");
    NewFolder::create_in(dir.path()).and_then(|new| new.rename(&folder)).expect("creates");
    assert_eq!((mode(&file), mode(&folder)), (mode(&usual), mode(&usual_dir)));
}

#[cfg(unix)]
#[test]
fn a_link_is_replaced_and_not_followed() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let (own, table) = (dir.path().join("thesis.txt"), dir.path().join("table.json"));
    fs::write(&own, "years of work").expect("writes");
    std::os::unix::fs::symlink(&own, &table).expect("links");
    replace_file(&table, b"{}").expect("writes");
    assert_eq!(fs::read_to_string(&own).expect("reads"), "years of work");
    assert_eq!(fs::read_to_string(&table).expect("reads"), "{}");
}
