//! Files that the program writes in places that it names itself: locks, and files and folders that are replaced whole.
//!
//! Such a place may hold something else: a link that came with a copied folder, or the leftovers of a killed process.
//! Nothing here writes through a link, and the next writer of a folder removes the leftovers that nobody holds.

mod lock;
mod replace;

pub use lock::{LockError, LockFile, is_open_at, lock_with_retry};
pub use replace::{NewFolder, remove_leftovers, replace_file, sync_folder};
