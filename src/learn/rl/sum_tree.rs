//! A tree of sums, to draw by priority in logarithmic time (Schaul et al. 2015, arXiv:1511.05952, appendix B.2.1).

/// Priorities of some entries, and the sum of all below each node.
#[derive(Clone, Debug, PartialEq)]
pub struct SumTree {
    /// The root is at 1, the children of `n` at `2 n` and `2 n + 1`, the entries in the second half.
    nodes: Vec<f64>,
    entries: usize,
}

impl SumTree {
    /// Entries of priority 0.
    pub fn new(entries: usize) -> Self {
        Self { nodes: vec![0.0; 2 * entries.next_power_of_two()], entries }
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.entries
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.entries == 0
    }

    /// Sum of all priorities.
    pub fn total(&self) -> f64 {
        self.nodes[1]
    }

    /// The priority of an entry.
    ///
    /// # Panics
    /// When there is no such entry.
    pub fn priority(&self, entry: usize) -> f64 {
        assert!(entry < self.entries, "entry {entry} of {}", self.entries);
        self.nodes[self.nodes.len() / 2 + entry]
    }

    /// Give an entry a priority.
    ///
    /// # Panics
    /// When there is no such entry, or the priority is negative or not a number.
    pub fn set(&mut self, entry: usize, priority: f64) {
        assert!(entry < self.entries, "entry {entry} of {}", self.entries);
        assert!(priority.is_finite() && priority >= 0.0, "a priority of {priority}");
        let mut node = self.nodes.len() / 2 + entry;
        self.nodes[node] = priority;
        while node > 1 {
            node /= 2;
            // Sums are formed anew, so that rounding does not pile up.
            self.nodes[node] = self.nodes[2 * node] + self.nodes[2 * node + 1];
        }
    }

    /// The entry in which the running sum of priorities passes `share` of the total, 0 to below 1: entries are found in
    /// proportion to their priorities. One of priority 0 is never found while there are others.
    pub fn find(&self, share: f64) -> usize {
        let mut left = share * self.total();
        let mut node = 1;
        while node < self.nodes.len() / 2 {
            let (first, second) = (self.nodes[2 * node], self.nodes[2 * node + 1]);
            if left < first || second <= 0.0 {
                node *= 2;
            } else {
                left -= first;
                node = 2 * node + 1;
            }
        }
        (node - self.nodes.len() / 2).min(self.entries.saturating_sub(1))
    }
}
