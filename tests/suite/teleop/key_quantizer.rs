//! Demonstrations with actions quantized to key presses, each held for a number of ticks.

use std::sync::Arc;

use apprentice::demos::Dataset;
use apprentice::rollout::{Demonstrator, check_dataset, demonstrate, record, recording_seeds};
use apprentice::scenes::find;
use apprentice::teleop::Skill;

fn with_held_keys(held: usize) -> Demonstrator {
    Demonstrator::from(Skill::Steady).with_held_keys(held)
}

#[test]
fn each_component_is_a_bound_or_zero_and_is_held() {
    for (scene, held) in [("slalom", 1), ("slalom", 4), ("slalom", 7), ("courtyard", 4), ("parking", 100_000)] {
        let episode = demonstrate(&find(scene).unwrap(), with_held_keys(held), 3).unwrap();
        let bounds: Vec<(f32, f32)> = episode.header.action.bounds().collect();
        for decision in episode.actions.chunks(held * bounds.len()) {
            for tick in decision.chunks_exact(bounds.len()) {
                assert_eq!(tick, &decision[..bounds.len()], "the action changes within {held} ticks");
                for (value, (low, high)) in tick.iter().zip(&bounds) {
                    assert!([*low, 0.0, *high].contains(value), "{value} is not {low}, 0 or {high}");
                }
            }
        }
    }
}

#[test]
fn the_operator_succeeds_with_quantized_keys() {
    let scene = find("slalom").unwrap();
    let smooth: Vec<_> =
        recording_seeds(8).take(12).map(|seed| demonstrate(&scene, Skill::Steady, seed).unwrap()).collect();
    let keys: Vec<_> =
        recording_seeds(8).take(12).map(|seed| demonstrate(&scene, with_held_keys(4), seed).unwrap()).collect();
    let successes = keys.iter().filter(|episode| episode.succeeded()).count();
    assert!(successes >= 10, "{successes} of 12");
    // Quantization preserves the mean action of steering and pedals.
    for (component, bound) in [(0, 0.1), (1, 0.1), (2, 0.1)] {
        let mean = |episodes: &[apprentice::demos::Episode]| -> f32 {
            let all = episodes.iter().flat_map(|episode| episode.actions.chunks_exact(4).map(|a| a[component]));
            all.sum::<f32>() / episodes.iter().map(apprentice::demos::Episode::len).sum::<usize>() as f32
        };
        let (quantized, unquantized) = (mean(&keys), mean(&smooth));
        let difference = (quantized - unquantized).abs();
        assert!(difference < bound, "component {component}: mean {quantized}, {unquantized} without quantization");
    }
}

#[test]
fn replay_is_bit_identical() {
    let dir = tempfile::tempdir().unwrap();
    let scene = find("slalom").unwrap();
    let seeds: Vec<u64> = recording_seeds(2).take(2).collect();
    let recorded =
        record(&scene, with_held_keys(4), seeds.iter().copied(), dir.path(), &Arc::default(), |_| {}).unwrap();
    assert_eq!(recorded.episodes, 2);
    let dataset = Dataset::open(dir.path()).unwrap();
    // The quantization error is reset between episodes.
    let alone = demonstrate(&scene, with_held_keys(4), seeds[1]).unwrap();
    assert!(dataset.read(1).unwrap().actions == alone.actions, "the first episode affects the second");
    let check = check_dataset(&dataset, |_| Ok::<_, apprentice::demos::DatasetError>(scene.clone()), |_| {}).unwrap();
    assert_eq!((check.episodes, check.diverged), (2, 0));
}
