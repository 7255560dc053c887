//! Options for the linker, which make the program a fifth smaller.

use std::env;
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=CARGO_ENCODED_RUSTFLAGS");
    let is = |key: &str, value: &str| env::var(key).is_ok_and(|found| found == value);
    let usual = is("CARGO_CFG_TARGET_OS", "linux")
        && is("CARGO_CFG_TARGET_ENV", "gnu")
        && is("CARGO_CFG_TARGET_ARCH", "x86_64");
    // Rust's own linker there is lld, which knows these options; another one that somebody chose may not.
    let flags = env::var("CARGO_ENCODED_RUSTFLAGS").unwrap_or_default();
    if !usual || flags.contains("fuse-ld") || flags.contains("linker") {
        return;
    }
    // One copy of functions that compile to the same instructions.
    println!("cargo::rustc-link-arg-bins=-Wl,--icf=all");
    // Addresses to be adjusted at the start as a bitmap instead of a list.
    if glibc().is_some_and(|version| version >= (2, 36)) {
        println!("cargo::rustc-link-arg-bins=-Wl,-z,pack-relative-relocs");
    }
}

/// The version of this machine's C library: an older one than 2.36 cannot read the bitmap.
fn glibc() -> Option<(u32, u32)> {
    let output = Command::new("getconf").arg("GNU_LIBC_VERSION").output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let (major, minor) = text.trim().strip_prefix("glibc ")?.split_once('.')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}
