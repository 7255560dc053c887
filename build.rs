//! Options for the linker, which make the program a fifth smaller. Each is taken where a trial shows that it works: not
//! every linker knows them, and not every C library starts what they make.

use std::env;
use std::path::Path;
use std::process::{Command, Stdio};

/// One copy of functions that compile to the same instructions; addresses to be adjusted at the start as a bitmap
/// instead of a list, which glibc reads from 2.36 on.
const OPTIONS: [&str; 2] = ["-Wl,--icf=all", "-Wl,-z,pack-relative-relocs"];

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    // Only what runs here can be tried here.
    let native = env::var("HOST").is_ok_and(|host| env::var("TARGET").is_ok_and(|target| target == host));
    if !native || env::var("CARGO_CFG_TARGET_OS").is_ok_and(|os| os != "linux") {
        return;
    }
    for option in OPTIONS {
        if works(option).unwrap_or(false) {
            println!("cargo::rustc-link-arg-bins={option}");
        }
    }
}

/// Whether a program that is linked with `option`, and else as this crate, starts.
fn works(option: &str) -> Result<bool, Box<dyn std::error::Error>> {
    let out = env::var("OUT_DIR")?;
    let (source, program) = (Path::new(&out).join("trial.rs"), Path::new(&out).join("trial"));
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
