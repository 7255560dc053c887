//! Comparisons of the supervised and interactive imitation-learning methods.

mod attacks;
mod bco;
mod continual;
mod dagger;
mod depth;
mod fork;
mod one_shot;
mod operators;
mod small_data;
mod transfer;

use super::Comparison;

/// The comparisons of the supervised and interactive imitation-learning methods.
pub const IMITATION: &[Comparison] = &[
    Comparison { name: "fork", about: "multimodal demonstrations that pass a post on either side", run: fork::run },
    Comparison {
        name: "operators",
        about: "demonstrators of mixed skill: networks with and without memory",
        run: operators::run,
    },
    Comparison {
        name: "small-data",
        about: "few demonstrations: early stopping, weight decay, averaged weights, size of the network",
        run: small_data::run,
    },
    Comparison { name: "dagger", about: "DAgger from few demonstrations, with a scripted expert", run: dagger::run },
    Comparison { name: "bco", about: "behavioral cloning from observation, without actions", run: bco::run },
    Comparison { name: "transfer", about: "fine-tuning on another course and another vehicle", run: transfer::run },
    Comparison { name: "one-shot", about: "one-shot imitation from a demonstration of the task", run: one_shot::run },
    Comparison { name: "depth", about: "depth images as observations", run: depth::run },
    Comparison {
        name: "continual",
        about: "continual learning of three scenes, and joint training",
        run: continual::run,
    },
    Comparison {
        name: "attacks",
        about: "adversarial attacks on observations, and adversarial training",
        run: attacks::run,
    },
];
