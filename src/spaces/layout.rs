//! What the numbers of an observation or action vector mean.

use std::fmt;
use std::ops::Range;

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

/// One named group of consecutive numbers with the same unit and bounds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Field {
    /// Name, unique in its layout.
    pub name: String,
    /// How many numbers.
    pub size: usize,
    /// SI unit, or `1` for a ratio.
    pub unit: String,
    /// Smallest value; what is below is clamped.
    pub low: f32,
    /// Largest value; what is above is clamped.
    pub high: f32,
    /// Rows and columns of an image, whose numbers stand row by row; `None` for a plain list.
    #[serde(default)]
    pub image: Option<(usize, usize)>,
}

impl Field {
    /// A field of `size` numbers between `low` and `high`.
    pub fn new(name: impl Into<String>, size: usize, unit: impl Into<String>, low: f32, high: f32) -> Self {
        Self { name: name.into(), size, unit: unit.into(), low, high, image: None }
    }

    /// A field of `rows` times `columns` numbers between `low` and `high`.
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

/// The fields of an observation or action vector, in order. Two vectors fit each other when their layouts' hashes are
/// equal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Layout {
    /// What the vector is, such as `vehicle/observation`.
    pub name: String,
    /// The fields in order.
    pub fields: Vec<Field>,
}

impl Layout {
    /// A layout of `fields`.
    ///
    /// # Panics
    /// When two fields share a name, a field is empty, or a bound is not finite or not below the other.
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

    /// How many numbers the vector has.
    pub fn size(&self) -> usize {
        self.fields.iter().map(|f| f.size).sum()
    }

    /// Where a field's numbers stand.
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

    /// Where each number of `wanted` stands in this layout.
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

    /// The fields that `names` name; a name that ends in `*` means all fields that begin so.
    ///
    /// # Errors
    /// The first name that no field has.
    pub fn named(&self, names: &[String]) -> Result<Vec<&Field>, String> {
        let means = |name: &String, field: &Field| match name.strip_suffix('*') {
            Some(start) => field.name.starts_with(start),
            None => field.name == *name,
        };
        if let Some(unknown) = names.iter().find(|name| !self.fields.iter().any(|field| means(name, field))) {
            let known: Vec<&str> = self.fields.iter().map(|f| f.name.as_str()).collect();
            return Err(format!("no field is called {unknown}; there are {}", known.join(", ")));
        }
        Ok(self.fields.iter().filter(|field| names.iter().any(|name| means(name, field))).collect())
    }

    /// The layout without the fields that `hidden` names, as [`Layout::named`] understands them.
    ///
    /// # Errors
    /// The first name that no field has, or that nothing would be left.
    pub fn without(&self, hidden: &[String]) -> Result<Self, String> {
        let hidden = self.named(hidden)?;
        let fields: Vec<Field> = self.fields.iter().filter(|field| !hidden.contains(field)).cloned().collect();
        if fields.is_empty() {
            return Err("nothing would be left".into());
        }
        Ok(Self { name: self.name.clone(), fields })
    }

    /// A name for each number: the field's, with `.i` added where it has several.
    pub fn names(&self) -> Vec<String> {
        self.fields
            .iter()
            .flat_map(|f| {
                (0..f.size).map(move |i| if f.size == 1 { f.name.clone() } else { format!("{}.{i}", f.name) })
            })
            .collect()
    }

    /// Lower and upper bound of each number.
    pub fn bounds(&self) -> impl Iterator<Item = (f32, f32)> + '_ {
        self.fields.iter().flat_map(|f| std::iter::repeat_n((f.low, f.high), f.size))
    }

    /// Bring every number into its bounds; what is not a number becomes the middle.
    pub fn clamp(&self, values: &mut [f32]) {
        for (value, (low, high)) in values.iter_mut().zip(self.bounds()) {
            *value = if value.is_nan() { f32::midpoint(low, high) } else { value.clamp(low, high) };
        }
    }

    /// A 64-bit hash of names, sizes, units and bounds.
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

    /// Where `found` differs from this layout. Empty when the two fit.
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

/// One way in which two layouts differ.
#[derive(Clone, Debug, PartialEq)]
pub enum LayoutDifference {
    /// The other layout lacks this field.
    Missing(Field),
    /// The other layout has a field that this one lacks.
    Unknown(Field),
    /// Both have the field, with another size, unit or bound.
    Changed {
        /// The field here.
        wanted: Field,
        /// The field there.
        found: Field,
    },
    /// The same fields in another order.
    Order,
}

impl fmt::Display for LayoutDifference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let show = |x: &Field| format!("{}[{}] in {} within {}..{}", x.name, x.size, x.unit, x.low, x.high);
        match self {
            Self::Missing(field) => write!(f, "lacks {}", show(field)),
            Self::Unknown(field) => write!(f, "has {}, which the agent does not", show(field)),
            Self::Changed { wanted, found } => write!(f, "has {} where the agent has {}", show(found), show(wanted)),
            Self::Order => write!(f, "has the same fields in another order"),
        }
    }
}

/// What a number within these bounds can be that is pressed or not: either bound, and 0 between them; in their units.
pub fn press_levels((low, high): (f32, f32)) -> Vec<f32> {
    if low < 0.0 && high > 0.0 { vec![low, 0.0, high] } else { vec![low, high] }
}
