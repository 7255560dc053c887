//! Behavior cloning recovers a linear expert.

use apprentice::learn::{RunOptions, train_on_dataset};
use apprentice::policies::Policy;

use crate::testing::learn::{Lcg, config, data};

#[test]
fn a_linear_expert_is_recovered() {
    let expert = |o: &[f32], a: &mut [f32]| {
        a[0] = 0.5 * o[0] - 0.25 * o[1] + 1.0;
        a[1] = o[2] - 2.0 * o[0];
    };
    let data = data(10, 100, (3, 2), expert);
    let config = config(&[
        "network.hidden_sizes=[]",
        "data.observation_noise_std=0",
        "optimizer.weight_decay=0",
        "optimizer.learning_rate=0.03",
        "optimizer.min_lr_ratio=0",
        "training.steps=1500",
        "training.patience=0",
    ]);
    let dir = tempfile::tempdir().unwrap();
    let summary = train_on_dataset(&config, &data, &RunOptions::new(dir.path().join("run")), &mut ()).unwrap();
    let mut policy = Policy::load(&summary.policy_dir).unwrap();
    let mut numbers = Lcg(99);
    for _ in 0..100 {
        let o: Vec<f32> = (0..3).map(|_| 3.0 * numbers.next() + 1.0).collect();
        let (mut expected, mut found) = ([0.0; 2], [0.0; 2]);
        expert(&o, &mut expected);
        policy.act(&o, &mut [], &mut found);
        for (w, f) in expected.iter().zip(&found) {
            assert!((w - f).abs() < 1e-3, "{o:?}: the expert's action is {w}, the policy's {f}");
        }
    }
}
