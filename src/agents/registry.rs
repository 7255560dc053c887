//! The kinds of agents by name. A built-in kind is one folder and one line here; another crate adds its own with
//! [`register`].

use std::fmt;
use std::ops::Deref;
use std::sync::{Arc, PoisonError, RwLock};

use serde::de::value::MapAccessDeserializer;
use serde::de::{
    Deserialize, DeserializeOwned, DeserializeSeed, Deserializer, EnumAccess, Error, MapAccess, VariantAccess, Visitor,
};

use super::humanoid::HumanoidKind;
use super::kind::AgentKind;
use super::vehicle::VehicleKind;

/// The built-in kinds of agents.
static BUILT_IN: [AgentEntry; 2] =
    [AgentEntry::of::<VehicleKind>("Vehicle"), AgentEntry::of::<HumanoidKind>("Humanoid")];

static REGISTERED: RwLock<Vec<AgentEntry>> = RwLock::new(Vec::new());

type Read = fn(&mut dyn erased_serde::Deserializer<'_>) -> Result<Arc<dyn AgentKind>, erased_serde::Error>;

/// A kind of agent in the registry.
#[derive(Clone, Copy)]
pub struct AgentEntry {
    /// Name in scene files, such as `Vehicle`.
    variant: &'static str,
    /// The kind with its default parameters.
    default: fn() -> Arc<dyn AgentKind>,
    /// Reads the parameters.
    read: Read,
}

impl AgentEntry {
    /// The entry of the kind `K`, which scene files call `variant`. The file's parameters are the fields of `K`.
    pub const fn of<K: AgentKind + Default + DeserializeOwned>(variant: &'static str) -> Self {
        Self { variant, default: default::<K>, read: read::<K> }
    }
}

fn default<K: AgentKind + Default>() -> Arc<dyn AgentKind> {
    Arc::new(K::default())
}

fn read<K: AgentKind + DeserializeOwned>(
    deserializer: &mut dyn erased_serde::Deserializer<'_>,
) -> Result<Arc<dyn AgentKind>, erased_serde::Error> {
    Ok(Arc::new(erased_serde::deserialize::<K>(deserializer)?))
}

fn entries() -> Vec<AgentEntry> {
    let registered = REGISTERED.read().unwrap_or_else(PoisonError::into_inner);
    BUILT_IN.iter().chain(registered.iter()).copied().collect()
}

/// Add a kind of agent of another crate; scene files, [`find_agent`] and [`mirrors`](super::mirrors) then know it.
///
/// # Panics
/// A kind of that name exists.
pub fn register(entry: AgentEntry) {
    let name = (entry.default)().name();
    let is_new = |known: &AgentEntry| known.variant != entry.variant && (known.default)().name() != name;
    assert!(entries().iter().all(is_new), "there is already a kind of agent {name}");
    REGISTERED.write().unwrap_or_else(PoisonError::into_inner).push(entry);
}

/// The kind of agent of a name, such as `vehicle`, with its default parameters.
pub fn find_agent(name: &str) -> Option<Arc<dyn AgentKind>> {
    entries().iter().map(|entry| (entry.default)()).find(|kind| kind.name() == name)
}

/// A kind of agent with its parameters, as a scene file gives it: `Vehicle(car: (mass: 900.0))`.
#[derive(Clone, Debug)]
pub struct AgentSpecification(pub Arc<dyn AgentKind>);

impl Deref for AgentSpecification {
    type Target = dyn AgentKind;

    fn deref(&self) -> &dyn AgentKind {
        &*self.0
    }
}

impl<'de> Deserialize<'de> for AgentSpecification {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // The variants are only known at run time; self-describing formats such as RON do not need them.
        deserializer.deserialize_enum("AgentKind", &[], AgentVisitor)
    }
}

struct AgentVisitor;

impl<'de> Visitor<'de> for AgentVisitor {
    type Value = AgentSpecification;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a kind of agent with its parameters")
    }

    fn visit_enum<A: EnumAccess<'de>>(self, data: A) -> Result<AgentSpecification, A::Error> {
        let (entry, parameters) = data.variant_seed(EntryOfVariant)?;
        parameters.struct_variant(&[], ParametersVisitor(entry))
    }
}

/// Reads the name of a kind in a scene file.
struct EntryOfVariant;

impl<'de> DeserializeSeed<'de> for EntryOfVariant {
    type Value = AgentEntry;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<AgentEntry, D::Error> {
        deserializer.deserialize_identifier(self)
    }
}

impl Visitor<'_> for EntryOfVariant {
    type Value = AgentEntry;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a kind of agent")
    }

    fn visit_str<E: Error>(self, variant: &str) -> Result<AgentEntry, E> {
        let entries = entries();
        entries.iter().copied().find(|entry| entry.variant == variant).ok_or_else(|| {
            let known: Vec<&str> = entries.iter().map(|entry| entry.variant).collect();
            E::custom(format!("there is no kind of agent `{variant}`; there are {}", known.join(", ")))
        })
    }
}

/// Reads the parameters of a kind.
struct ParametersVisitor(AgentEntry);

impl<'de> Visitor<'de> for ParametersVisitor {
    type Value = AgentSpecification;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the parameters of a {}", self.0.variant)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<AgentSpecification, A::Error> {
        let mut parameters = <dyn erased_serde::Deserializer<'_>>::erase(MapAccessDeserializer::new(map));
        (self.0.read)(&mut parameters).map(AgentSpecification).map_err(A::Error::custom)
    }
}
