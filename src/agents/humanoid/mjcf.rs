//! MJCF to Rapier: rigid bodies and impulse joints with motors.
//!
//! MJCF's axes (x forward, y left, z up) become Bevy's (-z forward, -x left, +y up). The hinges of one body must share
//! an anchor and have orthogonal axes: they become one [`GenericJoint`] with as many free angular axes. The angles of
//! such a joint are the twists of its relative rotation about each axis (twice the arc tangents of the Rodrigues
//! vector), as in Rapier's limits. They equal the hinge angles if only one hinge moves, and to first order otherwise.

use std::path::Path;
use std::sync::LazyLock;

use bevy::math::{Quat, Vec3};
use bevy_rapier3d::rapier::prelude::*;
use mjcf_rs::body::{Geom, GeomType, JointType};
use mjcf_rs::glam::{DQuat, DVec3};
use mjcf_rs::{Model, ParseError};

use super::dof::Dof;
use super::joints::JOINTS;
use crate::sim::Physics;

/// The humanoid model built into the crate.
const EMBEDDED_MJCF: &str = include_str!("../../../assets/humanoid.xml");

/// Stiffness of a hinge without an actuator, N·m/rad: enough to hold a hand against gravity, low enough to be
/// compliant.
const PASSIVE_STIFFNESS: f32 = 5.0;

/// Torque limit of a hinge without an actuator, N·m.
const PASSIVE_TORQUE: f32 = 10.0;

/// Bodies that the gait and the harness need. An MJCF file may have others.
const PARTS: [&str; 8] =
    ["abdomen", "torso", "left_thigh", "left_shin", "left_foot", "right_thigh", "right_shin", "right_foot"];

/// Contact skin of the colliders, m: as large as the penetration of a loaded foot in the solver's soft contacts, so
/// that the foot is rendered on the ground and not in it.
const CONTACT_SKIN: f32 = 0.002;

/// Error in an MJCF file: the element, and how to fix it.
#[derive(Debug, thiserror::Error)]
pub enum MjcfError {
    /// The text cannot be parsed as MJCF.
    #[error("the MJCF cannot be read: {0}")]
    Parse(#[from] ParseError),
    /// A body that the gait needs is missing.
    #[error("the MJCF has no body `{0}`; name the segments as in assets/humanoid.xml")]
    MissingBody(&'static str),
    /// A hinge that the gait needs is missing.
    #[error("the MJCF has no hinge `{0}`; name the joints as in assets/humanoid.xml")]
    MissingJoint(&'static str),
    /// A hinge that is not one of the humanoid's joints.
    #[error("hinge `{joint}` of body `{body}` is not one of the humanoid's joints; remove it or rename it")]
    UnknownJoint {
        /// Body that carries the joint.
        body: String,
        /// The joint.
        joint: String,
    },
    /// A joint that is not a hinge.
    #[error("joint `{joint}` of body `{body}` is not a hinge; use hinges, and a freejoint at the root only")]
    NotAHinge {
        /// Body that carries the joint.
        body: String,
        /// The joint.
        joint: String,
    },
    /// Hinges of one body that cannot become one Rapier joint.
    #[error("the hinges of body `{0}` must share one `pos` and have orthogonal axes; split the body otherwise")]
    Hinges(String),
    /// A hinge without joint limits.
    #[error("hinge `{joint}` of body `{body}` has no `range` within -180..180 degrees; give it one")]
    Range {
        /// Body that carries the joint.
        body: String,
        /// The joint.
        joint: String,
    },
    /// A body without a joint to its parent.
    #[error("body `{0}` has no joint; move its geoms into its parent")]
    NoJoint(String),
    /// A geom type that is not supported.
    #[error("a geom of body `{0}` is not a sphere, capsule or box; approximate it by these")]
    Shape(String),
    /// A geom without a mass.
    #[error("a geom of body `{0}` has no positive `mass`; give every geom one, in kg")]
    Mass(String),
    /// `worldbody` has no body, or more than one.
    #[error("the MJCF must have exactly one body under `worldbody`, it has {0}")]
    Roots(usize),
}

/// One collider of a part.
#[derive(Clone)]
pub(super) struct Shape {
    /// Shape.
    pub shape: SharedShape,
    /// Pose in the part's frame, m.
    pub pose: Pose,
    mass: f32,
    friction: f32,
}

/// One rigid body, with its pose in the rest pose, relative to the root.
#[derive(Clone)]
pub(super) struct Part {
    /// Name in the MJCF file.
    pub name: String,
    /// Origin in the rest pose, relative to the root's origin, m.
    pub offset: Vec3,
    /// Orientation in the rest pose, relative to the root.
    pub rotation: Quat,
    /// Colliders.
    pub shapes: Vec<Shape>,
    /// Rotational inertia added about every axis, kg·m²: the largest `armature` of its hinges. The solver converges
    /// only with it for light segments that carry the whole body.
    armature: f32,
    /// Index of the parent part.
    pub parent: usize,
}

/// The joint between a part and its parent: up to three hinges.
#[derive(Clone)]
pub(super) struct Link {
    /// The child part.
    pub part: usize,
    /// Anchor in the child's frame, m.
    pub anchor: Vec3,
    /// Orientation of the joint frame in the child's frame: its axes are those of the hinges.
    pub frame: Quat,
    /// Orientation of the child relative to the parent in the rest pose.
    pub rest: Quat,
    /// The hinges.
    pub dofs: Vec<Dof>,
}

/// A humanoid model read from MJCF. It can be spawned any number of times.
#[derive(Clone)]
pub struct HumanoidModel {
    pub(super) parts: Vec<Part>,
    pub(super) links: Vec<Link>,
}

static EMBEDDED_MODEL: LazyLock<HumanoidModel> =
    LazyLock::new(|| HumanoidModel::parse(EMBEDDED_MJCF).expect("assets/humanoid.xml is checked by the crate's tests"));

fn to_bevy(v: DVec3) -> Vec3 {
    Vec3::new(-v.y as f32, v.z as f32, -v.x as f32)
}

fn vec_from_array(v: [f64; 3]) -> Vec3 {
    to_bevy(DVec3::from_array(v))
}

fn quat_to_bevy(q: DQuat) -> Quat {
    let v = to_bevy(DVec3::new(q.x, q.y, q.z));
    Quat::from_xyzw(v.x, v.y, v.z, q.w as f32).normalize()
}

impl HumanoidModel {
    /// The humanoid of `assets/humanoid.xml`, built into the crate.
    ///
    /// # Panics
    /// Never for a build that passed its tests: the embedded file is valid.
    pub fn embedded() -> &'static Self {
        &EMBEDDED_MODEL
    }

    /// Read MJCF text.
    ///
    /// # Errors
    /// When the text is not MJCF, or a body or joint that the gait needs is missing; see [`MjcfError`].
    pub fn parse(xml: &str) -> Result<Self, MjcfError> {
        Self::from_model(&Model::from_str(xml, ".")?)
    }

    /// Read an MJCF file.
    ///
    /// # Errors
    /// When the file cannot be opened or is not MJCF, or a body or joint that the gait needs is missing; see
    /// [`MjcfError`].
    pub fn read(path: impl AsRef<Path>) -> Result<Self, MjcfError> {
        Self::from_model(&Model::from_file(path)?)
    }

    /// Total mass, kg.
    pub fn mass(&self) -> f32 {
        self.parts.iter().flat_map(|p| &p.shapes).map(|s| s.mass).sum()
    }

    /// Names of the parts, in the order of `Body::parts`.
    pub fn part_names(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().map(|p| p.name.as_str())
    }

    pub(super) fn part(&self, name: &'static str) -> Result<usize, MjcfError> {
        self.parts.iter().position(|p| p.name == name).ok_or(MjcfError::MissingBody(name))
    }

    fn from_model(model: &Model) -> Result<Self, MjcfError> {
        let roots = model.bodies_iter().filter(|(_, entry)| entry.parent == Some(0)).count();
        if roots != 1 {
            return Err(MjcfError::Roots(roots));
        }
        let mut parts: Vec<Part> = Vec::new();
        let mut links: Vec<Link> = Vec::new();
        for (id, entry) in model.bodies_iter() {
            let body = &entry.body;
            let name = body.name.clone().unwrap_or_else(|| format!("#{id}"));
            let shapes = body.geoms.iter().map(|g| shape(g, &name)).collect::<Result<Vec<_>, _>>()?;
            // The world body is entry 0, so part `i` is entry `i + 1`.
            let Some(parent) = entry.parent.and_then(|p| p.checked_sub(1)) else {
                parts.push(Part {
                    name,
                    offset: Vec3::ZERO,
                    rotation: Quat::IDENTITY,
                    shapes,
                    armature: 0.0,
                    parent: 0,
                });
                continue;
            };
            let (local, rest) = (to_bevy(body.pose.translation), quat_to_bevy(body.pose.rotation));
            let (offset, rotation) = (parts[parent].offset, parts[parent].rotation);
            links.push(link(model, body, &name, parts.len(), rest)?);
            let armature = body.joints.iter().map(|j| j.armature as f32).fold(0.0, f32::max);
            let (offset, rotation) = (offset + rotation * local, rotation * rest);
            parts.push(Part { name, offset, rotation, shapes, armature, parent });
        }
        let humanoid = Self { parts, links };
        for (index, name) in JOINTS.iter().enumerate() {
            if !humanoid.links.iter().flat_map(|l| &l.dofs).any(|d| d.index == index) {
                return Err(MjcfError::MissingJoint(name));
            }
        }
        for name in PARTS {
            humanoid.part(name)?;
        }
        Ok(humanoid)
    }

    /// Insert the bodies and joints in the rest pose, with the root at `root` (m) and orientation `rotation`.
    pub(super) fn insert(
        &self,
        physics: &mut Physics<'_>,
        root: Vec3,
        rotation: Quat,
        groups: InteractionGroups,
    ) -> (Vec<RigidBodyHandle>, Vec<ImpulseJointHandle>) {
        let mut handles = Vec::with_capacity(self.parts.len());
        for part in &self.parts {
            let pose = Pose::from_parts(root + rotation * part.offset, rotation * part.rotation);
            let armature = MassProperties::new(Vec3::ZERO, 0.0, Vec3::splat(part.armature));
            let body = RigidBodyBuilder::dynamic().pose(pose).additional_mass_properties(armature).can_sleep(false);
            let colliders = part.shapes.iter().map(|s| {
                ColliderBuilder::new(s.shape.clone())
                    .position(s.pose)
                    .mass(s.mass)
                    .contact_skin(CONTACT_SKIN)
                    .friction(s.friction)
                    .collision_groups(groups)
                    .build()
            });
            handles.push(physics.insert(body, colliders));
        }
        let joints = self
            .links
            .iter()
            .map(|link| {
                let part = &self.parts[link.part];
                let parent = &self.parts[part.parent];
                let anchor = part.offset + part.rotation * link.anchor - parent.offset;
                let mut joint = GenericJoint::new(JointAxesMask::LIN_AXES | JointAxesMask::ANG_AXES);
                joint.set_local_frame1(Pose::from_parts(parent.rotation.inverse() * anchor, link.rest * link.frame));
                joint.set_local_frame2(Pose::from_parts(link.anchor, link.frame));
                joint.set_contacts_enabled(false);
                for dof in &link.dofs {
                    joint.locked_axes.remove(dof.axis.into());
                    joint.set_limits(dof.axis, dof.frame_range());
                    joint.set_motor_model(dof.axis, MotorModel::ForceBased);
                }
                physics.joints.insert(handles[part.parent], handles[link.part], joint, true)
            })
            .collect();
        (handles, joints)
    }
}

fn shape(geom: &Geom, body: &str) -> Result<Shape, MjcfError> {
    let [a, b, c] = geom.size.map(|x| x as f32);
    let mut pose = Pose::from_parts(to_bevy(geom.pose.translation), quat_to_bevy(geom.pose.rotation));
    let shape = match (geom.type_, geom.fromto) {
        (GeomType::Sphere, _) => SharedShape::ball(a),
        (GeomType::Box, None) => SharedShape::cuboid(b, c, a),
        (GeomType::Capsule, None) => SharedShape::capsule_y(b, a),
        (GeomType::Capsule, Some([x1, y1, z1, x2, y2, z2])) => {
            let (from, to) = (vec_from_array([x1, y1, z1]), vec_from_array([x2, y2, z2]));
            // A capsule is symmetric: its axis points to the upper end, since a half turn has no defined axis.
            let along = (to - from).normalize_or(Vec3::Y);
            let along = if along.y < 0.0 { -along } else { along };
            pose = Pose::from_parts((from + to) * 0.5, Quat::from_rotation_arc(Vec3::Y, along));
            SharedShape::capsule_y((to - from).length() * 0.5, a)
        }
        _ => return Err(MjcfError::Shape(body.to_owned())),
    };
    let mass = geom.mass.unwrap_or(0.0) as f32;
    if mass <= 0.0 || !mass.is_finite() {
        return Err(MjcfError::Mass(body.to_owned()));
    }
    Ok(Shape { shape, pose, mass, friction: geom.friction[0] as f32 })
}

/// Maximum cosine of the angle between two hinge axes of one body, and maximum distance of their anchors (m).
const ORTHOGONALITY_TOLERANCE: f32 = 1e-3;

fn link(model: &Model, body: &mjcf_rs::body::Body, name: &str, part: usize, rest: Quat) -> Result<Link, MjcfError> {
    let joints = &body.joints;
    let first = joints.first().ok_or_else(|| MjcfError::NoJoint(name.to_owned()))?;
    let anchor = vec_from_array(first.pos);
    let hinges = || MjcfError::Hinges(name.to_owned());
    let axes: Vec<Vec3> = joints.iter().map(|j| vec_from_array(j.axis).normalize_or_zero()).collect();
    let x = axes[0];
    let y = axes.get(1).copied().unwrap_or_else(|| x.any_orthonormal_vector());
    let z = x.cross(y);
    let is_along_frame_axis =
        |(i, axis): (usize, &Vec3)| (axis.dot([x, y, z][i.min(2)]).abs() - 1.0).abs() < ORTHOGONALITY_TOLERANCE;
    let same_anchor = joints.iter().all(|j| (vec_from_array(j.pos) - anchor).length() < ORTHOGONALITY_TOLERANCE);
    if joints.len() > 3
        || !axes.iter().enumerate().all(is_along_frame_axis)
        || !same_anchor
        || x.dot(y).abs() > ORTHOGONALITY_TOLERANCE
    {
        return Err(hinges());
    }
    let frame = Quat::from_mat3(&bevy::math::Mat3::from_cols(x, y, z));
    let mut dofs = Vec::with_capacity(joints.len());
    for (i, joint) in joints.iter().enumerate() {
        let joint_name = joint.name.clone().unwrap_or_else(|| format!("#{i}"));
        if joint.type_ != JointType::Hinge {
            return Err(MjcfError::NotAHinge { body: name.to_owned(), joint: joint_name });
        }
        let Some(index) = JOINTS.iter().position(|j| *j == joint_name) else {
            return Err(MjcfError::UnknownJoint { body: name.to_owned(), joint: joint_name });
        };
        let limited = joint.limited.resolve(model.compiler.autolimits, joint.range.is_some());
        let range = joint.range.filter(|_| limited).map(|r| r.map(|x| x as f32));
        let Some([low, high]) = range.filter(|[l, h]| l < h && l.abs().max(h.abs()) < std::f32::consts::PI) else {
            return Err(MjcfError::Range { body: name.to_owned(), joint: joint_name });
        };
        let actuator = model.actuators.iter().find(|a| a.joint.as_deref() == Some(&joint_name));
        let torque = actuator.and_then(|a| a.force_range).map(|[l, h]| l.abs().min(h.abs()) as f32);
        dofs.push(Dof {
            index,
            axis: [JointAxis::AngX, JointAxis::AngY, JointAxis::AngZ][i],
            sign: axes[i].dot([x, y, z][i]).signum(),
            low,
            high,
            stiffness: actuator.and_then(|a| a.kp).map_or(PASSIVE_STIFFNESS, |kp| kp as f32),
            damping: (joint.damping + actuator.and_then(|a| a.kv).unwrap_or(0.0)) as f32,
            torque: torque.unwrap_or(PASSIVE_TORQUE),
        });
    }
    Ok(Link { part, anchor, frame, rest, dofs })
}
