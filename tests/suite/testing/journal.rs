//! Journals of a recording.

use apprentice::demos::EpisodeHeader;
use apprentice::spaces::{Field, Layout};

/// A header with a snapshot of `snapshot_size` bytes. The arena has another agent with `other_act_dim` actions.
pub fn header(snapshot_size: usize, other_act_dim: usize) -> EpisodeHeader {
    EpisodeHeader {
        scene: "yard".to_owned(),
        scene_hash: 5,
        scene_text: "()".to_owned(),
        seed: 1,
        agent: "vehicle".to_owned(),
        operator: "Ada".to_owned(),
        task: "park".to_owned(),
        control_dt: 1.0 / 30.0,
        observation: Layout::new("vehicle/observation", vec![Field::new("speed", 2, "m/s", -50.0, 50.0)]),
        action: Layout::new("vehicle/action", vec![Field::new("steer", 1, "1", -1.0, 1.0)]),
        terms: vec!["progress".to_owned()],
        agent_index: usize::from(other_act_dim > 0),
        other_act_dim,
        lead_in: Vec::new(),
        snapshot: vec![9; snapshot_size],
    }
}
