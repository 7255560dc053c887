//! Projecting onto a course: the search that leaves blocks of pieces out finds what a search of all of them finds.

use apprentice::sim::Course;
use bevy::math::Vec3;
use proptest::prelude::*;

/// Distance of `p` from the nearest of all pieces, seen from above, m.
fn nearest(course: &Course, p: Vec3) -> f32 {
    let points = course.points();
    let pieces = if course.closed() { points.len() } else { points.len() - 1 };
    (0..pieces)
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
        places in prop::collection::vec((-120.0f32..120.0, -120.0f32..120.0), 20),
    ) {
        let Ok(course) = Course::spline(&points, closed, 4.0) else { return Ok(()) };
        for (x, z) in places {
            let p = Vec3::new(x, 0.0, z);
            let found = course.point_at(course.project(p).along);
            prop_assert!(
                (found.distance(p) - nearest(&course, p)).abs() < 1e-2,
                "{p} lies {} m from the point found, {} m from the nearest", found.distance(p), nearest(&course, p)
            );
        }
    }
}
