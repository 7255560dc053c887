//! Task: visit colored posts in a given order.

use bevy::math::{Quat, Vec3};
use bevy_rapier3d::rapier::prelude::RigidBodyHandle;
use rand::RngExt;
use serde::{Deserialize, Serialize};

use super::falling::{FallTimer, Posture};
use super::kind::{TaskKind, TaskSensor};
use super::score::{Outcome, Task, TaskContext};
use crate::sim::{Body, GoalDetails, Mark, Physics, Sensor, TaskGoal, heading_frame};
use crate::spaces::Field;
use crate::world::{COLORS, Checker, EpisodeStart, POST, Posts, WorldSpecification};

/// Bound of the observed positions, m.
const MAX_DISTANCE: f32 = 20.0;

/// Visit the posts in order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Relay {
    /// Distance from a post within which it counts as visited, m.
    pub radius: f32,
}

/// A colored post.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Post {
    /// Its position, m.
    pub position: Vec3,
    /// Whether it has been visited.
    pub visited: bool,
}

/// The posts of an episode, to be visited in a given order.
#[derive(Clone, Debug, PartialEq)]
pub struct RelayPosts {
    /// One post of each color.
    pub posts: Vec<Post>,
    /// Indices of the posts to visit, in order.
    pub order: Vec<usize>,
    /// Distance from a post within which it counts as visited, m.
    pub radius: f32,
}

impl RelayPosts {
    /// Index of the next post to visit; `None` after the last.
    pub fn next(&self) -> Option<usize> {
        self.order.iter().copied().find(|post| !self.posts[*post].visited)
    }

    /// Index of the post within `radius` of `position`.
    pub fn post_at(&self, position: Vec3) -> Option<usize> {
        self.posts.iter().position(|post| (post.position - position).with_y(0.0).length() < self.radius)
    }

    /// Position of the next post to visit, m.
    fn next_position(&self) -> Option<Vec3> {
        self.next().map(|post| self.posts[post].position)
    }

    /// Number of visited posts.
    fn visited(&self) -> usize {
        self.posts.iter().filter(|post| post.visited).count()
    }
}

impl GoalDetails for RelayPosts {
    fn boxed_clone(&self) -> Box<dyn GoalDetails> {
        Box::new(self.clone())
    }

    /// Mark the next post as visited when the body is at it, and set the goal position to the post after it.
    fn update(&mut self, goal: &mut TaskGoal, physics: &Physics<'_>, root: RigidBodyHandle) {
        let (position, _) = physics.pose(root);
        if let Some(next) = self.next()
            && self.post_at(position) == Some(next)
        {
            self.posts[next].visited = true;
        }
        goal.position = self.next_position();
    }

    fn marks(&self, _: &TaskGoal) -> Vec<Mark> {
        let mark = |(post, (_, color)): (&Post, (&str, [f32; 3]))| Mark::Pillar {
            position: post.position,
            color,
            disc: !post.visited,
        };
        self.posts.iter().zip(COLORS).map(mark).collect()
    }

    /// The next post with its distance and direction, and the posts after it.
    fn status(&self, physics: &Physics<'_>, root: RigidBodyHandle) -> Option<String> {
        let mut left = self.order.iter().filter(|post| !self.posts[**post].visited);
        let next = *left.next()?;
        let (position, rotation) = physics.pose(root);
        let offset = heading_frame(rotation) * (self.posts[next].position - position).with_y(0.0);
        let rest: Vec<&str> = left.map(|post| COLORS[*post].0).collect();
        let then = if rest.is_empty() { String::new() } else { format!(", then {}", rest.join(", ")) };
        Some(format!("next {}, {:.0} m {}{then}", COLORS[next].0, offset.length(), direction(offset)))
    }
}

/// In words, where a point is from a body that looks along -z.
fn direction(offset: Vec3) -> &'static str {
    let (ahead, left) = (-offset.z, -offset.x);
    // Within 30° of straight ahead.
    if ahead > 0.0 && left.abs() < 0.577 * ahead {
        "ahead"
    } else if ahead < 0.0 && left.abs() < -ahead {
        "behind"
    } else if left > 0.0 {
        "to the left"
    } else {
        "to the right"
    }
}

/// Observes the position of each colored post in the body's heading frame, and whether it has been visited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PostSensor {
    /// Number of posts.
    pub posts: usize,
}

impl PostSensor {
    /// The fields that it adds to an observation, with one component per color each.
    pub fn fields(self) -> [Field; 3] {
        [
            Field::new("post_forward", self.posts, "m", -MAX_DISTANCE, MAX_DISTANCE),
            Field::new("post_left", self.posts, "m", -MAX_DISTANCE, MAX_DISTANCE),
            Field::new("post_visited", self.posts, "1", 0.0, 1.0),
        ]
    }
}

impl Sensor for PostSensor {
    fn size(&self) -> usize {
        3 * self.posts
    }

    fn sense(&self, physics: &Physics<'_>, body: &dyn Body, goal: &TaskGoal, out: &mut [f32]) {
        out.fill(0.0);
        let Some(relay) = goal.details_as::<RelayPosts>() else { return };
        let (position, rotation) = physics.pose(body.parts()[0]);
        let to_heading_frame = heading_frame(rotation);
        for (i, post) in relay.posts.iter().take(self.posts).enumerate() {
            let offset = to_heading_frame * (post.position - position);
            out[i] = (-offset.z).clamp(-MAX_DISTANCE, MAX_DISTANCE);
            out[self.posts + i] = (-offset.x).clamp(-MAX_DISTANCE, MAX_DISTANCE);
            out[2 * self.posts + i] = f32::from(u8::from(post.visited));
        }
    }
}

impl TaskKind for Relay {
    fn terms(&self) -> &'static [&'static str] {
        &["approach", "visit", "down", "finish"]
    }

    fn score(&self, _: &WorldSpecification) -> Box<dyn Task> {
        Box::new(RelayScore { relay: self.clone(), last_visited: 0, last_distance: 0.0, fall: FallTimer::default() })
    }

    fn check(&self, world: &WorldSpecification, checker: &mut Checker) {
        checker.parameter("radius", self.radius, 0.05, 20.0, "radius (m)");
        checker.needs(world.relay.is_some(), "relay");
    }

    fn observed_field(&self) -> Option<&'static str> {
        Some("goal")
    }

    fn sensors(&self, world: &WorldSpecification) -> Vec<TaskSensor> {
        let sensor = |relay: &Posts| {
            let sensor = PostSensor { posts: relay.posts };
            TaskSensor { fields: sensor.fields().into(), sensor: Box::new(sensor) }
        };
        world.relay.iter().map(sensor).collect()
    }

    fn begin(&self, episode: &mut EpisodeStart<'_, '_>) {
        let Some(posts) = &episode.world.relay else { return episode.place_all() };
        let (start, _) = episode.place_world();
        let goal = place_posts(episode, posts, self.radius);
        episode.place_agents(start, &goal);
    }
}

/// Place the posts in random order on the ring and sample the order of the visits.
fn place_posts(episode: &mut EpisodeStart<'_, '_>, spec: &Posts, radius: f32) -> TaskGoal {
    let mut places: Vec<usize> = (0..spec.posts).collect();
    let mut order = places.clone();
    for list in [&mut places, &mut order] {
        for i in (1..list.len()).rev() {
            list.swap(i, episode.rng.random_range(0..=i));
        }
    }
    order.truncate(spec.visits);
    if !spec.order.is_empty() {
        order.clone_from(&spec.order);
    }
    let first_angle = episode.uniform(180.0);
    let mut posts = Vec::new();
    for (place, handle) in places.iter().zip(&episode.objects.posts) {
        let angle = (first_angle + 360.0 * *place as f32 / spec.posts as f32).to_radians();
        let on_ring = Quat::from_rotation_y(angle) * Vec3::NEG_Z * spec.ring;
        let position = on_ring + Vec3::new(episode.uniform(spec.spread), 0.0, episode.uniform(spec.spread));
        episode.set_pose(*handle, position + Vec3::Y * (POST.height() / 2.0), 0.0);
        posts.push(Post { position, visited: false });
    }
    let colors: Vec<&str> = order.iter().map(|post| COLORS[*post].0).collect();
    let instruction = Some(format!("visit {}", colors.join(", ")));
    let relay = RelayPosts { posts, order, radius };
    TaskGoal { position: relay.next_position(), instruction, ..TaskGoal::default() }.with_details(relay)
}

/// The state of a [`Relay`] in an episode.
struct RelayScore {
    relay: Relay,
    /// Number of visited posts at the last tick.
    last_visited: usize,
    /// Distance to the next post at the last tick, m.
    last_distance: f32,
    fall: FallTimer,
}

impl Task for RelayScore {
    fn terms(&self) -> &'static [&'static str] {
        self.relay.terms()
    }

    fn reset(&mut self, ctx: &TaskContext<'_>) {
        self.last_visited = ctx.goal.details_as::<RelayPosts>().map_or(0, RelayPosts::visited);
        self.last_distance = ctx.distance_to_goal();
        self.fall = FallTimer::default();
    }

    /// Reward terms: `approach`, decrease of the distance to the next post, m; `visit`, 1 at each visit; `down`, 1 while
    /// fallen; `finish`, 1 at the last visit.
    fn step(&mut self, ctx: &TaskContext<'_>, terms: &mut [f32]) -> Outcome {
        terms.fill(0.0);
        let Some(relay) = ctx.goal.details_as::<RelayPosts>() else { return Outcome::Failure("no posts") };
        let visited = relay.visited();
        if visited > self.last_visited {
            terms[1] = (visited - self.last_visited) as f32;
            self.last_visited = visited;
            if relay.next().is_none() {
                terms[3] = 1.0;
                return Outcome::Success;
            }
        } else {
            terms[0] = self.last_distance - ctx.distance_to_goal();
        }
        self.last_distance = ctx.distance_to_goal();
        let (position, _) = ctx.physics.pose(ctx.body.parts()[0]);
        if relay.post_at(position).is_some_and(|post| !relay.posts[post].visited && relay.next() != Some(post)) {
            return Outcome::Failure("visited the wrong post");
        }
        let posture = self.fall.step(ctx);
        terms[2] = f32::from(u8::from(posture != Posture::Up));
        if posture == Posture::StayedDown {
            return Outcome::Failure("fell and stayed down");
        }
        Outcome::Running
    }
}
