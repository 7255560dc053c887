//! Linker options that reduce the size of the program by a fifth. Each is tested first: not every linker supports them,
//! and not every C library can load the result.

use std::env;
use std::path::Path;
use std::process::{Command, Stdio};

/// Identical code folding (functions with the same machine code are merged), and relative relocations packed as a bitmap
/// (RELR, supported by glibc since 2.36).
const OPTIONS: [&str; 2] = ["-Wl,--icf=all", "-Wl,-z,pack-relative-relocs"];

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    // The test program must run on the host, so cross-compilation is excluded.
    let native = env::var("HOST").is_ok_and(|host| env::var("TARGET").is_ok_and(|target| target == host));
    if !native || env::var("CARGO_CFG_TARGET_OS").is_ok_and(|os| os != "linux") {
        return;
    }
    for option in OPTIONS {
        if links_and_runs(option).unwrap_or(false) {
            println!("cargo::rustc-link-arg-bins={option}");
        }
    }
}

/// Whether a program linked with `option` and this build's other options starts.
fn links_and_runs(option: &str) -> Result<bool, Box<dyn std::error::Error>> {
    let out = env::var("OUT_DIR")?;
    let (source, program) = (Path::new(&out).join("linker_test.rs"), Path::new(&out).join("linker_test"));
    std::fs::write(&source, "fn main() {}")?;
    let mut compiler = Command::new(env::var("RUSTC")?);
    compiler.arg(&source).arg("-o").arg(&program).arg(format!("-Clink-arg={option}"));
    if let Ok(linker) = env::var("RUSTC_LINKER") {
        compiler.arg(format!("-Clinker={linker}"));
    }
    let flags = env::var("CARGO_ENCODED_RUSTFLAGS").unwrap_or_default();
    compiler.args(flags.split('\u{1f}').filter(|flag| !flag.is_empty()));
    let quiet = |command: &mut Command| command.stdout(Stdio::null()).stderr(Stdio::null()).status();
    Ok(quiet(&mut compiler)?.success() && quiet(&mut Command::new(&program))?.success())
}
