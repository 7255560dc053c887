//! Kinds of agents in scene files: the built-in ones, and those of other crates.

use apprentice::agents::vehicle::VehicleKind;
use apprentice::agents::{
    AgentEntry, AgentKind, OperatorOptions, ParameterRange, Spacing, find_agent, mirrors, register,
};
use apprentice::rollout::{VecEnv, VecEnvOptions};
use apprentice::scenes::{Scene, SceneError, parse};
use apprentice::sim::{Body, Physics};
use apprentice::spaces::{Layout, MirrorRule};
use apprentice::teleop::{KeyBindings, Operator, Skill};
use serde::Deserialize;

/// A heavy car of this test.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Cart {
    load: f32,
}

impl Cart {
    fn car(&self) -> VehicleKind {
        let mut kind = VehicleKind::default();
        kind.car.mass += self.load;
        kind
    }
}

impl AgentKind for Cart {
    fn name(&self) -> &'static str {
        "cart"
    }

    fn observation_layout(&self) -> Layout {
        self.car().observation_layout()
    }

    fn action_layout(&self) -> Layout {
        self.car().action_layout()
    }

    fn spawn(&self, physics: &mut Physics<'_>) -> Box<dyn Body> {
        self.car().spawn(physics)
    }

    fn bindings(&self) -> KeyBindings {
        self.car().bindings()
    }

    fn operator(&self, options: &OperatorOptions<'_>) -> Option<Box<dyn Operator>> {
        self.car().operator(options)
    }

    fn mirror_rule(&self, field: &str) -> Option<MirrorRule> {
        self.car().mirror_rule(field)
    }

    fn spacing(&self) -> Spacing {
        self.car().spacing()
    }

    fn parameter_ranges(&self) -> Vec<ParameterRange> {
        vec![ParameterRange { path: vec!["load"], value: self.load, low: 0.0, high: 1000.0 }]
    }
}

fn lap_of(agent: &str) -> Result<Scene, SceneError> {
    let text = format!(
        "(title: \"a bend\", time_limit: 20.0,
  agent: {agent},
  course: (points: [(0.0, 0.0), (0.0, -20.0), (-4.0, -40.0), (-14.0, -55.0)], closed: false, half_width: 6.0),
  start: (at: (0.0, -3.0)), task: Lap(laps: 1.0), terms: {{\"progress\": 1.0}})"
    );
    parse("bend", "bend.ron", &text)
}

fn rejection(agent: &str) -> (usize, usize, String) {
    match lap_of(agent) {
        Err(SceneError::Invalid { line, column, message, .. }) => (line, column, message),
        Ok(_) => panic!("accepted: {agent}"),
        Err(error) => panic!("another error: {error}"),
    }
}

/// The observation after 30 ticks at full throttle.
fn after_a_second(agent: &str) -> Vec<f32> {
    let mut env = VecEnv::new(&lap_of(agent).expect("a scene"), VecEnvOptions::default());
    env.reset(&[0]);
    for _ in 0..30 {
        env.step(&[0.0, 1.0, 0.0, 0.0]);
    }
    env.step(&[0.0, 1.0, 0.0, 0.0]).observations.to_vec()
}

#[test]
fn parameters_that_are_left_out_have_their_defaults() {
    let with_defaults = after_a_second("Vehicle()");
    assert_eq!(with_defaults, after_a_second("Vehicle(car: ())"));
    assert_eq!(with_defaults, after_a_second("Vehicle(car: (mass: 1100.0))"));
    assert_ne!(with_defaults, after_a_second("Vehicle(car: (mass: 1500.0))"));
}

#[test]
fn wrong_agents_are_rejected_with_their_position() {
    let (line, _, message) = rejection("Boat()");
    assert_eq!(line, 2);
    assert!(message.contains("`Boat`") && message.contains("Vehicle, Humanoid"), "{message}");
    let (line, _, message) = rejection("Vehicle(care: ())");
    assert_eq!(line, 2);
    assert!(message.contains("`care`") && message.contains("`car`"), "{message}");
    let (line, _, message) = rejection("Vehicle(car: (mas: 900.0))");
    assert_eq!(line, 2);
    assert!(message.contains("`mas`") && message.contains("`mass`"), "{message}");
    let (line, column, message) = rejection("Vehicle(car: (mass: 1.0))");
    assert_eq!((line, column), (2, "  agent: Vehicle(car: (mass: ".len() + 1), "{message}");
    assert!(message.contains("mass is 1; it must be between 50 and 100000"), "{message}");
    let (line, _, message) = rejection("Humanoid()");
    assert_eq!(line, 2);
    assert!(message.contains("humanoid") && message.contains("course_offset"), "{message}");
}

#[test]
fn a_registered_kind_is_an_agent_of_scene_files() {
    register(AgentEntry::of::<Cart>("Cart"));
    let scene = lap_of("Cart(load: 400.0)").expect("a scene");
    let spaces = scene.blueprint.spaces();
    assert_eq!(&*spaces.agent, "cart");
    assert!(scene.blueprint.operator(Skill::Steady).is_some());
    assert_eq!(after_a_second("Cart(load: 400.0)"), after_a_second("Vehicle(car: (mass: 1500.0))"));
    assert!(rejection("Cart(load: -1.0)").2.contains("load is -1"));
    assert!(rejection("Cart(weight: 1.0)").2.contains("`weight`"));
    assert!(mirrors("cart", &spaces.observation, &spaces.action).is_ok());
    assert_eq!(find_agent("cart").expect("the kind").name(), "cart");
}
