//! A batch that the CPU cuts into pieces is decided as its pieces are, and whatever the number of threads.

use apprentice::policies::Policy;

use super::learn_common::Numbers;
use super::policy_artifact::trained;

#[test]
fn many_rows_are_decided_like_few() {
    let dir = tempfile::tempdir().unwrap();
    trained(dir.path(), &[]);
    let mut policy = Policy::load(&dir.path().join("best")).unwrap();
    for rows in [31, 32, 33, 64, 65, 127, 200, 1024] {
        let mut numbers = Numbers(rows as u64);
        let observations: Vec<f32> = (0..rows * 3).map(|_| 3.0 * numbers.next()).collect();
        let (mut many, mut single) = (vec![0.0; rows * 2], [0.0; 2]);
        policy.act(&observations, &mut [], &mut many);
        let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
        let mut alone = vec![0.0; rows * 2];
        pool.install(|| policy.act(&observations, &mut [], &mut alone));
        assert_eq!(many, alone, "{rows} rows on many threads and on one");
        for (row, (observation, wanted)) in observations.chunks(3).zip(many.chunks(2)).enumerate() {
            policy.act(observation, &mut [], &mut single);
            assert!(single.iter().zip(wanted).all(|(x, y)| (x - y).abs() < 1e-4), "row {row} of {rows}");
        }
    }
}

#[test]
#[should_panic(expected = "same count of rows")]
fn a_batch_with_a_row_cut_short_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    trained(dir.path(), &[]);
    let mut policy = Policy::load(&dir.path().join("best")).unwrap();
    policy.act(&[0.0; 3 * 100 - 1], &mut [], &mut [0.0; 200]);
}
