//! Validation of scenes beyond the RON schema.

use super::colors::COLORS;
use super::locate::Step;
use super::specification::{SceneSpecification, Shape, TaskKind};
use crate::agents::{AgentKind, ParameterRange};
use crate::sim::Course;
use crate::tasks::{Lap, Park, Push, Reach, Slalom, Tag, Task, Visit};

/// Greatest number of objects in a scene: one core still simulates it in real time.
const MAX_OBJECTS: f32 = 200.0;
/// Greatest absolute coordinate, m: beyond it, the resolution of 32-bit floats is worse than 0.1 mm.
const MAX_COORDINATE: f32 = 2000.0;
/// Greatest absolute weight of a reward term.
const MAX_WEIGHT: f32 = 1e6;

/// A value that is not allowed: its path in the file and an error message.
pub(super) struct Violation {
    pub path: Vec<Step>,
    pub message: String,
}

/// Names of a task's reward terms.
pub(super) fn terms_of(task: &TaskKind) -> &'static [&'static str] {
    match task {
        TaskKind::Lap { .. } => Lap::new(1.0, 0.0, false).terms(),
        TaskKind::Slalom { .. } => Slalom::new(1.0).terms(),
        TaskKind::Park { .. } => Park::new(1.0, 1.0, 1.0).terms(),
        TaskKind::Reach { .. } => Reach::new(1.0).terms(),
        TaskKind::Relay { .. } => Visit::default().terms(),
        TaskKind::Tag { .. } => Tag::new(1.0, 1).terms(),
        TaskKind::Push { .. } => Push::new(1.0).terms(),
    }
}

/// Collects violations.
struct Checker(Vec<Violation>);

impl Checker {
    fn report(&mut self, path: &[Step], message: String) {
        self.0.push(Violation { path: path.to_vec(), message });
    }

    fn number(&mut self, path: &[Step], value: f32, low: f32, high: f32, what: &str) {
        if !(value >= low && value <= high) {
            self.report(path, format!("{what} is {value}; it must be between {low} and {high}"));
        }
    }
}

/// The observation field that a task needs: its agents must observe the course or the goal.
fn observed_field(task: &TaskKind) -> Option<&'static str> {
    match task {
        TaskKind::Lap { .. } | TaskKind::Slalom { .. } | TaskKind::Park { .. } => Some("course_offset"),
        TaskKind::Reach { .. } | TaskKind::Push { .. } | TaskKind::Relay { .. } => Some("goal"),
        TaskKind::Tag { .. } => None,
    }
}

/// Validate an agent's parameters.
fn agent(c: &mut Checker, key: &'static str, agent: &dyn AgentKind) {
    for ParameterRange { path, value, low, high } in agent.parameter_ranges() {
        let name = path.last().copied().unwrap_or(key);
        let path: Vec<Step> = std::iter::once(key).chain(path).map(Step::Key).collect();
        c.number(&path, value, low, high, name);
    }
}

/// Validate the stages of a scene's curriculum.
fn curriculum(c: &mut Checker, scene: &SceneSpecification) {
    use Step::{Index, Key};
    for (i, stage) in scene.curriculum.iter().enumerate() {
        let here = [Key("curriculum"), Index(i)];
        let threshold = [here[0].clone(), here[1].clone(), Key("success_threshold")];
        c.number(&threshold, stage.success_threshold, 0.01, 1.0, "success_threshold");
        let modified = scene.at_stage(stage);
        let compatible =
            terms_of(&modified.task) == terms_of(&scene.task) && super::build::same_spaces(&modified, scene);
        if !compatible {
            c.report(&here, "a curriculum stage must have the same task and the same spaces as the scene".into());
        }
        if let Some(violation) = validate(&modified).into_iter().next() {
            c.report(&here, format!("the curriculum stage is not valid: {}", violation.message));
        }
    }
}

/// All violations of a scene.
pub(super) fn validate(scene: &SceneSpecification) -> Vec<Violation> {
    use Step::{Index, Key, Text};
    let mut c = Checker(Vec::new());
    c.number(&[Key("control_dt")], scene.control_dt, 1.0 / 120.0, 0.2, "control_dt (s)");
    c.number(&[Key("sim_dt")], scene.sim_dt, 1.0 / 1000.0, 1.0 / 60.0, "sim_dt (s)");
    let steps = scene.control_dt / scene.sim_dt;
    if (steps - steps.round()).abs() > 0.01 || steps < 1.0 {
        c.report(
            &[Key("control_dt")],
            format!(
                "control_dt {} s is {steps} times sim_dt {} s; it must be a whole multiple",
                scene.control_dt, scene.sim_dt
            ),
        );
    }
    c.number(&[Key("time_limit")], scene.time_limit, 1.0, 3600.0, "time_limit (s)");
    c.number(&[Key("ground"), Key("half_size")], scene.ground.half_size, 1.0, 2000.0, "half_size (m)");
    c.number(&[Key("ground"), Key("friction")], scene.ground.friction, 0.0, 5.0, "friction");
    for (name, message) in scene.conditions.violations() {
        c.report(&[Key("conditions"), Key(name)], message);
    }
    agent(&mut c, "agent", &*scene.agent);
    if let Some(road) = &scene.course {
        let here = Key("course");
        c.number(&[here.clone(), Key("half_width")], road.half_width, 1.0, 50.0, "half_width (m)");
        c.number(&[here.clone(), Key("bank")], road.bank, 0.0, 30.0, "bank (degrees)");
        for (i, (x, z)) in road.points.iter().enumerate() {
            let coordinate = x.abs().max(z.abs());
            c.number(
                &[here.clone(), Key("points"), Index(i)],
                coordinate,
                0.0,
                MAX_COORDINATE,
                "an absolute coordinate (m)",
            );
        }
        if c.0.is_empty()
            && let Err(error) = Course::spline(&road.points, road.closed, road.half_width)
        {
            c.report(&[here, Key("points")], error.to_string());
        }
    }
    let start = &scene.start;
    for x in [start.at.0, start.at.1] {
        c.number(&[Key("start"), Key("at")], x.abs(), 0.0, MAX_COORDINATE, "an absolute coordinate (m)");
    }
    for x in [start.spread.0, start.spread.1] {
        c.number(&[Key("start"), Key("spread")], x, 0.0, MAX_COORDINATE, "spread (m)");
    }
    c.number(&[Key("start"), Key("turn")], start.turn, 0.0, 360.0, "turn (degrees)");
    c.number(&[Key("pace"), Key("cruise")], scene.pace.cruise, 0.5, 60.0, "cruise (m/s)");
    c.number(&[Key("pace"), Key("lateral")], scene.pace.lateral, 0.5, 30.0, "lateral (m/s²)");
    c.number(&[Key("pace"), Key("dodge")], scene.pace.dodge, 0.0, 20.0, "dodge (m)");
    c.number(&[Key("pace"), Key("notice")], scene.pace.notice, 1.0, 25.0, "notice (m)");
    c.number(&[Key("objects")], scene.objects.len() as f32, 0.0, MAX_OBJECTS, "the number of objects");
    if let Some(scatter) = &scene.scatter {
        c.number(&[Key("scatter"), Key("count")], scatter.count as f32, 1.0, MAX_OBJECTS, "count");
    }
    if let Some(gates) = &scene.gates {
        c.number(&[Key("gates"), Key("count")], gates.count as f32, 2.0, 100.0, "count");
        c.number(&[Key("gates"), Key("spacing")], gates.spacing, 4.0, 100.0, "spacing (m)");
        c.number(&[Key("gates"), Key("first")], gates.first, 4.0, 100.0, "first (m)");
        c.number(&[Key("gates"), Key("spread")], gates.spread, 0.0, gates.spacing / 3.0, "spread (m)");
    }
    for (i, object) in scene.objects.iter().enumerate() {
        let here = [Key("objects"), Index(i)];
        let sizes = match object.shape {
            Shape::Box(x, y, z) => vec![x, y, z],
            Shape::Cylinder(r, h) => vec![r, h],
        };
        for size in sizes {
            c.number(&[here[0].clone(), here[1].clone(), Key("shape")], size, 0.01, 500.0, "a size (m)");
        }
        if let Some(mass) = object.mass {
            c.number(&[here[0].clone(), here[1].clone(), Key("mass")], mass, 0.01, 1e5, "mass (kg)");
        }
    }
    if let Some(relay) = &scene.relay {
        let max_posts = COLORS.len() as f32;
        c.number(&[Key("relay"), Key("posts")], relay.posts as f32, 2.0, max_posts, "posts");
        c.number(&[Key("relay"), Key("visits")], relay.visits as f32, 1.0, relay.posts as f32, "visits");
        c.number(&[Key("relay"), Key("ring")], relay.ring, 1.0, 100.0, "ring (m)");
        c.number(&[Key("relay"), Key("spread")], relay.spread, 0.0, relay.ring / 2.0, "spread (m)");
        let mut order = relay.order.clone();
        order.sort_unstable();
        order.dedup();
        if !relay.order.is_empty() && (order.len() != relay.visits || order.iter().any(|post| *post >= relay.posts)) {
            let message = format!("order must list {} different posts from 0 to {}", relay.visits, relay.posts - 1);
            c.report(&[Key("relay"), Key("order")], message);
        }
    }
    if let Some(camera) = &scene.camera {
        c.number(&[Key("camera"), Key("width")], camera.width as f32, 8.0, 128.0, "width (pixels)");
        c.number(&[Key("camera"), Key("height")], camera.height as f32, 8.0, 128.0, "height (pixels)");
        c.number(&[Key("camera"), Key("field_of_view")], camera.field_of_view, 10.0, 350.0, "field_of_view (degrees)");
        c.number(&[Key("camera"), Key("reach")], camera.reach, 0.5, 200.0, "reach (m)");
        c.number(&[Key("camera"), Key("above")], camera.above, -5.0, 20.0, "above (m)");
        c.number(&[Key("camera"), Key("down")], camera.down, -90.0, 90.0, "down (degrees)");
    }
    if let Some(traffic) = &scene.traffic {
        c.number(&[Key("traffic"), Key("count")], traffic.count as f32, 1.0, 64.0, "count");
        c.number(&[Key("traffic"), Key("speed")], traffic.speed.0, 0.5, traffic.speed.1, "the slowest speed (m/s)");
        if scene.course.is_none() {
            c.report(&[Key("traffic")], "traffic needs a course".to_owned());
        }
    }
    let needs = |present: bool, what: &str, c: &mut Checker| {
        if !present {
            c.report(&[Key("task")], format!("this task needs `{what}`, which the scene lacks"));
        }
    };
    match &scene.task {
        TaskKind::Lap { laps, .. } => {
            c.number(&[Key("task"), Key("laps")], *laps, 0.05, 100.0, "laps");
            needs(scene.course.is_some(), "course", &mut c);
        }
        TaskKind::Slalom { reach } => {
            c.number(&[Key("task"), Key("reach")], *reach, 1.0, 50.0, "reach (m)");
            needs(scene.gates.is_some(), "gates", &mut c);
        }
        TaskKind::Park { distance, angle, hold } => {
            c.number(&[Key("task"), Key("distance")], *distance, 0.05, 5.0, "distance (m)");
            c.number(&[Key("task"), Key("angle")], *angle, 0.5, 180.0, "angle (degrees)");
            c.number(&[Key("task"), Key("hold")], *hold, 0.0, 60.0, "hold (s)");
            needs(!scene.bays.is_empty(), "bays", &mut c);
        }
        TaskKind::Reach { radius } => {
            c.number(&[Key("task"), Key("radius")], *radius, 0.05, 20.0, "radius (m)");
            needs(scene.goal.is_some(), "goal", &mut c);
        }
        TaskKind::Relay { radius } => {
            c.number(&[Key("task"), Key("radius")], *radius, 0.05, 20.0, "radius (m)");
            needs(scene.relay.is_some(), "relay", &mut c);
        }
        TaskKind::Tag { radius, apart } => {
            c.number(&[Key("task"), Key("radius")], *radius, 0.3, 20.0, "radius (m)");
            let (x, z) = scene.start.spread;
            let others = [
                ("course", scene.course.is_some()),
                ("gates", scene.gates.is_some()),
                ("bays", !scene.bays.is_empty()),
                ("relay", scene.relay.is_some()),
                ("goal", scene.goal.is_some()),
                ("traffic", scene.traffic.is_some()),
                ("curriculum", !scene.curriculum.is_empty()),
            ];
            for (name, _) in others.into_iter().filter(|(_, there)| *there) {
                c.report(&[Key(name)], format!("`{name}` is not allowed in a game of tag; leave it out"));
            }
            c.number(&[Key("task"), Key("apart")], *apart, *radius, MAX_COORDINATE, "apart (m)");
            // Two uniform samples from a rectangle are often enough farther apart than half of its longer side.
            if x.max(z) < *apart {
                let message = format!(
                    "the agents start within ({x}, {z}) m of `at`, which is too close for `apart` of {apart} m"
                );
                c.report(&[Key("start")], message);
            }
        }
        TaskKind::Push { object, radius } => {
            c.number(&[Key("task"), Key("radius")], *radius, 0.05, 20.0, "radius (m)");
            needs(scene.goal.is_some(), "goal", &mut c);
            if scene.objects.get(*object).is_none_or(|o| o.mass.is_none()) {
                c.report(
                    &[Key("task"), Key("object")],
                    format!("object {object} is not one of the {} objects, or it has no mass", scene.objects.len()),
                );
            }
        }
    }
    let tag = matches!(scene.task, TaskKind::Tag { .. });
    if let Some(field) = observed_field(&scene.task)
        && scene.agent.observation_layout().range(field).is_none()
    {
        let name = scene.agent.name();
        c.report(
            &[Key("agent")],
            format!("a {name} does not observe `{field}`, which the task needs; give another agent"),
        );
    }
    if let Some(runner) = &scene.runner {
        agent(&mut c, "runner", &**runner);
        let same = super::build::same_spaces(scene, &SceneSpecification { agent: runner.clone(), ..scene.clone() });
        if !tag || !same {
            let message = "only a game of tag has a runner, with the same observation and action spaces as the chaser";
            c.report(&[Key("runner")], message.to_owned());
        }
    }
    let known = terms_of(&scene.task);
    for (name, weight) in &scene.terms {
        if !known.contains(&name.as_str()) {
            c.report(
                &[Key("terms"), Text(name.clone())],
                format!("unknown reward term `{name}`; this task has {}", known.join(", ")),
            );
        } else {
            c.number(&[Key("terms"), Text(name.clone())], *weight, -MAX_WEIGHT, MAX_WEIGHT, "the weight");
        }
    }
    if c.0.is_empty() {
        curriculum(&mut c, scene);
    }
    c.0
}
