//! Sum tree: sampling in proportion to priorities in logarithmic time (Schaul et al. 2015, arXiv:1511.05952,
//! appendix B.2.1).

/// A binary tree whose leaves are the priorities of entries and whose inner nodes are the sums of their children.
#[derive(Clone, Debug, PartialEq)]
pub struct SumTree {
    /// The root is at 1, the children of `n` are at `2 n` and `2 n + 1`, the leaves are the second half.
    nodes: Vec<f64>,
    entries: usize,
}

impl SumTree {
    /// A tree of `entries` entries of priority 0.
    pub fn new(entries: usize) -> Self {
        Self { nodes: vec![0.0; 2 * entries.next_power_of_two()], entries }
    }

    /// Number of entries.
    pub fn len(&self) -> usize {
        self.entries
    }

    /// Whether there are no entries.
    pub fn is_empty(&self) -> bool {
        self.entries == 0
    }

    /// Sum of all priorities.
    pub fn total(&self) -> f64 {
        self.nodes[1]
    }

    /// Priority of an entry.
    ///
    /// # Panics
    /// `entry` is out of range.
    pub fn priority(&self, entry: usize) -> f64 {
        assert!(entry < self.entries, "entry {entry} of {}", self.entries);
        self.nodes[self.nodes.len() / 2 + entry]
    }

    /// Set the priority of an entry.
    ///
    /// # Panics
    /// `entry` is out of range, or the priority is negative or not finite.
    pub fn set(&mut self, entry: usize, priority: f64) {
        assert!(entry < self.entries, "entry {entry} of {}", self.entries);
        assert!(priority.is_finite() && priority >= 0.0, "a priority of {priority}");
        let mut node = self.nodes.len() / 2 + entry;
        self.nodes[node] = priority;
        while node > 1 {
            node /= 2;
            // Each sum is computed again from its children: adding differences would accumulate rounding errors.
            self.nodes[node] = self.nodes[2 * node] + self.nodes[2 * node + 1];
        }
    }

    /// The entry at which the cumulative sum of priorities exceeds `fraction` (in `0..1`) of the total. For a uniform
    /// `fraction`, entries are returned in proportion to their priorities. An entry of priority 0 is never returned
    /// unless all are 0.
    pub fn find(&self, fraction: f64) -> usize {
        let mut remaining = fraction * self.total();
        let mut node = 1;
        while node < self.nodes.len() / 2 {
            let (left, right) = (self.nodes[2 * node], self.nodes[2 * node + 1]);
            if remaining < left || right <= 0.0 {
                node *= 2;
            } else {
                remaining -= left;
                node = 2 * node + 1;
            }
        }
        (node - self.nodes.len() / 2).min(self.entries.saturating_sub(1))
    }
}
