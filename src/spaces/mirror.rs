//! What a vector becomes when left and right are exchanged.

use super::Layout;

/// What becomes of a field when left and right are exchanged.
#[derive(Clone, Debug, PartialEq)]
pub enum Mirrored {
    /// It stays.
    Same,
    /// Every number changes its sign.
    Negated,
    /// The numbers go from one side to the other: the first becomes the last.
    Reversed,
    /// Each two neighbours, left and right, change places.
    Swapped,
    /// The same, and every number changes its sign.
    SwappedNegated,
    /// Forward and left in turns: every second number changes its sign.
    SecondNegated,
    /// Each number comes from this one of the field, with this sign.
    Listed(Vec<(usize, f32)>),
    /// The field of that name takes its place, with this sign.
    From(String, f32),
}

/// Which number each number comes from, and its sign.
#[derive(Clone, Debug, PartialEq)]
pub struct Mirror(Vec<(usize, f32)>);

impl Mirror {
    /// For a layout whose fields `rule` tells about.
    ///
    /// # Errors
    /// The name of the first field that `rule` knows nothing of, or whose counterpart is not in the layout.
    pub fn new(layout: &Layout, rule: impl Fn(&str) -> Option<Mirrored>) -> Result<Self, String> {
        let mut sources = Vec::with_capacity(layout.size());
        for field in &layout.fields {
            let start = sources.len();
            let kind = rule(&field.name).ok_or_else(|| field.name.clone())?;
            // In an image it is each row that is turned round.
            let row = field.image.map_or(field.size, |(_, columns)| columns);
            let from = match &kind {
                Mirrored::From(other, _) => layout.range(other).ok_or_else(|| field.name.clone())?.start,
                _ => start,
            };
            sources.extend((0..field.size).map(|i| match &kind {
                Mirrored::Same => (start + i, 1.0),
                Mirrored::Negated => (start + i, -1.0),
                Mirrored::Reversed => (start + i / row * row + (row - 1 - i % row), 1.0),
                Mirrored::Swapped => (start + (i ^ 1), 1.0),
                Mirrored::SwappedNegated => (start + (i ^ 1), -1.0),
                Mirrored::SecondNegated => (start + i, if i % 2 == 0 { 1.0 } else { -1.0 }),
                Mirrored::Listed(places) => (start + places[i].0, places[i].1),
                Mirrored::From(_, sign) => (from + i, *sign),
            }));
        }
        Ok(Self(sources))
    }

    /// Rows of the layout with left and right exchanged.
    pub fn of(&self, rows: &[f32]) -> Vec<f32> {
        let mut out = Vec::with_capacity(rows.len());
        for row in rows.chunks_exact(self.0.len()) {
            out.extend(self.0.iter().map(|(from, sign)| sign * row[*from]));
        }
        out
    }
}
