//! Selection of the device, and the same training run on the CPU and through wgpu.

use apprentice::learn::{DeviceChoice, RunOptions, TrainError, TrainingData, select, train_on_dataset};
use apprentice::policies::Policy;

use crate::testing::learn::{config, data};

fn problem() -> TrainingData {
    data(4, 50, (5, 2), |o, a| {
        a[0] = bevy::math::ops::sin(o[0]);
        a[1] = o[1] * o[2];
    })
}

/// Largest difference between actions (with a standard deviation of about 3) after 30 steps on the CPU and on the GPU.
/// Both compute in f32 but sum in another order. Measured on llvmpipe: 1e-6.
const TOLERANCE: f32 = 1e-4;

#[test]
fn choices_are_parsed() {
    for choice in [DeviceChoice::Cpu, DeviceChoice::Gpu, DeviceChoice::Auto] {
        assert_eq!(choice.to_string().parse(), Ok(choice));
    }
    assert!("tpu".parse::<DeviceChoice>().unwrap_err().contains("cpu, gpu or auto"));
}

#[test]
fn the_cpu_is_always_available() {
    let selected = select(DeviceChoice::Cpu, &config(&[]), &problem(), None).unwrap();
    assert_eq!(selected.choice, DeviceChoice::Cpu);
    let selected = select(DeviceChoice::Auto, &config(&[]), &problem(), None).unwrap();
    println!("{}", selected.reason);
    assert!(selected.reason.contains("PU"), "{}", selected.reason);
}

#[test]
fn training_agrees_on_cpu_and_gpu() {
    let (problem, dir) = (problem(), tempfile::tempdir().unwrap());
    for (i, changes) in
        [&["training.steps=30"][..], &["training.steps=30", "head.kind=gaussian", "network.layer_norm=true"]]
            .into_iter()
            .enumerate()
    {
        let mut config = config(changes);
        config.optimizer.warmup_steps = 0;
        config.optimizer.learning_rate = 0.01;
        let gpu = match select(DeviceChoice::Gpu, &config, &problem, None) {
            Ok(gpu) => gpu,
            Err(TrainError::Device(reason)) => {
                assert!(reason.contains("--device cpu"), "the message has no remedy: {reason}");
                println!("skipped: {reason}");
                return;
            }
            Err(other) => panic!("{other}"),
        };
        println!("{}", gpu.reason);
        let policies = [("cpu", burn::tensor::Device::flex()), ("gpu", gpu.device)].map(|(name, device)| {
            let options = RunOptions { device, ..RunOptions::new(dir.path().join(format!("{name}{i}"))) };
            let summary = train_on_dataset(&config, &problem, &options, &mut ()).unwrap();
            Policy::load(&summary.policy_dir).unwrap()
        });
        let observations = &problem.observations[..50 * 5];
        let [cpu, gpu] = policies.map(|mut policy| {
            let mut actions = vec![0.0; 50 * 2];
            policy.act(observations, &mut [], &mut actions);
            actions
        });
        let largest = cpu.iter().zip(&gpu).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        println!("largest difference between CPU and GPU after 30 steps: {largest:.2e}");
        assert!(largest < TOLERANCE, "{largest}");
    }
}
