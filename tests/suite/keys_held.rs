//! Demonstrations by keys that are down or up, each held for some ticks.

use std::sync::Arc;

use apprentice::demos::Dataset;
use apprentice::rollout::{Demonstrator, check_dataset, demonstrate, record, recording_seeds};
use apprentice::scenes::find;
use apprentice::teleop::Skill;

fn by_keys(held: usize) -> Demonstrator {
    Demonstrator::from(Skill::Steady).by_keys(held)
}

#[test]
fn every_number_is_at_a_bound_or_at_rest_until_the_next_decision() {
    for (scene, held) in [("slalom", 1), ("slalom", 4), ("slalom", 7), ("courtyard", 4), ("parking", 100_000)] {
        let episode = demonstrate(&find(scene).unwrap(), by_keys(held), 3).unwrap();
        let bounds: Vec<(f32, f32)> = episode.header.action.bounds().collect();
        for during in episode.actions.chunks(held * bounds.len()) {
            for tick in during.chunks_exact(bounds.len()) {
                assert_eq!(tick, &during[..bounds.len()], "changed within {held} ticks");
                for (number, (low, high)) in tick.iter().zip(&bounds) {
                    assert!([*low, 0.0, *high].contains(number), "{number} of {low} to {high}");
                }
            }
        }
    }
}

#[test]
fn the_operator_gets_there_all_the_same() {
    let scene = find("slalom").unwrap();
    let smooth: Vec<_> =
        recording_seeds(8).take(12).map(|seed| demonstrate(&scene, Skill::Steady, seed).unwrap()).collect();
    let keys: Vec<_> = recording_seeds(8).take(12).map(|seed| demonstrate(&scene, by_keys(4), seed).unwrap()).collect();
    let successes = keys.iter().filter(|episode| episode.succeeded()).count();
    assert!(successes >= 10, "{successes} of 12");
    // Taps come to the same wheel and pedals in the mean.
    for (number, bound) in [(0, 0.1), (1, 0.1), (2, 0.1)] {
        let mean = |episodes: &[apprentice::demos::Episode]| -> f32 {
            let all = episodes.iter().flat_map(|episode| episode.actions.chunks_exact(4).map(|a| a[number]));
            all.sum::<f32>() / episodes.iter().map(apprentice::demos::Episode::len).sum::<usize>() as f32
        };
        let (taps, held) = (mean(&keys), mean(&smooth));
        assert!((taps - held).abs() < bound, "number {number}: {taps} by taps, {held} without");
    }
}

#[test]
fn it_happens_again_bit_for_bit() {
    let dir = tempfile::tempdir().unwrap();
    let scene = find("slalom").unwrap();
    let seeds: Vec<u64> = recording_seeds(2).take(2).collect();
    let recorded = record(&scene, by_keys(4), seeds.iter().copied(), dir.path(), &Arc::default(), |_| {}).unwrap();
    assert_eq!(recorded.episodes, 2);
    let dataset = Dataset::open(dir.path()).unwrap();
    // What was owed in the episode before is not made up for in the next.
    let alone = demonstrate(&scene, by_keys(4), seeds[1]).unwrap();
    assert!(dataset.read(1).unwrap().actions == alone.actions, "the first episode is felt in the second");
    let check = check_dataset(&dataset, |_| Ok::<_, apprentice::demos::DatasetError>(scene.clone()), |_| {}).unwrap();
    assert_eq!((check.episodes, check.diverged), (2, 0));
}
