//! MJCF to Rapier: rigid bodies and impulse joints with motors.
//!
//! MJCF's x forward, y left, z up become Bevy's -z forward, -x left, +y up. The hinges of one body share an anchor and
//! have orthogonal axes; they become one [`GenericJoint`] with as many free angular axes. A joint's angles are then the
//! twists of the relative rotation about each axis (twice the arc tangents of the Rodrigues vector), which is what
//! Rapier's limits measure; they equal the hinge angles when one hinge moves and to first order otherwise.

use std::path::Path;
use std::sync::LazyLock;

use bevy::math::{Quat, Vec3};
use bevy_rapier3d::rapier::prelude::*;
use mjcf_rs::body::{Geom, GeomType, JointType};
use mjcf_rs::glam::{DQuat, DVec3};
use mjcf_rs::{Model, ParseError};

use super::actuators::Dof;
use crate::sim::Physics;

/// The humanoid that comes with the crate.
const EMBEDDED: &str = include_str!("../../../assets/humanoid.xml");

/// Gain given to a hinge without an actuator, N·m/rad: enough to hold a hand, little enough to yield.
const PASSIVE_STIFFNESS: f32 = 5.0;

/// Torque limit of a hinge without an actuator, N·m.
const PASSIVE_TORQUE: f32 = 10.0;

/// Distance at which contacts begin, m: what the solver's soft contacts let a loaded foot sink in, so that it is seen
/// to stand on the ground and not in it.
const CONTACT_SKIN: f32 = 0.002;

/// What is wrong with an MJCF file, by element, and what to change.
#[derive(Debug, thiserror::Error)]
pub enum MjcfError {
    /// Not readable as MJCF.
    #[error("the MJCF cannot be read: {0}")]
    Parse(#[from] ParseError),
    /// A body the gait needs is missing.
    #[error("the MJCF has no body `{0}`; name the segments as in assets/humanoid.xml")]
    MissingBody(&'static str),
    /// A hinge the gait needs is missing.
    #[error("the MJCF has no hinge `{0}`; name the joints as in assets/humanoid.xml")]
    MissingJoint(&'static str),
    /// A hinge that is none of the humanoid's.
    #[error("hinge `{joint}` of body `{body}` is none of the humanoid's joints; remove it or rename it")]
    UnknownJoint {
        /// Body that carries the joint.
        body: String,
        /// The joint.
        joint: String,
    },
    /// A joint that is no hinge.
    #[error("joint `{joint}` of body `{body}` is not a hinge; use hinges, and a freejoint at the root only")]
    NotAHinge {
        /// Body that carries the joint.
        body: String,
        /// The joint.
        joint: String,
    },
    /// Hinges of one body that do not fit one Rapier joint.
    #[error("the hinges of body `{0}` must share one `pos` and have orthogonal axes; split the body otherwise")]
    Hinges(String),
    /// A hinge without limits.
    #[error("hinge `{joint}` of body `{body}` has no `range` within -180..180 degrees; give it one")]
    Range {
        /// Body that carries the joint.
        body: String,
        /// The joint.
        joint: String,
    },
    /// A body without a way to move against its parent.
    #[error("body `{0}` has no joint; move its geoms into its parent")]
    NoJoint(String),
    /// A shape Rapier is not given here.
    #[error("a geom of body `{0}` is none of sphere, capsule, box; approximate it by those")]
    Shape(String),
    /// A body whose mass is not known.
    #[error("a geom of body `{0}` has no positive `mass`; give every geom one, in kg")]
    Mass(String),
    /// Several bodies hang from the world, or none does.
    #[error("the MJCF must have exactly one body under `worldbody`, it has {0}")]
    Roots(usize),
}

/// One collider of a part.
#[derive(Clone)]
pub(super) struct Shape {
    /// Form.
    pub shape: SharedShape,
    /// Pose in the part, m.
    pub pose: Pose,
    mass: f32,
    friction: f32,
}

/// One rigid body at rest, in the root's frame.
#[derive(Clone)]
pub(super) struct Part {
    /// Name in the file.
    pub name: String,
    /// Origin in the rest posture, m from the root's origin.
    pub offset: Vec3,
    /// Orientation in the rest posture.
    pub rotation: Quat,
    /// Colliders.
    pub shapes: Vec<Shape>,
    /// Rotational inertia added about every axis, kg·m²: the largest `armature` of its hinges. Light segments that carry
    /// the whole body need it for the solver to converge.
    armature: f32,
    /// Index of the part it hangs from.
    pub parent: usize,
}

/// Up to three hinges between a part and its parent.
#[derive(Clone)]
pub(super) struct Link {
    /// The child part.
    pub part: usize,
    /// Anchor in the child's frame, m.
    pub anchor: Vec3,
    /// Joint frame in the child's frame: its axes are the hinges'.
    pub frame: Quat,
    /// Rotation from the parent to the child at rest.
    pub rest: Quat,
    /// The hinges: index of the canonical joint, axis of the frame (0..3), properties.
    pub dofs: Vec<Dof>,
}

/// A humanoid as read from MJCF, ready to be spawned any number of times.
#[derive(Clone)]
pub struct Blueprint {
    pub(super) parts: Vec<Part>,
    pub(super) links: Vec<Link>,
}

static DEFAULT: LazyLock<Blueprint> =
    LazyLock::new(|| Blueprint::parse(EMBEDDED).expect("assets/humanoid.xml is checked by the crate's tests"));

fn vec(v: DVec3) -> Vec3 {
    Vec3::new(-v.y as f32, v.z as f32, -v.x as f32)
}

fn array(v: [f64; 3]) -> Vec3 {
    vec(DVec3::from_array(v))
}

fn quat(q: DQuat) -> Quat {
    let v = vec(DVec3::new(q.x, q.y, q.z));
    Quat::from_xyzw(v.x, v.y, v.z, q.w as f32).normalize()
}

impl Blueprint {
    /// The humanoid of `assets/humanoid.xml`, built into the crate.
    ///
    /// # Panics
    /// Never for a build that passed its tests: the embedded file is valid.
    pub fn embedded() -> &'static Self {
        &DEFAULT
    }

    /// Read MJCF text.
    ///
    /// # Errors
    /// When it is not MJCF or lacks what the gait needs; see [`MjcfError`].
    pub fn parse(xml: &str) -> Result<Self, MjcfError> {
        Self::from_model(&Model::from_str(xml, ".")?)
    }

    /// Read an MJCF file.
    ///
    /// # Errors
    /// When it cannot be opened, is not MJCF or lacks what the gait needs; see [`MjcfError`].
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
            let (local, rest) = (vec(body.pose.translation), quat(body.pose.rotation));
            let (offset, rotation) = (parts[parent].offset, parts[parent].rotation);
            links.push(link(model, body, &name, parts.len(), rest)?);
            let armature = body.joints.iter().map(|j| j.armature as f32).fold(0.0, f32::max);
            let (offset, rotation) = (offset + rotation * local, rotation * rest);
            parts.push(Part { name, offset, rotation, shapes, armature, parent });
        }
        let blueprint = Self { parts, links };
        for (index, name) in super::JOINTS.iter().enumerate() {
            if !blueprint.links.iter().flat_map(|l| &l.dofs).any(|d| d.index == index) {
                return Err(MjcfError::MissingJoint(name));
            }
        }
        for name in super::PARTS {
            blueprint.part(name)?;
        }
        Ok(blueprint)
    }

    /// Insert the bodies and joints at rest with the root's origin at `root`, facing along `rotation`.
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
    let mut pose = Pose::from_parts(vec(geom.pose.translation), quat(geom.pose.rotation));
    let shape = match (geom.type_, geom.fromto) {
        (GeomType::Sphere, _) => SharedShape::ball(a),
        (GeomType::Box, None) => SharedShape::cuboid(b, c, a),
        (GeomType::Capsule, None) => SharedShape::capsule_y(b, a),
        (GeomType::Capsule, Some([x1, y1, z1, x2, y2, z2])) => {
            let (from, to) = (array([x1, y1, z1]), array([x2, y2, z2]));
            // Either end may be up; choosing the upper one avoids the half turn, whose axis is arbitrary.
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

/// How far from orthogonal, as a cosine, two hinges of one body may be.
const ORTHOGONAL: f32 = 1e-3;

fn link(model: &Model, body: &mjcf_rs::body::Body, name: &str, part: usize, rest: Quat) -> Result<Link, MjcfError> {
    let joints = &body.joints;
    let first = joints.first().ok_or_else(|| MjcfError::NoJoint(name.to_owned()))?;
    let anchor = array(first.pos);
    let hinges = || MjcfError::Hinges(name.to_owned());
    let axes: Vec<Vec3> = joints.iter().map(|j| array(j.axis).normalize_or_zero()).collect();
    let x = axes[0];
    let y = axes.get(1).copied().unwrap_or_else(|| x.any_orthonormal_vector());
    let z = x.cross(y);
    let fits = |(i, axis): (usize, &Vec3)| (axis.dot([x, y, z][i.min(2)]).abs() - 1.0).abs() < ORTHOGONAL;
    let same_anchor = joints.iter().all(|j| (array(j.pos) - anchor).length() < ORTHOGONAL);
    if joints.len() > 3 || !axes.iter().enumerate().all(fits) || !same_anchor || x.dot(y).abs() > ORTHOGONAL {
        return Err(hinges());
    }
    let frame = Quat::from_mat3(&bevy::math::Mat3::from_cols(x, y, z));
    let mut dofs = Vec::with_capacity(joints.len());
    for (i, joint) in joints.iter().enumerate() {
        let label = joint.name.clone().unwrap_or_else(|| format!("#{i}"));
        if joint.type_ != JointType::Hinge {
            return Err(MjcfError::NotAHinge { body: name.to_owned(), joint: label });
        }
        let Some(index) = super::JOINTS.iter().position(|j| *j == label) else {
            return Err(MjcfError::UnknownJoint { body: name.to_owned(), joint: label });
        };
        let limited = joint.limited.resolve(model.compiler.autolimits, joint.range.is_some());
        let range = joint.range.filter(|_| limited).map(|r| r.map(|x| x as f32));
        let Some([low, high]) = range.filter(|[l, h]| l < h && l.abs().max(h.abs()) < std::f32::consts::PI) else {
            return Err(MjcfError::Range { body: name.to_owned(), joint: label });
        };
        let actuator = model.actuators.iter().find(|a| a.joint.as_deref() == Some(&label));
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
