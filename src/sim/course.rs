//! A course to follow: the center line of a road, or a path that a task lays.

use bevy::math::{Quat, Vec3, ops};
use thiserror::Error;

/// Distance between the points to which a spline is resampled, m. With a quarter of a car's length, a chord of the tightest
/// bend (radius 8 m) deviates from the arc by less than 2 cm.
const SPACING: f32 = 1.0;
/// Points of the dense polyline between two control points, before resampling.
const SUBDIVISIONS: usize = 32;
/// Smallest length of a course, m.
const MIN_LENGTH: f32 = 4.0;
/// Greatest length of a course, m. Its road has four vertices at every meter, in every arena: of 50 km, about 50 MB.
const MAX_LENGTH: f32 = 50_000.0;
/// Number of segments that share one bounding circle in the search for the nearest point.
const BLOCK: usize = 8;

/// Why points do not define a course.
#[derive(Debug, Error, PartialEq)]
pub enum CourseError {
    /// Fewer than three points on a closed course, two on an open one.
    #[error("a course needs at least {wanted} points, found {found}")]
    TooFewPoints {
        /// Number of points needed.
        wanted: usize,
        /// Number of points given.
        found: usize,
    },
    /// The course is shorter than 4 m.
    #[error("a course of {0:.2} m is too short; at least 4 m are needed")]
    TooShort(f32),
    /// The course is longer than 50 km.
    #[error("a course of {0:.0} m is too long; at most 50,000 m are possible, as its road is built in every arena")]
    TooLong(f32),
}

/// A curve of evenly spaced points on or above the ground.
#[derive(Clone, Debug, PartialEq)]
pub struct Course {
    points: Vec<Vec3>,
    closed: bool,
    spacing: f32,
    half_width: f32,
    /// Bounding circle (center, radius m) of each [`BLOCK`] of segments.
    bounding_circles: Vec<(Vec3, f32)>,
}

/// Projection of a point onto a course: its Frenet coordinates.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Projection {
    /// Arc length along the course, m.
    pub along: f32,
    /// Lateral distance from the course, positive to the left, m.
    pub offset: f32,
    /// Heading of the course at the projection, rad (0 looks along -z, positive turns left).
    pub heading: f32,
}

impl Course {
    /// A uniform Catmull-Rom spline through `points` (x, z on the ground; m), resampled to equal distances. `half_width` is
    /// half the road's width, m.
    ///
    /// # Errors
    /// [`CourseError`] when the points are too few or the course is too short.
    pub fn spline(points: &[(f32, f32)], closed: bool, half_width: f32) -> Result<Self, CourseError> {
        let wanted = if closed { 3 } else { 2 };
        if points.len() < wanted {
            return Err(CourseError::TooFewPoints { wanted, found: points.len() });
        }
        let n = points.len();
        let at = |i: isize| -> Vec3 {
            let i = if closed { i.rem_euclid(n as isize) } else { i.clamp(0, n as isize - 1) };
            let (x, z) = points[i as usize];
            Vec3::new(x, 0.0, z)
        };
        let segments = if closed { n } else { n - 1 };
        let mut dense = Vec::with_capacity(segments * SUBDIVISIONS + 1);
        for segment in 0..segments {
            let i = segment as isize;
            let (a, b, c, d) = (at(i - 1), at(i), at(i + 1), at(i + 2));
            for step in 0..SUBDIVISIONS {
                let t = step as f32 / SUBDIVISIONS as f32;
                dense.push(
                    0.5 * ((2.0 * b)
                        + (c - a) * t
                        + (2.0 * a - 5.0 * b + 4.0 * c - d) * (t * t)
                        + (3.0 * b - a - 3.0 * c + d) * (t * t * t)),
                );
            }
        }
        dense.push(at(segments as isize));
        Self::resample(&dense, closed, half_width)
    }

    /// Resample a dense polyline. A closed one repeats its first point at its end.
    fn resample(dense: &[Vec3], closed: bool, half_width: f32) -> Result<Self, CourseError> {
        let length: f32 = dense.windows(2).map(|w| w[0].distance(w[1])).sum();
        if !length.is_finite() || length < MIN_LENGTH {
            return Err(CourseError::TooShort(length));
        }
        if length > MAX_LENGTH {
            return Err(CourseError::TooLong(length));
        }
        let segments = (length / SPACING).round().max(3.0);
        let spacing = length / segments;
        let count = segments as usize + usize::from(!closed);
        let mut points = Vec::with_capacity(count);
        // `arc_length` is that of `dense[i]`.
        let (mut arc_length, mut i) = (0.0, 0);
        for k in 0..count {
            let target = k as f32 * spacing;
            while i + 2 < dense.len() && arc_length + dense[i].distance(dense[i + 1]) < target {
                arc_length += dense[i].distance(dense[i + 1]);
                i += 1;
            }
            let segment = dense[i].distance(dense[i + 1]).max(1e-6);
            points.push(dense[i].lerp(dense[i + 1], ((target - arc_length) / segment).clamp(0.0, 1.0)));
        }
        let mut course = Self { points, closed, spacing, half_width, bounding_circles: Vec::new() };
        let blocks = course.segments().div_ceil(BLOCK);
        course.bounding_circles = (0..blocks).map(|block| course.bounding_circle(block)).collect();
        Ok(course)
    }

    /// Number of straight segments between neighboring points.
    fn segments(&self) -> usize {
        if self.closed { self.points.len() } else { self.points.len() - 1 }
    }

    /// The end points of a segment.
    fn segment(&self, i: usize) -> (Vec3, Vec3) {
        let next = if i + 1 == self.points.len() { 0 } else { i + 1 };
        (self.points[i], self.points[next])
    }

    /// Bounding circle of a block of segments, slightly enlarged against rounding errors.
    fn bounding_circle(&self, block: usize) -> (Vec3, f32) {
        let segments = || (block * BLOCK..self.segments().min((block + 1) * BLOCK)).map(|i| self.segment(i));
        let count = segments().count().max(1) as f32;
        let center = segments().map(|(a, b)| (a + b) * 0.5).sum::<Vec3>() / count;
        let radius = segments().map(|(a, b)| a.distance(center).max(b.distance(center))).fold(0.0, f32::max);
        (center, radius * 1.001 + 0.01)
    }

    /// Length, m.
    pub fn length(&self) -> f32 {
        self.segments() as f32 * self.spacing
    }

    /// Whether the course is a closed loop.
    pub fn closed(&self) -> bool {
        self.closed
    }

    /// Half the road's width, m.
    pub fn half_width(&self) -> f32 {
        self.half_width
    }

    /// The evenly spaced points; a closed course does not repeat the first.
    pub fn points(&self) -> &[Vec3] {
        &self.points
    }

    fn index(&self, i: isize) -> usize {
        let n = self.points.len() as isize;
        (if self.closed { i.rem_euclid(n) } else { i.clamp(0, n - 1) }) as usize
    }

    /// The point at arc length `along` (m). An open course is extended straight beyond its ends.
    pub fn point_at(&self, along: f32) -> Vec3 {
        let length = self.length();
        if !self.closed && along > length {
            return self.points[self.points.len() - 1]
                + self.direction(self.points.len() as isize - 2) * (along - length);
        }
        if !self.closed && along < 0.0 {
            return self.points[0] + self.direction(0) * along;
        }
        let k = along / self.spacing;
        let i = k.floor();
        self.points[self.index(i as isize)].lerp(self.points[self.index(i as isize + 1)], k - i)
    }

    /// Unit direction of the segment after point `i`.
    fn direction(&self, i: isize) -> Vec3 {
        let i = if self.closed { i } else { i.clamp(0, self.points.len() as isize - 2) };
        (self.points[self.index(i + 1)] - self.points[self.index(i)]).normalize_or(Vec3::NEG_Z)
    }

    /// Heading at arc length `along` (m), rad.
    pub fn heading_at(&self, along: f32) -> f32 {
        let k = along / self.spacing;
        let i = k.floor();
        let d = self.direction(i as isize).lerp(self.direction(i as isize + 1), k - i);
        heading_of(d)
    }

    /// Signed curvature at arc length `along` (m), 1/m, positive to the left; the mean over 6 m.
    pub fn curvature_at(&self, along: f32) -> f32 {
        let turn = wrap_angle(self.heading_at(along + 3.0) - self.heading_at(along - 3.0));
        turn / 6.0
    }

    /// Project `position` onto the nearest point of the course, in the horizontal plane.
    pub fn project(&self, position: Vec3) -> Projection {
        let p = Vec3::new(position.x, 0.0, position.z);
        let mut best = (f32::INFINITY, 0, 0.0);
        for (block, (center, radius)) in self.bounding_circles.iter().enumerate() {
            // Lower bound of the distance to the block's segments.
            let lower_bound = (*center - p).length() - radius;
            if lower_bound > 0.0 && lower_bound * lower_bound > best.0 {
                continue;
            }
            for i in block * BLOCK..self.segments().min((block + 1) * BLOCK) {
                let (a, b) = self.segment(i);
                let ab = b - a;
                let t = ((p - a).dot(ab) / ab.length_squared().max(1e-9)).clamp(0.0, 1.0);
                let distance = (a + ab * t - p).length_squared();
                if distance < best.0 {
                    best = (distance, i, t);
                }
            }
        }
        let (_, i, t) = best;
        let along = (i as f32 + t) * self.spacing;
        let near = self.points[i].lerp(self.points[self.index(i as isize + 1)], t);
        let heading = self.heading_at(along);
        let left = Quat::from_rotation_y(heading) * Vec3::NEG_X;
        Projection { along, offset: (p - near).dot(left), heading }
    }

    /// Signed distance from arc length `from` to `to`, m; on a closed course, in the shorter direction.
    pub fn advance(&self, from: f32, to: f32) -> f32 {
        let d = to - from;
        if !self.closed {
            return d;
        }
        let length = self.length();
        d - (d / length).round() * length
    }
}

/// Heading of a direction vector, rad: 0 looks along -z, positive turns left.
pub fn heading_of(direction: Vec3) -> f32 {
    ops::atan2(-direction.x, -direction.z)
}

/// The angle wrapped into -π..π.
pub fn wrap_angle(angle: f32) -> f32 {
    let turn = std::f32::consts::TAU;
    angle - (angle / turn).round() * turn
}
