//! The supervised and interactive methods, compared.

mod attacks;
mod depth;
mod fork;
mod observed;
mod one_shot;
mod operators;
mod rounds;
mod sequence;
mod transfer;

use super::Comparison;

/// The comparisons of the supervised and interactive methods.
pub const IMITATION: &[Comparison] = &[
    Comparison { name: "fork", about: "demonstrations that pass a post on either side", run: fork::run },
    Comparison {
        name: "operators",
        about: "demonstrators of mixed skill: networks with and without memory",
        run: operators::run,
    },
    Comparison { name: "rounds", about: "few demonstrations, and an expert to ask", run: rounds::run },
    Comparison { name: "observed", about: "demonstrations without actions", run: observed::run },
    Comparison { name: "transfer", about: "another course, another car", run: transfer::run },
    Comparison { name: "one-shot", about: "a policy that is shown one demonstration", run: one_shot::run },
    Comparison { name: "depth", about: "seeing by a depth image", run: depth::run },
    Comparison { name: "sequence", about: "one scene after the other, or all at once", run: sequence::run },
    Comparison { name: "attacks", about: "observations moved against the policy", run: attacks::run },
];
