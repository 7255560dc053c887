//! Inference of a batch does not depend on how it is split into sub-batches, nor on the number of threads.

use apprentice::policies::Policy;

use crate::policies::artifact::trained;
use crate::testing::learn::Lcg;

#[test]
fn a_batch_gives_the_same_actions_as_single_rows() {
    let dir = tempfile::tempdir().unwrap();
    trained(dir.path(), &[]);
    let mut policy = Policy::load(&dir.path().join("best")).unwrap();
    for rows in [31, 32, 33, 64, 65, 127, 200, 1024] {
        let mut numbers = Lcg(rows as u64);
        let observations: Vec<f32> = (0..rows * 3).map(|_| 3.0 * numbers.next()).collect();
        let (mut batched, mut single) = (vec![0.0; rows * 2], [0.0; 2]);
        policy.act(&observations, &mut [], &mut batched);
        let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
        let mut one_thread = vec![0.0; rows * 2];
        pool.install(|| policy.act(&observations, &mut [], &mut one_thread));
        assert_eq!(batched, one_thread, "{rows} rows on several threads and on one");
        for (row, (observation, expected)) in observations.chunks(3).zip(batched.chunks(2)).enumerate() {
            policy.act(observation, &mut [], &mut single);
            assert!(single.iter().zip(expected).all(|(x, y)| (x - y).abs() < 1e-4), "row {row} of {rows}");
        }
    }
}

#[test]
#[should_panic(expected = "same count of rows")]
fn an_incomplete_row_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    trained(dir.path(), &[]);
    let mut policy = Policy::load(&dir.path().join("best")).unwrap();
    policy.act(&[0.0; 3 * 100 - 1], &mut [], &mut [0.0; 200]);
}
