//! Learning by acting, compared: for the task's own reward, and for what demonstrations let infer.

mod acted;
mod chance;
mod elsewhere;
mod inferred;
mod randomized;
mod replay;
mod tag;

use super::Comparison;

/// The comparisons of what learns by acting.
pub const REWARDS: &[Comparison] = &[
    Comparison {
        name: "chance-slalom",
        about: "the task's reward, from chance and from a clone, slalom",
        run: |laboratory| chance::run(laboratory, "slalom"),
    },
    Comparison {
        name: "chance-circuit",
        about: "the task's reward, from chance and from a clone, circuit",
        run: |laboratory| chance::run(laboratory, "circuit"),
    },
    Comparison {
        name: "inferred-slalom",
        about: "rewards inferred from five demonstrations, slalom",
        run: |laboratory| inferred::run(laboratory, "slalom", (120, 120)),
    },
    Comparison {
        name: "inferred-courtyard",
        about: "rewards inferred from five demonstrations, courtyard",
        run: |laboratory| inferred::run(laboratory, "courtyard", (45, 80)),
    },
    Comparison {
        name: "inferred-circuit",
        about: "rewards inferred from five demonstrations, circuit",
        run: |laboratory| inferred::run(laboratory, "circuit", (120, 120)),
    },
    Comparison {
        name: "elsewhere",
        about: "inferred rewards against the task's score, and learned from on a course never demonstrated",
        run: elsewhere::run,
    },
    Comparison {
        name: "randomized",
        about: "grip and mass that differ in every episode, and what is learned with and without that",
        run: randomized::run,
    },
    Comparison {
        name: "replay",
        about: "deep Q-learning over keys: which transitions it learns from, with demonstrations and without",
        run: replay::run,
    },
    Comparison { name: "tag", about: "a chaser and a runner that learn against each other's past", run: tag::run },
];
