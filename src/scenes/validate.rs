//! Is a scene possible? What the schema alone cannot say.

use super::colours::COLOURS;
use super::locate::Step;
use super::specification::{AgentKind, Form, SceneSpecification, TaskKind};
use crate::sim::Course;
use crate::tasks::{Lap, Park, Push, Reach, Slalom, Tag, Task, Visit};

/// Objects in a scene: what one core still steps in real time.
const MOST_THINGS: f32 = 200.0;
/// Farthest that a road may lead from the middle, m: beyond, 32-bit coordinates lose millimetres.
const FARTHEST: f32 = 2000.0;
/// Greatest weight of a score term.
const MOST_WEIGHT: f32 = 1e6;

/// Something that is not allowed, and where.
pub(super) struct Objection {
    pub path: Vec<Step>,
    pub message: String,
}

/// Names of the score terms of a task.
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

/// Collects objections.
struct Checker(Vec<Objection>);

impl Checker {
    fn object(&mut self, path: &[Step], message: String) {
        self.0.push(Objection { path: path.to_vec(), message });
    }

    fn number(&mut self, path: &[Step], value: f32, low: f32, high: f32, what: &str) {
        if !(value >= low && value <= high) {
            self.object(path, format!("{what} is {value}; allowed is {low} to {high}"));
        }
    }
}

/// What is not allowed about an agent's own numbers.
fn agent(c: &mut Checker, key: &'static str, agent: &AgentKind) {
    use Step::Key;
    match agent {
        AgentKind::Humanoid { harness, .. } => {
            c.number(&[Key(key), Key("harness")], *harness, 0.0, 1.0, "harness");
        }
        AgentKind::Vehicle { car } => {
            for (name, value, low, high) in [
                ("mass", car.mass, 50.0, 100_000.0),
                ("length", car.length, 0.5, 30.0),
                ("width", car.width, 0.3, 10.0),
                ("height", car.height, 0.3, 10.0),
                ("wheelbase", car.wheelbase, 0.3, 30.0),
                ("track", car.track, 0.3, 10.0),
                ("wheel_radius", car.wheel_radius, 0.05, 5.0),
                ("grip", car.grip, 0.01, 10.0),
                ("sliding_grip", car.sliding_grip, 0.01, 1.0),
                ("drive_force", car.drive_force, 0.0, 1e7),
                ("power", car.power, 0.0, 1e8),
                ("top_speed", car.top_speed, 0.1, 200.0),
                ("brake_force", car.brake_force, 0.0, 1e7),
                ("steering_lock", car.steering_lock, 0.01, 1.5),
                ("steering_acceleration", car.steering_acceleration, 0.1, 100.0),
                ("steering_rate", car.steering_rate, 0.01, 100.0),
            ] {
                c.number(&[Key(key), Key("car"), Key(name)], value, low, high, name);
            }
        }
    }
}

/// What is not allowed about a scene's lessons.
fn lessons(c: &mut Checker, scene: &SceneSpecification) {
    use Step::{Index, Key};
    for (i, lesson) in scene.lessons.iter().enumerate() {
        let here = [Key("lessons"), Index(i)];
        c.number(&[here[0].clone(), here[1].clone(), Key("until")], lesson.until, 0.01, 1.0, "until");
        let easier = scene.in_lesson(lesson);
        let alike = terms_of(&easier.task) == terms_of(&scene.task) && super::build::same_spaces(&easier, scene);
        if !alike {
            c.object(&here, "a lesson has another task or another agent than the scene".into());
        }
        if let Some(objection) = validate(&easier).into_iter().next() {
            c.object(&here, format!("the lesson is not possible: {}", objection.message));
        }
    }
}

/// Everything about a scene that is not allowed.
pub(super) fn validate(scene: &SceneSpecification) -> Vec<Objection> {
    use Step::{Index, Key, Text};
    let mut c = Checker(Vec::new());
    c.number(&[Key("control_dt")], scene.control_dt, 1.0 / 120.0, 0.2, "control_dt (s)");
    c.number(&[Key("sim_dt")], scene.sim_dt, 1.0 / 1000.0, 1.0 / 60.0, "sim_dt (s)");
    let steps = scene.control_dt / scene.sim_dt;
    if (steps - steps.round()).abs() > 0.01 || steps < 1.0 {
        c.object(
            &[Key("control_dt")],
            format!(
                "control_dt {} s is {steps} of sim_dt {} s; allowed is a whole number",
                scene.control_dt, scene.sim_dt
            ),
        );
    }
    c.number(&[Key("time_limit")], scene.time_limit, 1.0, 3600.0, "time_limit (s)");
    c.number(&[Key("ground"), Key("half_size")], scene.ground.half_size, 1.0, 2000.0, "half_size (m)");
    c.number(&[Key("ground"), Key("friction")], scene.ground.friction, 0.0, 5.0, "friction");
    for (name, objection) in scene.conditions.objections() {
        c.object(&[Key("conditions"), Key(name)], objection);
    }
    agent(&mut c, "agent", &scene.agent);
    if let Some(road) = &scene.course {
        let here = Key("course");
        c.number(&[here.clone(), Key("half_width")], road.half_width, 1.0, 50.0, "half_width (m)");
        c.number(&[here.clone(), Key("bank")], road.bank, 0.0, 30.0, "bank (degrees)");
        for (i, (x, z)) in road.points.iter().enumerate() {
            let far = x.abs().max(z.abs());
            c.number(&[here.clone(), Key("points"), Index(i)], far, 0.0, FARTHEST, "a coordinate's size (m)");
        }
        if c.0.is_empty()
            && let Err(error) = Course::spline(&road.points, road.closed, road.half_width)
        {
            c.object(&[here, Key("points")], error.to_string());
        }
    }
    let start = &scene.start;
    for x in [start.at.0, start.at.1] {
        c.number(&[Key("start"), Key("at")], x.abs(), 0.0, FARTHEST, "a coordinate's size (m)");
    }
    for x in [start.spread.0, start.spread.1] {
        c.number(&[Key("start"), Key("spread")], x, 0.0, FARTHEST, "spread (m)");
    }
    c.number(&[Key("start"), Key("turn")], start.turn, 0.0, 360.0, "turn (degrees)");
    c.number(&[Key("pace"), Key("cruise")], scene.pace.cruise, 0.5, 60.0, "cruise (m/s)");
    c.number(&[Key("pace"), Key("lateral")], scene.pace.lateral, 0.5, 30.0, "lateral (m/s²)");
    c.number(&[Key("pace"), Key("dodge")], scene.pace.dodge, 0.0, 20.0, "dodge (m)");
    c.number(&[Key("pace"), Key("notice")], scene.pace.notice, 1.0, 25.0, "notice (m)");
    c.number(&[Key("objects")], scene.objects.len() as f32, 0.0, MOST_THINGS, "the number of objects");
    if let Some(scatter) = &scene.scatter {
        c.number(&[Key("scatter"), Key("count")], scatter.count as f32, 1.0, MOST_THINGS, "count");
    }
    if let Some(gates) = &scene.gates {
        c.number(&[Key("gates"), Key("count")], gates.count as f32, 2.0, 100.0, "count");
        c.number(&[Key("gates"), Key("spacing")], gates.spacing, 4.0, 100.0, "spacing (m)");
        c.number(&[Key("gates"), Key("first")], gates.first, 4.0, 100.0, "first (m)");
        c.number(&[Key("gates"), Key("spread")], gates.spread, 0.0, gates.spacing / 3.0, "spread (m)");
    }
    for (i, object) in scene.objects.iter().enumerate() {
        let here = [Key("objects"), Index(i)];
        let sizes = match object.form {
            Form::Box(x, y, z) => vec![x, y, z],
            Form::Cylinder(r, h) => vec![r, h],
        };
        for size in sizes {
            c.number(&[here[0].clone(), here[1].clone(), Key("form")], size, 0.01, 500.0, "a size (m)");
        }
        if let Some(mass) = object.mass {
            c.number(&[here[0].clone(), here[1].clone(), Key("mass")], mass, 0.01, 1e5, "mass (kg)");
        }
    }
    if let Some(relay) = &scene.relay {
        let most = COLOURS.len() as f32;
        c.number(&[Key("relay"), Key("posts")], relay.posts as f32, 2.0, most, "posts");
        c.number(&[Key("relay"), Key("visits")], relay.visits as f32, 1.0, relay.posts as f32, "visits");
        c.number(&[Key("relay"), Key("ring")], relay.ring, 1.0, 100.0, "ring (m)");
        c.number(&[Key("relay"), Key("spread")], relay.spread, 0.0, relay.ring / 2.0, "spread (m)");
        let mut order = relay.order.clone();
        order.sort_unstable();
        order.dedup();
        if !relay.order.is_empty() && (order.len() != relay.visits || order.iter().any(|post| *post >= relay.posts)) {
            let message = format!("order has to name {} different posts of 0 to {}", relay.visits, relay.posts - 1);
            c.object(&[Key("relay"), Key("order")], message);
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
            c.object(&[Key("traffic")], "traffic needs a course".to_owned());
        }
    }
    let needs = |present: bool, what: &str, c: &mut Checker| {
        if !present {
            c.object(&[Key("task")], format!("this task needs `{what}`, which the scene lacks"));
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
                ("lessons", !scene.lessons.is_empty()),
            ];
            for (name, _) in others.into_iter().filter(|(_, there)| *there) {
                c.object(&[Key(name)], format!("a game of tag has no `{name}`; leave it out"));
            }
            c.number(&[Key("task"), Key("apart")], *apart, *radius, FARTHEST, "apart (m)");
            // Two draws of a rectangle are farther apart than its longer half side often enough.
            if x.max(z) < *apart {
                let message =
                    format!("they begin within ({x}, {z}) m of `at`, which is too close for `apart` of {apart} m");
                c.object(&[Key("start")], message);
            }
        }
        TaskKind::Push { object, radius } => {
            c.number(&[Key("task"), Key("radius")], *radius, 0.05, 20.0, "radius (m)");
            needs(scene.goal.is_some(), "goal", &mut c);
            if scene.objects.get(*object).is_none_or(|o| o.mass.is_none()) {
                c.object(
                    &[Key("task"), Key("object")],
                    format!("object {object} is not one of the {} objects, or has no mass", scene.objects.len()),
                );
            }
        }
    }
    let drives = matches!(scene.task, TaskKind::Lap { .. } | TaskKind::Slalom { .. } | TaskKind::Park { .. });
    let either = matches!(scene.task, TaskKind::Tag { .. });
    if !either && drives != matches!(scene.agent, AgentKind::Vehicle { .. }) {
        c.object(
            &[Key("agent")],
            format!(
                "the agent is a {}; allowed is Vehicle for Lap, Slalom and Park, Humanoid for Reach, Push and Relay",
                scene.agent.name()
            ),
        );
    }
    if let Some(runner) = &scene.runner {
        agent(&mut c, "runner", runner);
        let same = super::build::same_spaces(scene, &SceneSpecification { agent: runner.clone(), ..scene.clone() });
        if !either || !same {
            let message = "only a game of tag has a runner, who senses and does the same as the chaser";
            c.object(&[Key("runner")], message.to_owned());
        }
    }
    let known = terms_of(&scene.task);
    for (name, weight) in &scene.terms {
        if !known.contains(&name.as_str()) {
            c.object(
                &[Key("terms"), Text(name.clone())],
                format!("unknown score term `{name}`; allowed are {}", known.join(", ")),
            );
        } else {
            c.number(&[Key("terms"), Text(name.clone())], *weight, -MOST_WEIGHT, MOST_WEIGHT, "the weight");
        }
    }
    if c.0.is_empty() {
        lessons(&mut c, scene);
    }
    c.0
}
