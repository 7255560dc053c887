//! Kinds of networks and heads by name: built-in ones, and those that another crate registers.

use std::borrow::Cow;
use std::fmt::{self, Debug, Display, Formatter};
use std::ops::Deref;
use std::sync::{PoisonError, RwLock};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value, json};

use super::PolicyError;

/// What the registry needs of the specifications of a family, such as `dyn HeadSpec`.
pub trait KindSpec: Sync + 'static {
    /// The family in messages, such as `head`.
    const FAMILY: &'static str;

    /// The kinds of the family.
    fn registry() -> &'static Registry<Self>;

    /// Name and one line of documentation.
    fn entry(&self) -> (&'static str, &'static str);
}

/// The kinds of one family.
pub struct Registry<S: ?Sized + 'static> {
    built_in: &'static [&'static S],
    registered: RwLock<Vec<&'static S>>,
}

impl<S: KindSpec + ?Sized> Registry<S> {
    /// A registry of these kinds.
    pub(super) const fn new(built_in: &'static [&'static S]) -> Self {
        Self { built_in, registered: RwLock::new(Vec::new()) }
    }

    /// Add a kind.
    ///
    /// # Panics
    /// A kind of that name exists.
    pub(super) fn register(&self, spec: &'static S) {
        let (name, _) = spec.entry();
        let mut registered = self.registered.write().unwrap_or_else(PoisonError::into_inner);
        let known = self.built_in.iter().chain(registered.iter()).any(|known| known.entry().0 == name);
        if !known {
            registered.push(spec);
        }
        // The lock is released first: a panic would poison it.
        drop(registered);
        assert!(!known, "there is already a {} {name}", S::FAMILY);
    }

    fn kinds(&self) -> Vec<Kind<S>> {
        let registered = self.registered.read().unwrap_or_else(PoisonError::into_inner);
        self.built_in.iter().chain(registered.iter()).map(|spec| Kind(*spec)).collect()
    }
}

/// One kind of a family; in settings, its name. It dereferences to its specification.
pub struct Kind<S: ?Sized + 'static>(&'static S);

impl<S: ?Sized + 'static> Kind<S> {
    /// The kind with this specification. A policy of it can be loaded only where it is registered.
    pub const fn new(spec: &'static S) -> Self {
        Self(spec)
    }
}

impl<S: KindSpec + ?Sized> Kind<S> {
    /// All kinds, in the order of the documentation.
    pub fn all() -> Vec<Self> {
        S::registry().kinds()
    }

    /// The kind of a name.
    ///
    /// # Errors
    /// There is none; the message lists the names.
    pub fn find(name: &str) -> Result<Self, String> {
        let all = Self::all();
        all.iter().copied().find(|kind| kind.entry().0 == name).ok_or_else(|| {
            let names: Vec<&str> = all.iter().map(|kind| kind.entry().0).collect();
            format!("there is no {} {name}; there are {}", S::FAMILY, names.join(", "))
        })
    }
}

impl<S: ?Sized> Clone for Kind<S> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<S: ?Sized> Copy for Kind<S> {}

impl<S: ?Sized> Deref for Kind<S> {
    type Target = S;

    fn deref(&self) -> &S {
        self.0
    }
}

impl<S: KindSpec + ?Sized> PartialEq for Kind<S> {
    fn eq(&self, other: &Self) -> bool {
        self.entry().0 == other.entry().0
    }
}

impl<S: KindSpec + ?Sized> Eq for Kind<S> {}

impl<S: KindSpec + ?Sized> Debug for Kind<S> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(self.entry().0)
    }
}

impl<S: KindSpec + ?Sized> Display for Kind<S> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(self.entry().0)
    }
}

impl<S: KindSpec + ?Sized> Serialize for Kind<S> {
    fn serialize<T: Serializer>(&self, serializer: T) -> Result<T::Ok, T::Error> {
        serializer.serialize_str(self.entry().0)
    }
}

impl<'de, S: KindSpec + ?Sized> Deserialize<'de> for Kind<S> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::find(&String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

impl<S: KindSpec + ?Sized> JsonSchema for Kind<S> {
    fn schema_name() -> Cow<'static, str> {
        Cow::Owned(format!("kind of {}", S::FAMILY))
    }

    /// The names with their documentation, as for an enum.
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let choices = Self::all().into_iter().map(|kind| {
            let (name, about) = kind.entry();
            json!({ "type": "string", "const": name, "description": about })
        });
        json_schema!({ "oneOf": choices.collect::<Vec<Value>>() })
    }
}

/// The settings of a kind that has none of its own.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NoSettings {}

/// Settings of a kind from another crate, from its table `extra`.
pub(super) fn parse_extra<T: DeserializeOwned>(section: &str, extra: &Map<String, Value>) -> Result<T, PolicyError> {
    serde_json::from_value(Value::Object(extra.clone()))
        .map_err(|error| PolicyError::Network { message: format!("{section}.extra: {error}") })
}
