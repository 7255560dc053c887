//! The `apprentice` program.

use std::process::ExitCode;

/// Physics steps allocate, and arenas are stepped by several threads: with the C library's allocator they wait for each
/// other's locks.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    apprentice::cli::run()
}
