//! The handler of Ctrl-C.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::exit::print_error;

/// A flag that Ctrl-C or a termination signal sets. A second Ctrl-C exits at once.
pub fn on_interrupt() -> Arc<AtomicBool> {
    let flag = Arc::new(AtomicBool::new(false));
    let handler_flag = flag.clone();
    let installed = ctrlc::set_handler(move || {
        if handler_flag.swap(true, Ordering::Relaxed) {
            std::process::exit(130);
        }
        // In a thread of its own: a stderr that nobody reads would block the handler, and with it the next signal.
        let message = || print_error("\nstopping; press Ctrl-C again to stop at once");
        drop(std::thread::Builder::new().spawn(message));
    });
    if let Err(error) = installed {
        bevy::log::warn!("Ctrl-C will exit at once, without saving: {error}");
    }
    flag
}
