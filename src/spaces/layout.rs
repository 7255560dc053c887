//! Layouts: the meaning of each element of an observation or action vector.

use std::fmt;
use std::ops::Range;

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

/// A named group of consecutive elements with the same unit and bounds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Field {
    /// Name, unique in the layout.
    pub name: String,
    /// Number of elements.
    pub size: usize,
    /// SI unit; `1` for a dimensionless quantity.
    pub unit: String,
    /// Lower bound; smaller values are clamped.
    pub low: f32,
    /// Upper bound; greater values are clamped.
    pub high: f32,
    /// Rows and columns of an image in row-major order; `None` for a plain vector.
    #[serde(default)]
    pub image: Option<(usize, usize)>,
}

impl Field {
    /// A field of `size` elements between `low` and `high`.
    pub fn new(name: impl Into<String>, size: usize, unit: impl Into<String>, low: f32, high: f32) -> Self {
        Self { name: name.into(), size, unit: unit.into(), low, high, image: None }
    }

    /// An image of `rows` times `columns` elements between `low` and `high`.
    pub fn image(
        name: impl Into<String>,
        (rows, columns): (usize, usize),
        unit: impl Into<String>,
        low: f32,
        high: f32,
    ) -> Self {
        Self { image: Some((rows, columns)), ..Self::new(name, rows * columns, unit, low, high) }
    }
}

/// The fields of an observation or action vector, in order. Two vectors are compatible when the hashes of their layouts
/// are equal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Layout {
    /// Name of the layout, such as `vehicle/observation`.
    pub name: String,
    /// The fields in order.
    pub fields: Vec<Field>,
}

impl Layout {
    /// A layout of `fields`.
    ///
    /// # Panics
    /// When two fields have the same name, a field is empty, a bound is not finite, or the lower bound is not below the upper.
    pub fn new(name: impl Into<String>, fields: Vec<Field>) -> Self {
        let name = name.into();
        for (i, field) in fields.iter().enumerate() {
            assert!(field.size > 0, "{name}: field {} is empty", field.name);
            assert!(
                field.low.is_finite() && field.high.is_finite() && field.low < field.high,
                "{name}: field {} has bounds {}..{}",
                field.name,
                field.low,
                field.high
            );
            assert!(
                fields[..i].iter().all(|other| other.name != field.name),
                "{name}: field {} appears twice",
                field.name
            );
        }
        Self { name, fields }
    }

    /// Number of elements of the vector.
    pub fn size(&self) -> usize {
        self.fields.iter().map(|f| f.size).sum()
    }

    /// Indices of a field's elements; `None` when there is no such field.
    pub fn range(&self, name: &str) -> Option<Range<usize>> {
        let mut start = 0;
        for field in &self.fields {
            if field.name == name {
                return Some(start..start + field.size);
            }
            start += field.size;
        }
        None
    }

    /// Index in this layout of each element of `wanted`.
    ///
    /// # Errors
    /// The fields of `wanted` that this layout lacks or has with another size, unit or bound.
    pub fn columns_of(&self, wanted: &Layout) -> Result<Vec<usize>, Vec<LayoutDifference>> {
        let (mut columns, mut differences) = (Vec::new(), Vec::new());
        for field in &wanted.fields {
            match self.fields.iter().find(|own| own.name == field.name) {
                None => differences.push(LayoutDifference::Unknown(field.clone())),
                Some(own) if own != field => {
                    differences.push(LayoutDifference::Changed { wanted: own.clone(), found: field.clone() });
                }
                Some(own) => columns.extend(self.range(&own.name).into_iter().flatten()),
            }
        }
        if differences.is_empty() { Ok(columns) } else { Err(differences) }
    }

    /// The fields that `patterns` select: a field's name, or a prefix followed by `*`.
    ///
    /// # Errors
    /// A message with the first pattern that matches no field.
    pub fn fields_matching(&self, patterns: &[String]) -> Result<Vec<&Field>, String> {
        let matches = |pattern: &String, field: &Field| match pattern.strip_suffix('*') {
            Some(prefix) => field.name.starts_with(prefix),
            None => field.name == *pattern,
        };
        if let Some(unknown) = patterns.iter().find(|pattern| !self.fields.iter().any(|field| matches(pattern, field)))
        {
            let known: Vec<&str> = self.fields.iter().map(|f| f.name.as_str()).collect();
            return Err(format!("there is no field `{unknown}`; there are {}", known.join(", ")));
        }
        Ok(self.fields.iter().filter(|field| patterns.iter().any(|pattern| matches(pattern, field))).collect())
    }

    /// The layout without the fields that match the patterns `excluded` (see [`Layout::fields_matching`]).
    ///
    /// # Errors
    /// A message with the first pattern that matches no field, or when no field would remain.
    pub fn without(&self, excluded: &[String]) -> Result<Self, String> {
        let excluded = self.fields_matching(excluded)?;
        let fields: Vec<Field> = self.fields.iter().filter(|field| !excluded.contains(field)).cloned().collect();
        if fields.is_empty() {
            return Err("no field would remain".into());
        }
        Ok(Self { name: self.name.clone(), fields })
    }

    /// Name of each element: the field's, followed by `.i` for a field of several elements.
    pub fn names(&self) -> Vec<String> {
        self.fields
            .iter()
            .flat_map(|f| {
                (0..f.size).map(move |i| if f.size == 1 { f.name.clone() } else { format!("{}.{i}", f.name) })
            })
            .collect()
    }

    /// Lower and upper bound of each element.
    pub fn bounds(&self) -> impl Iterator<Item = (f32, f32)> + '_ {
        self.fields.iter().flat_map(|f| std::iter::repeat_n((f.low, f.high), f.size))
    }

    /// Clamp each element to its bounds; NaN becomes the middle of the bounds.
    pub fn clamp(&self, values: &mut [f32]) {
        for (value, (low, high)) in values.iter_mut().zip(self.bounds()) {
            *value = if value.is_nan() { f32::midpoint(low, high) } else { value.clamp(low, high) };
        }
    }

    /// Hash (XXH3, 64 bits) of names, sizes, units and bounds.
    pub fn hash(&self) -> u64 {
        let mut text = self.name.clone();
        for f in &self.fields {
            text.push_str(&format!(
                "\n{}\t{}\t{}\t{:08x}\t{:08x}",
                f.name,
                f.size,
                f.unit,
                f.low.to_bits(),
                f.high.to_bits()
            ));
            if let Some((rows, columns)) = f.image {
                text.push_str(&format!("\t{rows}x{columns}"));
            }
        }
        xxh3_64(text.as_bytes())
    }

    /// The differences between this layout and `found`; empty when they are compatible.
    pub fn differences(&self, found: &Layout) -> Vec<LayoutDifference> {
        let mut out = Vec::new();
        for field in &self.fields {
            match found.fields.iter().find(|f| f.name == field.name) {
                None => out.push(LayoutDifference::Missing(field.clone())),
                Some(other) if other != field => {
                    out.push(LayoutDifference::Changed { wanted: field.clone(), found: other.clone() });
                }
                Some(_) => {}
            }
        }
        for field in &found.fields {
            if !self.fields.iter().any(|f| f.name == field.name) {
                out.push(LayoutDifference::Unknown(field.clone()));
            }
        }
        if out.is_empty() && self.fields != found.fields {
            out.push(LayoutDifference::Order);
        }
        out
    }
}

/// One difference between two layouts.
#[derive(Clone, Debug, PartialEq)]
pub enum LayoutDifference {
    /// The other layout lacks this field.
    Missing(Field),
    /// The other layout has a field that this one lacks.
    Unknown(Field),
    /// Both have the field, with another size, unit or bound.
    Changed {
        /// The field in this layout.
        wanted: Field,
        /// The field in the other layout.
        found: Field,
    },
    /// The same fields in another order.
    Order,
}

impl fmt::Display for LayoutDifference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = |x: &Field| format!("{}[{}] in {} within {}..{}", x.name, x.size, x.unit, x.low, x.high);
        match self {
            Self::Missing(field) => write!(f, "lacks {}", text(field)),
            Self::Unknown(field) => write!(f, "has {}, which the agent lacks", text(field)),
            Self::Changed { wanted, found } => write!(f, "has {} where the agent has {}", text(found), text(wanted)),
            Self::Order => write!(f, "has the same fields in another order"),
        }
    }
}

/// The levels of an action element that is controlled by keys: its two bounds, and 0 when it is between them.
pub fn key_levels((low, high): (f32, f32)) -> Vec<f32> {
    if low < 0.0 && high > 0.0 { vec![low, 0.0, high] } else { vec![low, high] }
}
