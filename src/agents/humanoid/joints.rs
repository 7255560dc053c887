//! The hinge joints.

/// Number of hinge joints.
pub const JOINT_COUNT: usize = 25;

/// The hinge joints, in the order of observations and actions.
pub const JOINTS: [&str; JOINT_COUNT] = [
    "lumbar_flexion",
    "lumbar_bend",
    "thorax_twist",
    "neck_flexion",
    "neck_turn",
    "left_shoulder_flexion",
    "left_shoulder_abduction",
    "left_shoulder_rotation",
    "left_elbow",
    "right_shoulder_flexion",
    "right_shoulder_abduction",
    "right_shoulder_rotation",
    "right_elbow",
    "left_hip_flexion",
    "left_hip_abduction",
    "left_hip_rotation",
    "left_knee",
    "left_ankle_flexion",
    "left_ankle_roll",
    "right_hip_flexion",
    "right_hip_abduction",
    "right_hip_rotation",
    "right_knee",
    "right_ankle_flexion",
    "right_ankle_roll",
];

/// One value per joint, in the order of [`JOINTS`]; angles in rad.
pub(super) type Joints = [f32; JOINT_COUNT];

/// Index of a hinge in [`JOINTS`].
pub(super) fn joint_index(name: &str) -> usize {
    JOINTS.iter().position(|j| *j == name).unwrap_or(0)
}
