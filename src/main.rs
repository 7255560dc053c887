//! The `apprentice` program.

use std::process::ExitCode;

/// Physics steps allocate, and several threads step arenas: the C library's allocator would serialize them on its lock.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    apprentice::cli::run()
}
