//! Comparisons of reinforcement learning, on the task's reward and on rewards inferred from demonstrations.

mod adversarial;
mod domain_randomization;
mod prioritized_replay;
mod reward_transfer;
mod scratch;
mod tag;
mod training;

use super::Comparison;

/// The comparisons of reinforcement learning.
pub const REWARDS: &[Comparison] = &[
    Comparison {
        name: "scratch-slalom",
        about: "PPO on the task's reward, from scratch and with a warm start, slalom",
        run: |runner| scratch::run(runner, "slalom"),
    },
    Comparison {
        name: "scratch-circuit",
        about: "PPO on the task's reward, from scratch and with a warm start, circuit",
        run: |runner| scratch::run(runner, "circuit"),
    },
    Comparison {
        name: "adversarial-slalom",
        about: "adversarial imitation learning from five demonstrations, slalom",
        run: |runner| adversarial::run(runner, "slalom", (120, 120)),
    },
    Comparison {
        name: "adversarial-courtyard",
        about: "adversarial imitation learning from five demonstrations, courtyard",
        run: |runner| adversarial::run(runner, "courtyard", (45, 80)),
    },
    Comparison {
        name: "adversarial-circuit",
        about: "adversarial imitation learning from five demonstrations, circuit",
        run: |runner| adversarial::run(runner, "circuit", (120, 120)),
    },
    Comparison {
        name: "reward-transfer",
        about: "inferred rewards: correlation with the task's reward, and training on a course without demonstrations",
        run: reward_transfer::run,
    },
    Comparison {
        name: "domain-randomization",
        about: "training with fixed and with random grip and mass",
        run: domain_randomization::run,
    },
    Comparison {
        name: "prioritized-replay",
        about: "deep Q-learning with prioritized and uniform replay, with and without demonstrations",
        run: prioritized_replay::run,
    },
    Comparison { name: "tag", about: "self-play of a chaser and a runner", run: tag::run },
];
