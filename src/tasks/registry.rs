//! The kinds of tasks by name. A built-in task is one module and one line here; another crate adds its own with
//! [`register`].

use std::sync::{Arc, PoisonError, RwLock};

use serde::de::DeserializeOwned;

use super::kind::TaskKind;
use super::lap::Lap;
use super::park::Park;
use super::push::Push;
use super::reach::Reach;
use super::relay::Relay;
use super::slalom::Slalom;
use super::tag::Tag;

/// Reads the parameters of a task.
type ReadParameters = fn(&mut dyn erased_serde::Deserializer<'_>) -> Result<Arc<dyn TaskKind>, erased_serde::Error>;

/// A kind of task in the registry.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    /// Its name in scene files.
    pub name: &'static str,
    /// Reads its parameters.
    pub read: ReadParameters,
}

/// The built-in tasks.
static BUILT_IN: [Entry; 7] = [
    entry::<Lap>("Lap"),
    entry::<Slalom>("Slalom"),
    entry::<Park>("Park"),
    entry::<Reach>("Reach"),
    entry::<Relay>("Relay"),
    entry::<Tag>("Tag"),
    entry::<Push>("Push"),
];

static REGISTERED: RwLock<Vec<Entry>> = RwLock::new(Vec::new());

const fn entry<T: TaskKind + DeserializeOwned>(name: &'static str) -> Entry {
    Entry { name, read: |deserializer| Ok(Arc::new(erased_serde::deserialize::<T>(deserializer)?)) }
}

/// Add a task of another crate: scene files then know `task: NAME(...)`, with the fields of `T` as its parameters.
///
/// # Panics
/// A task of that name exists.
pub fn register<T: TaskKind + DeserializeOwned>(name: &'static str) {
    let mut registered = REGISTERED.write().unwrap_or_else(PoisonError::into_inner);
    assert!(BUILT_IN.iter().chain(registered.iter()).all(|known| known.name != name), "there is already a task {name}");
    registered.push(entry::<T>(name));
}

/// All kinds of tasks.
fn entries() -> Vec<Entry> {
    let registered = REGISTERED.read().unwrap_or_else(PoisonError::into_inner);
    BUILT_IN.iter().chain(registered.iter()).copied().collect()
}

/// Names of all kinds of tasks.
pub fn task_names() -> Vec<&'static str> {
    entries().iter().map(|entry| entry.name).collect()
}

/// The kind of a name.
pub(super) fn find(name: &str) -> Option<Entry> {
    entries().into_iter().find(|entry| entry.name == name)
}
