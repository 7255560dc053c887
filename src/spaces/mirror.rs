//! Mirroring of vectors: exchange of left and right.

use super::Layout;

/// How a field changes when left and right are exchanged.
#[derive(Clone, Debug, PartialEq)]
pub enum MirrorRule {
    /// Unchanged.
    Same,
    /// Each element changes its sign.
    Negated,
    /// The order of the elements is reversed; in an image, that of each row.
    Reversed,
    /// Elements are pairs (left, right), which are swapped.
    Swapped,
    /// As `Swapped`, and each element changes its sign.
    SwappedNegated,
    /// Elements are pairs (forward, left): each second element changes its sign.
    SecondNegated,
    /// Per element: the index in the field that it comes from, and its sign.
    Listed(Vec<(usize, f32)>),
    /// The elements of the field of this name, times this sign.
    From(String, f32),
}

/// Mirrors vectors of one layout. Per element: the index that it comes from, and its sign.
#[derive(Clone, Debug, PartialEq)]
pub struct Mirror(Vec<(usize, f32)>);

impl Mirror {
    /// The mirror of a layout; `rule` gives the rule of a field by its name.
    ///
    /// # Errors
    /// The name of the first field that has no rule, or whose counterpart is not in the layout.
    pub fn new(layout: &Layout, rule: impl Fn(&str) -> Option<MirrorRule>) -> Result<Self, String> {
        let mut sources = Vec::with_capacity(layout.size());
        for field in &layout.fields {
            let start = sources.len();
            let kind = rule(&field.name).ok_or_else(|| field.name.clone())?;
            // In an image, each row is reversed.
            let row = field.image.map_or(field.size, |(_, columns)| columns);
            let from = match &kind {
                MirrorRule::From(other, _) => layout.range(other).ok_or_else(|| field.name.clone())?.start,
                _ => start,
            };
            sources.extend((0..field.size).map(|i| match &kind {
                MirrorRule::Same => (start + i, 1.0),
                MirrorRule::Negated => (start + i, -1.0),
                MirrorRule::Reversed => (start + i / row * row + (row - 1 - i % row), 1.0),
                MirrorRule::Swapped => (start + (i ^ 1), 1.0),
                MirrorRule::SwappedNegated => (start + (i ^ 1), -1.0),
                MirrorRule::SecondNegated => (start + i, if i % 2 == 0 { 1.0 } else { -1.0 }),
                MirrorRule::Listed(places) => (start + places[i].0, places[i].1),
                MirrorRule::From(_, sign) => (from + i, *sign),
            }));
        }
        Ok(Self(sources))
    }

    /// Rows of the layout with left and right exchanged.
    pub fn apply(&self, rows: &[f32]) -> Vec<f32> {
        let mut out = Vec::with_capacity(rows.len());
        for row in rows.chunks_exact(self.0.len()) {
            out.extend(self.0.iter().map(|(from, sign)| sign * row[*from]));
        }
        out
    }
}
