//! Projection onto a course: the search with bounding circles gives the same point as a search of all segments.

use apprentice::sim::Course;
use bevy::math::Vec3;
use proptest::prelude::*;

/// Distance between `p` and the nearest segment, in the horizontal plane, m.
fn nearest(course: &Course, p: Vec3) -> f32 {
    let points = course.points();
    let segments = if course.closed() { points.len() } else { points.len() - 1 };
    (0..segments)
        .map(|i| {
            let (a, b) = (points[i], points[(i + 1) % points.len()]);
            let along = ((p - a).dot(b - a) / (b - a).length_squared()).clamp(0.0, 1.0);
            (a + (b - a) * along).distance(p)
        })
        .fold(f32::INFINITY, f32::min)
}

proptest! {
    #[test]
    fn the_projection_is_the_nearest_point(
        points in prop::collection::vec((-80.0f32..80.0, -80.0f32..80.0), 3..12),
        closed: bool,
        positions in prop::collection::vec((-120.0f32..120.0, -120.0f32..120.0), 20),
    ) {
        let Ok(course) = Course::spline(&points, closed, 4.0) else { return Ok(()) };
        for (x, z) in positions {
            let p = Vec3::new(x, 0.0, z);
            let projection = course.point_at(course.project(p).along);
            prop_assert!(
                (projection.distance(p) - nearest(&course, p)).abs() < 1e-2,
                "{p} is {} m from the projection, {} m from the nearest point", projection.distance(p), nearest(&course, p)
            );
        }
    }
}
