//! Writes an observation value by value.

/// Writes values one after the other, each clamped to its bounds. NaN becomes 0: a policy must never read it.
pub struct ObservationWriter<'a>(std::slice::IterMut<'a, f32>);

impl<'a> ObservationWriter<'a> {
    /// A writer that starts at the first element.
    pub fn new(observation: &'a mut [f32]) -> Self {
        Self(observation.iter_mut())
    }

    /// Write a value.
    pub fn push(&mut self, value: f32, low: f32, high: f32) {
        if let Some(element) = self.0.next() {
            *element = if value.is_nan() { 0.0 } else { value.clamp(low, high) };
        }
    }

    /// Write values whose bounds are `-limit` and `limit`.
    pub fn push_all(&mut self, values: &[f32], limit: f32) {
        for value in values {
            self.push(*value, -limit, limit);
        }
    }

    /// Write `count` zeros.
    pub fn push_zeros(&mut self, count: usize) {
        for element in self.0.by_ref().take(count) {
            *element = 0.0;
        }
    }

    /// The elements that are not written yet.
    pub fn rest(self) -> &'a mut [f32] {
        self.0.into_slice()
    }
}
