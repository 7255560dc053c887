//! A line to follow: a road's centre, a path through gates.

use bevy::math::{Quat, Vec3, ops};
use thiserror::Error;

/// Distance between the points that a spline is resampled to, m. Half a car's length: a chord of the tightest bend
/// (8 m) then strays 2 cm from the arc.
const SPACING: f32 = 1.0;
/// Points of the fine polyline between two control points, before resampling.
const FINE: usize = 32;
/// Shortest course, m.
const SHORTEST: f32 = 4.0;
/// Pieces that share one bounding circle in the search for the nearest point.
const BLOCK: usize = 8;

/// Why points make no course.
#[derive(Debug, Error, PartialEq)]
pub enum CourseError {
    /// Fewer than three points on a closed course, two on an open one.
    #[error("a course needs at least {wanted} points, found {found}")]
    TooFewPoints {
        /// How many a course of this kind needs.
        wanted: usize,
        /// How many were given.
        found: usize,
    },
    /// Less than 4 m.
    #[error("a course of {0:.2} m is too short; at least 4 m are needed")]
    TooShort(f32),
}

/// A curve of evenly spaced points on or above the ground.
#[derive(Clone, Debug, PartialEq)]
pub struct Course {
    points: Vec<Vec3>,
    closed: bool,
    spacing: f32,
    half_width: f32,
    /// A circle (centre, radius) around each [`BLOCK`] of pieces.
    circles: Vec<(Vec3, f32)>,
}

/// Where a point stands relative to a course.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Projection {
    /// Distance along the course, m.
    pub along: f32,
    /// Distance from the course, positive to its left, m.
    pub offset: f32,
    /// The course's heading there, rad (0 looks along -z, positive turns left).
    pub heading: f32,
}

impl Course {
    /// A uniform Catmull-Rom spline through `points` (x, z on the ground; m), resampled to equal
    /// distances. `half_width` is half the road's width, m.
    ///
    /// # Errors
    /// [`CourseError`] when the points are too few or too close together.
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
        let mut fine = Vec::with_capacity(segments * FINE + 1);
        for segment in 0..segments {
            let i = segment as isize;
            let (a, b, c, d) = (at(i - 1), at(i), at(i + 1), at(i + 2));
            for step in 0..FINE {
                let t = step as f32 / FINE as f32;
                fine.push(
                    0.5 * ((2.0 * b)
                        + (c - a) * t
                        + (2.0 * a - 5.0 * b + 4.0 * c - d) * (t * t)
                        + (3.0 * b - a - 3.0 * c + d) * (t * t * t)),
                );
            }
        }
        fine.push(at(segments as isize));
        Self::resample(&fine, closed, half_width)
    }

    /// From a dense polyline. A closed one repeats its first point at its end.
    fn resample(fine: &[Vec3], closed: bool, half_width: f32) -> Result<Self, CourseError> {
        let length: f32 = fine.windows(2).map(|w| w[0].distance(w[1])).sum();
        if !length.is_finite() || length < SHORTEST {
            return Err(CourseError::TooShort(length));
        }
        let pieces = (length / SPACING).round().max(3.0);
        let spacing = length / pieces;
        let count = pieces as usize + usize::from(!closed);
        let mut points = Vec::with_capacity(count);
        let (mut walked, mut i) = (0.0, 0);
        for k in 0..count {
            let wanted = k as f32 * spacing;
            while i + 2 < fine.len() && walked + fine[i].distance(fine[i + 1]) < wanted {
                walked += fine[i].distance(fine[i + 1]);
                i += 1;
            }
            let piece = fine[i].distance(fine[i + 1]).max(1e-6);
            points.push(fine[i].lerp(fine[i + 1], ((wanted - walked) / piece).clamp(0.0, 1.0)));
        }
        let mut course = Self { points, closed, spacing, half_width, circles: Vec::new() };
        course.circles = (0..course.pieces().div_ceil(BLOCK)).map(|block| course.circle(block)).collect();
        Ok(course)
    }

    /// Straight pieces between neighbouring points.
    fn pieces(&self) -> usize {
        if self.closed { self.points.len() } else { self.points.len() - 1 }
    }

    /// The points before and after a piece.
    fn piece(&self, i: usize) -> (Vec3, Vec3) {
        let next = if i + 1 == self.points.len() { 0 } else { i + 1 };
        (self.points[i], self.points[next])
    }

    /// A circle around a block of pieces, a little too large, so that rounding leaves none of them out.
    fn circle(&self, block: usize) -> (Vec3, f32) {
        let ends = || (block * BLOCK..self.pieces().min((block + 1) * BLOCK)).map(|i| self.piece(i));
        let count = ends().count().max(1) as f32;
        let centre = ends().map(|(a, b)| (a + b) * 0.5).sum::<Vec3>() / count;
        let radius = ends().map(|(a, b)| a.distance(centre).max(b.distance(centre))).fold(0.0, f32::max);
        (centre, radius * 1.001 + 0.01)
    }

    /// Length, m.
    pub fn length(&self) -> f32 {
        self.pieces() as f32 * self.spacing
    }

    /// Whether the end is the start.
    pub fn closed(&self) -> bool {
        self.closed
    }

    /// Half the road's width, m.
    pub fn half_width(&self) -> f32 {
        self.half_width
    }

    /// The points, evenly spaced.
    pub fn points(&self) -> &[Vec3] {
        &self.points
    }

    fn index(&self, i: isize) -> usize {
        let n = self.points.len() as isize;
        (if self.closed { i.rem_euclid(n) } else { i.clamp(0, n - 1) }) as usize
    }

    /// The point `along` metres from the start, m. Beyond an open course's ends: straight on.
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

    /// Unit direction of the piece after point `i`.
    fn direction(&self, i: isize) -> Vec3 {
        let i = if self.closed { i } else { i.clamp(0, self.points.len() as isize - 2) };
        (self.points[self.index(i + 1)] - self.points[self.index(i)]).normalize_or(Vec3::NEG_Z)
    }

    /// Heading `along` metres from the start, rad.
    pub fn heading_at(&self, along: f32) -> f32 {
        let k = along / self.spacing;
        let i = k.floor();
        let d = self.direction(i as isize).lerp(self.direction(i as isize + 1), k - i);
        heading_of(d)
    }

    /// Signed curvature `along` metres from the start, 1/m, positive to the left, over a window of 6 m.
    pub fn curvature_at(&self, along: f32) -> f32 {
        let turn = wrap_angle(self.heading_at(along + 3.0) - self.heading_at(along - 3.0));
        turn / 6.0
    }

    /// Where `position` stands relative to the course's nearest point, seen from above.
    pub fn project(&self, position: Vec3) -> Projection {
        let p = Vec3::new(position.x, 0.0, position.z);
        let mut best = (f32::INFINITY, 0, 0.0);
        for (block, (centre, radius)) in self.circles.iter().enumerate() {
            // Nothing in the circle is nearer than this.
            let least = (*centre - p).length() - radius;
            if least > 0.0 && least * least > best.0 {
                continue;
            }
            for i in block * BLOCK..self.pieces().min((block + 1) * BLOCK) {
                let (a, b) = self.piece(i);
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

    /// `to - from` along the course, taking the short way round a closed one, m.
    pub fn advance(&self, from: f32, to: f32) -> f32 {
        let d = to - from;
        if !self.closed {
            return d;
        }
        let length = self.length();
        d - (d / length).round() * length
    }
}

/// Heading of a direction, rad: 0 looks along -z, positive turns left.
pub fn heading_of(direction: Vec3) -> f32 {
    ops::atan2(-direction.x, -direction.z)
}

/// An angle brought into -π..π.
pub fn wrap_angle(angle: f32) -> f32 {
    let turn = std::f32::consts::TAU;
    angle - (angle / turn).round() * turn
}
