//! Cloning recovers a linear expert.

use apprentice::learn::{RunOptions, train};
use apprentice::policies::Policy;

use super::learn_common::{Numbers, config, data};

#[test]
fn a_linear_expert_is_recovered() {
    let expert = |o: &[f32], a: &mut [f32]| {
        a[0] = 0.5 * o[0] - 0.25 * o[1] + 1.0;
        a[1] = o[2] - 2.0 * o[0];
    };
    let data = data(10, 100, (3, 2), expert);
    let config = config(&[
        "network.hidden=[]",
        "data.observation_noise=0",
        "optimizer.weight_decay=0",
        "optimizer.learning_rate=0.03",
        "optimizer.final_factor=0",
        "training.steps=1500",
        "training.patience=0",
    ]);
    let dir = tempfile::tempdir().unwrap();
    let summary = train(&config, &data, &RunOptions::new(dir.path().join("run")), &mut ()).unwrap();
    let mut policy = Policy::load(&summary.policy_dir).unwrap();
    let mut numbers = Numbers(99);
    for _ in 0..100 {
        let o: Vec<f32> = (0..3).map(|_| 3.0 * numbers.next() + 1.0).collect();
        let (mut wanted, mut found) = ([0.0; 2], [0.0; 2]);
        expert(&o, &mut wanted);
        policy.act(&o, &mut [], &mut found);
        for (w, f) in wanted.iter().zip(&found) {
            assert!((w - f).abs() < 1e-3, "{o:?}: {w} was demonstrated, {f} learned");
        }
    }
}
