//! A task in a scene file: `Slalom(reach: 6.0)`, the name of a kind and its parameters.

use std::fmt;
use std::sync::Arc;

use serde::de::{DeserializeSeed, Deserializer, EnumAccess, Error, VariantAccess, Visitor};
use serde::{Deserialize, forward_to_deserialize_any};

use super::kind::TaskKind;
use super::registry::{Entry, find, task_names};

/// A task of a scene: a kind of the registry with its parameters. Serde reads it as an enum whose variants are the kinds.
#[derive(Clone, Debug)]
pub struct TaskSpecification {
    /// Name of the kind.
    pub name: &'static str,
    /// The kind with its parameters.
    pub kind: Arc<dyn TaskKind>,
}

impl<'de> Deserialize<'de> for TaskSpecification {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_enum("Task", &[], TaskVisitor)
    }
}

struct TaskVisitor;

impl<'de> Visitor<'de> for TaskVisitor {
    type Value = TaskSpecification;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a task with its parameters")
    }

    fn visit_enum<A: EnumAccess<'de>>(self, data: A) -> Result<Self::Value, A::Error> {
        let (entry, variant) = data.variant_seed(NameSeed)?;
        let mut parameters = <dyn erased_serde::Deserializer<'_>>::erase(Parameters(variant));
        let kind = (entry.read)(&mut parameters).map_err(A::Error::custom)?;
        Ok(TaskSpecification { name: entry.name, kind })
    }
}

/// Reads the name of a kind.
struct NameSeed;

impl<'de> DeserializeSeed<'de> for NameSeed {
    type Value = Entry;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Entry, D::Error> {
        deserializer.deserialize_identifier(self)
    }
}

impl Visitor<'_> for NameSeed {
    type Value = Entry;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a task")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Entry, E> {
        find(name).ok_or_else(|| E::custom(format!("unknown task `{name}`; there are {}", task_names().join(", "))))
    }
}

/// The parameters of an enum variant, as a deserializer of the struct that holds them.
struct Parameters<A>(A);

impl<'de, A: VariantAccess<'de>> Deserializer<'de> for Parameters<A> {
    type Error = A::Error;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, A::Error> {
        Err(A::Error::custom("the parameters of a task must be a struct with named fields"))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, A::Error> {
        self.0.struct_variant(fields, visitor)
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, A::Error> {
        self.0.unit_variant()?;
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit newtype_struct
        seq tuple tuple_struct map enum identifier ignored_any
    }
}
