//! Validation of scenes beyond the RON schema.

use super::specification::SceneSpecification;
use crate::agents::{AgentKind, DepthCamera, Pace, ParameterRange};
use crate::sim::Course;
use crate::world::{COLORS, Checker, MAX_COORDINATE, Posts, Road, Shape, Start, Step, Violation, WorldSpecification};

/// Greatest number of objects in a scene: one core still simulates it in real time.
const MAX_OBJECTS: f32 = 200.0;
/// Greatest number of stages of a curriculum, each of which is validated and kept as a scene.
const MAX_STAGES: f32 = 100.0;
/// Greatest absolute weight of a reward term.
const MAX_WEIGHT: f32 = 1e6;

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
    c.number(&[Key("curriculum")], scene.curriculum.len() as f32, 0.0, MAX_STAGES, "the number of stages");
    if !c.is_empty() {
        return;
    }
    for (i, stage) in scene.curriculum.iter().enumerate() {
        let here = [Key("curriculum"), Index(i)];
        let threshold = [here[0].clone(), here[1].clone(), Key("success_threshold")];
        c.number(&threshold, stage.success_threshold, 0.01, 1.0, "success_threshold");
        let modified = scene.at_stage(stage);
        let same_task = modified.task.name == scene.task.name && modified.task.kind.terms() == scene.task.kind.terms();
        if !same_task || !super::build::same_spaces(&modified, scene) {
            c.report(&here, "a curriculum stage must have the same task and the same spaces as the scene".into());
        }
        if let Some(violation) = validate(&modified).into_iter().next() {
            c.report(&here, format!("the curriculum stage is not valid: {}", violation.message));
        }
    }
}

/// Validate ticks, time limit, ground and conditions.
fn timing_and_ground(c: &mut Checker, world: &WorldSpecification) {
    use Step::Key;
    c.number(&[Key("control_dt")], world.control_dt, 1.0 / 120.0, 0.2, "control_dt (s)");
    c.number(&[Key("sim_dt")], world.sim_dt, 1.0 / 1000.0, 1.0 / 60.0, "sim_dt (s)");
    let steps = world.control_dt / world.sim_dt;
    if (steps - steps.round()).abs() > 0.01 || steps < 1.0 {
        c.report(
            &[Key("control_dt")],
            format!(
                "control_dt {} s is {steps} times sim_dt {} s; it must be a whole multiple",
                world.control_dt, world.sim_dt
            ),
        );
    }
    c.number(&[Key("time_limit")], world.time_limit, 1.0, 3600.0, "time_limit (s)");
    c.number(&[Key("ground"), Key("half_size")], world.ground.half_size, 1.0, 2000.0, "half_size (m)");
    c.number(&[Key("ground"), Key("friction")], world.ground.friction, 0.0, 5.0, "friction");
    for (name, message) in world.conditions.violations() {
        c.report(&[Key("conditions"), Key(name)], message);
    }
}

/// Validate a road.
fn road(c: &mut Checker, road: &Road) {
    use Step::{Index, Key};
    let here = Key("course");
    c.number(&[here.clone(), Key("half_width")], road.half_width, 1.0, 50.0, "half_width (m)");
    c.number(&[here.clone(), Key("bank")], road.bank, 0.0, 30.0, "bank (degrees)");
    for (i, (x, z)) in road.points.iter().enumerate() {
        let coordinate = x.abs().max(z.abs());
        let path = [here.clone(), Key("points"), Index(i)];
        c.number(&path, coordinate, 0.0, MAX_COORDINATE, "an absolute coordinate (m)");
    }
    if c.is_empty()
        && let Err(error) = Course::spline(&road.points, road.closed, road.half_width)
    {
        c.report(&[here, Key("points")], error.to_string());
    }
}

/// Validate a position.
fn position(c: &mut Checker, path: &[Step], (x, z): (f32, f32)) {
    for coordinate in [x, z] {
        c.number(path, coordinate.abs(), 0.0, MAX_COORDINATE, "an absolute coordinate (m)");
    }
}

/// Validate the greatest random offset of a position.
fn spread(c: &mut Checker, path: &[Step], (x, z): (f32, f32)) {
    for offset in [x, z] {
        c.number(path, offset, 0.0, MAX_COORDINATE, "spread (m)");
    }
}

/// Validate the size of an object.
fn shape(c: &mut Checker, path: &[Step], shape: Shape) {
    let sizes = match shape {
        Shape::Box(x, y, z) => vec![x, y, z],
        Shape::Cylinder(r, h) => vec![r, h],
    };
    for size in sizes {
        c.number(path, size, 0.01, 500.0, "a size (m)");
    }
}

/// Validate the start poses and the scripted operators' parameters.
fn start_and_pace(c: &mut Checker, start: &Start, pace: &Pace) {
    use Step::Key;
    position(c, &[Key("start"), Key("at")], start.at);
    spread(c, &[Key("start"), Key("spread")], start.spread);
    c.number(&[Key("start"), Key("heading")], start.heading, -360.0, 360.0, "heading (degrees)");
    c.number(&[Key("start"), Key("turn")], start.turn, 0.0, 360.0, "turn (degrees)");
    c.number(&[Key("pace"), Key("cruise")], pace.cruise, 0.5, 60.0, "cruise (m/s)");
    c.number(&[Key("pace"), Key("lateral")], pace.lateral, 0.5, 30.0, "lateral (m/s²)");
    c.number(&[Key("pace"), Key("dodge")], pace.dodge, 0.0, 20.0, "dodge (m)");
    c.number(&[Key("pace"), Key("notice")], pace.notice, 1.0, 25.0, "notice (m)");
}

/// Validate objects and cones.
fn objects(c: &mut Checker, world: &WorldSpecification) {
    use Step::{Index, Key};
    c.number(&[Key("objects")], world.objects.len() as f32, 0.0, MAX_OBJECTS, "the number of objects");
    if let Some(scatter) = &world.scatter {
        c.number(&[Key("scatter"), Key("count")], scatter.count as f32, 1.0, MAX_OBJECTS, "count");
        shape(c, &[Key("scatter"), Key("shape")], scatter.shape);
        position(c, &[Key("scatter"), Key("area")], scatter.area.0);
        position(c, &[Key("scatter"), Key("area")], scatter.area.1);
        c.number(&[Key("scatter"), Key("apart")], scatter.apart, 0.0, MAX_COORDINATE, "apart (m)");
    }
    if let Some(gates) = &world.gates {
        c.number(&[Key("gates"), Key("count")], gates.count as f32, 2.0, 100.0, "count");
        c.number(&[Key("gates"), Key("spacing")], gates.spacing, 4.0, 100.0, "spacing (m)");
        c.number(&[Key("gates"), Key("first")], gates.first, 4.0, 100.0, "first (m)");
        c.number(&[Key("gates"), Key("aside")], gates.aside, -50.0, 50.0, "aside (m)");
        c.number(&[Key("gates"), Key("spread")], gates.spread, 0.0, gates.spacing / 3.0, "spread (m)");
    }
    for (i, object) in world.objects.iter().enumerate() {
        let at = |key: &'static str| [Key("objects"), Index(i), Key(key)];
        shape(c, &at("shape"), object.shape);
        position(c, &at("at"), object.at);
        spread(c, &at("spread"), object.spread);
        c.number(&at("heading"), object.heading, -360.0, 360.0, "heading (degrees)");
        c.number(&at("turn"), object.turn, 0.0, 360.0, "turn (degrees)");
        c.number(&at("friction"), object.friction, 0.0, 5.0, "friction");
        if let Some(mass) = object.mass {
            c.number(&at("mass"), mass, 0.01, 1e5, "mass (kg)");
        }
    }
    for (i, bay) in world.bays.iter().enumerate() {
        position(c, &[Key("bays"), Index(i), Key("at")], bay.at);
        c.number(&[Key("bays"), Index(i), Key("heading")], bay.heading, -360.0, 360.0, "heading (degrees)");
    }
    c.number(&[Key("bays")], world.bays.len() as f32, 0.0, MAX_OBJECTS, "the number of bays");
    if let Some(goal) = &world.goal {
        position(c, &[Key("goal"), Key("at")], goal.at);
        spread(c, &[Key("goal"), Key("spread")], goal.spread);
    }
}

/// Validate a ring of posts.
fn posts(c: &mut Checker, relay: &Posts) {
    use Step::Key;
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

/// Validate a depth camera.
fn camera(c: &mut Checker, camera: &DepthCamera) {
    use Step::Key;
    c.number(&[Key("camera"), Key("width")], camera.width as f32, 8.0, 128.0, "width (pixels)");
    c.number(&[Key("camera"), Key("height")], camera.height as f32, 8.0, 128.0, "height (pixels)");
    c.number(&[Key("camera"), Key("field_of_view")], camera.field_of_view, 10.0, 350.0, "field_of_view (degrees)");
    c.number(&[Key("camera"), Key("reach")], camera.reach, 0.5, 200.0, "reach (m)");
    c.number(&[Key("camera"), Key("above")], camera.above, -5.0, 20.0, "above (m)");
    c.number(&[Key("camera"), Key("down")], camera.down, -90.0, 90.0, "down (degrees)");
}

/// Validate the parts of a world.
fn parts(c: &mut Checker, world: &WorldSpecification) {
    use Step::Key;
    timing_and_ground(c, world);
    agent(c, "agent", &*world.agent);
    if let Some(course) = &world.course {
        road(c, course);
    }
    start_and_pace(c, &world.start, &world.pace);
    objects(c, world);
    if let Some(relay) = &world.relay {
        posts(c, relay);
    }
    if let Some(depth_camera) = &world.camera {
        camera(c, depth_camera);
    }
    if let Some(traffic) = &world.traffic {
        c.number(&[Key("traffic"), Key("count")], traffic.count as f32, 1.0, 64.0, "count");
        c.number(&[Key("traffic"), Key("speed")], traffic.speed.1, 0.5, 60.0, "the highest speed (m/s)");
        c.number(&[Key("traffic"), Key("speed")], traffic.speed.0, 0.5, traffic.speed.1, "the slowest speed (m/s)");
        if world.course.is_none() {
            c.report(&[Key("traffic")], "traffic needs a course".to_owned());
        }
    }
}

/// Validate the task, and whether the agents observe what it needs.
fn task(c: &mut Checker, scene: &SceneSpecification) {
    use Step::Key;
    let SceneSpecification { world, task, .. } = scene;
    let two_sided = task.kind.sides().len() == 2;
    if two_sided && !scene.curriculum.is_empty() {
        c.report(&[Key("curriculum")], "`curriculum` is not allowed in a game of two sides; leave it out".to_owned());
    }
    task.kind.check(world, c);
    let observation = world.agent.observation_layout();
    if let Some(field) = task.kind.observed_field().filter(|field| observation.range(field).is_none()) {
        let message = format!(
            "the agent is a {}, which does not observe `{field}`; the task {} needs it",
            world.agent.name(),
            task.name
        );
        c.report(&[Key("agent")], message);
    }
    if let Some(runner) = &world.runner {
        agent(c, "runner", &**runner);
        let mut other = scene.clone();
        other.world.agent = runner.clone();
        if !two_sided || !super::build::same_spaces(scene, &other) {
            let message =
                "only a game of two sides has a runner, with the same observation and action spaces as `agent`";
            c.report(&[Key("runner")], message.to_owned());
        }
    }
}

/// Validate the weights of the reward terms.
fn weights(c: &mut Checker, scene: &SceneSpecification) {
    use Step::{Key, Text};
    let known = scene.task.kind.terms();
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
}

/// All violations of a scene.
pub(super) fn validate(scene: &SceneSpecification) -> Vec<Violation> {
    let mut c = Checker::default();
    parts(&mut c, &scene.world);
    task(&mut c, scene);
    weights(&mut c, scene);
    if c.is_empty() {
        curriculum(&mut c, scene);
    }
    c.into_violations()
}
