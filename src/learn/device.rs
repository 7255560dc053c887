//! Where to train: the CPU, the GPU, or whichever is faster for the work at hand.

use std::fmt;
use std::str::FromStr;
use std::time::Instant;

use burn::tensor::Device;

use super::init::Base;
use super::random::{Purpose, generator};
use super::shaping::shaped;
use super::{BatchLearner, Prepared, TrainConfig, TrainError, TrainingData, UpdateStep, learner};

/// What the user asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DeviceChoice {
    /// Burn's `flex` on the CPU. Always works.
    #[default]
    Cpu,
    /// wgpu's default adapter (Vulkan, Metal or DirectX 12).
    Gpu,
    /// Measure both and take the faster.
    Auto,
}

impl FromStr for DeviceChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "cpu" => Ok(Self::Cpu),
            "gpu" => Ok(Self::Gpu),
            "auto" => Ok(Self::Auto),
            other => Err(format!("{other:?} is no device; choose cpu, gpu or auto")),
        }
    }
}

impl fmt::Display for DeviceChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Cpu => "cpu",
            Self::Gpu => "gpu",
            Self::Auto => "auto",
        })
    }
}

/// A device that works.
#[derive(Clone, Debug)]
pub struct SelectedDevice {
    /// The device, without `.autodiff()`.
    pub device: Device,
    /// `cpu` or `gpu`.
    pub choice: DeviceChoice,
    /// Why this one, in a sentence for the user.
    pub reason: String,
}

impl SelectedDevice {
    /// The CPU.
    pub fn cpu() -> Self {
        Self { device: Device::flex(), choice: DeviceChoice::Cpu, reason: "training on the CPU".into() }
    }
}

/// Find the device for training `config` on `data`. `auto` takes 20 real training steps on each device that is there.
///
/// # Errors
/// `gpu` when there is none, it does not work, or this build lacks the feature; `auto` as far as the CPU fails.
pub fn select(choice: DeviceChoice, config: &TrainConfig, data: &TrainingData) -> Result<SelectedDevice, TrainError> {
    match choice {
        DeviceChoice::Cpu => Ok(SelectedDevice::cpu()),
        DeviceChoice::Gpu => {
            let (device, name) = gpu()?;
            Ok(SelectedDevice { device, choice, reason: format!("training on the GPU: {name}") })
        }
        DeviceChoice::Auto => {
            let cpu = SelectedDevice::cpu();
            let gpu = match gpu() {
                Ok(gpu) => gpu,
                Err(e) => return Ok(SelectedDevice { reason: format!("training on the CPU: {e}"), ..cpu }),
            };
            faster(cpu, gpu, config, data)
        }
    }
}

fn faster(
    cpu: SelectedDevice,
    (gpu, name): (Device, String),
    config: &TrainConfig,
    data: &TrainingData,
) -> Result<SelectedDevice, TrainError> {
    if data.action.size() == 0 {
        return Ok(SelectedDevice {
            reason: "training on the CPU: without actions there is nothing to try".into(),
            ..cpu
        });
    }
    let data = shaped(&config.data, data)?;
    let mut prepared = Prepared::new(&data, config.data.validation_fraction, config.training.seed)?;
    if let Some(base) = Base::load(config)? {
        prepared.inherit(&base);
    }
    let on_cpu = steps_per_second(&cpu.device, config, &data, &prepared)?;
    let on_gpu = match caught(|| steps_per_second(&gpu, config, &data, &prepared)) {
        Ok(Ok(speed)) => speed,
        Ok(Err(e)) => return Ok(SelectedDevice { reason: format!("training on the CPU: {name} failed ({e})"), ..cpu }),
        Err(e) => return Ok(SelectedDevice { reason: format!("training on the CPU: {name} failed ({e})"), ..cpu }),
    };
    let figures = format!("{on_cpu:.0} steps/s on the CPU, {on_gpu:.0} on {name}");
    if on_gpu > on_cpu {
        Ok(SelectedDevice { device: gpu, choice: DeviceChoice::Gpu, reason: format!("training on the GPU: {figures}") })
    } else {
        Ok(SelectedDevice { reason: format!("training on the CPU: {figures}"), ..cpu })
    }
}

/// Real training steps per second, after some to warm up (shaders are compiled at their first use).
fn steps_per_second(
    device: &Device,
    config: &TrainConfig,
    data: &TrainingData,
    prepared: &Prepared<'_>,
) -> Result<f64, TrainError> {
    const WARM_UP: u64 = 5;
    const MEASURED: u64 = 20;
    let mut learner = learner(config, data, prepared, device)?;
    let window = learner.window();
    let sequences = config.training.batch_size.div_ceil(window.sequence);
    let rows: Vec<u32> = prepared.split.train.iter().copied().cycle().take(sequences).collect();
    let steps = |learner: &mut dyn BatchLearner, range: std::ops::Range<u64>| {
        for index in range {
            // So small a rate cannot diverge: only the time counts.
            let step = UpdateStep { index, learning_rate: 1e-6, seed: config.training.seed };
            let mut batch = prepared.batch(&rows, window);
            prepared.show(&mut batch, &rows, &[], &mut generator(step.seed, Purpose::Sequences, index));
            learner.update(batch, step)?;
        }
        // Waits for the device.
        learner.metrics(0).map(|_| ())
    };
    steps(learner.as_mut(), 0..WARM_UP)?;
    let begun = Instant::now();
    steps(learner.as_mut(), WARM_UP..WARM_UP + MEASURED)?;
    Ok(MEASURED as f64 / begun.elapsed().as_secs_f64().max(1e-9))
}

/// Run what may panic inside a graphics driver's wrapper; the panic's message where it does.
///
/// # Errors
/// The message of the panic.
pub fn caught<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)).map_err(|payload| {
        let text = payload.downcast_ref::<&str>().map(ToString::to_string);
        text.or_else(|| payload.downcast_ref::<String>().cloned()).unwrap_or_else(|| "it panicked".into())
    })
}

/// Names of the adapters that wgpu finds; empty without any, and in a build without the `gpu` feature.
#[cfg(feature = "gpu")]
pub fn adapters() -> Vec<String> {
    use burn::tensor::{Device, DeviceType};
    let names = || {
        let devices = Device::enumerate(DeviceType::Wgpu);
        devices.iter().filter_map(|d| d.identity().map(|identity| identity.name.to_string())).collect()
    };
    caught(names).unwrap_or_default()
}

/// Names of the adapters that wgpu finds; empty without any, and in a build without the `gpu` feature.
#[cfg(not(feature = "gpu"))]
pub fn adapters() -> Vec<String> {
    Vec::new()
}

/// wgpu's default adapter and its name.
///
/// # Errors
/// There is none, or it does not work.
#[cfg(feature = "gpu")]
pub fn gpu() -> Result<(Device, String), TrainError> {
    use burn::tensor::{DeviceKind, DeviceType, Tensor};

    const REMEDY: &str = "install the graphics driver (on Linux its Vulkan part, such as mesa-vulkan-drivers), or \
                          train with --device cpu";
    let broken = |e: String| TrainError::Device(format!("the GPU does not work ({e}); {REMEDY}"));
    // Asks for adapters without opening one, which is where wgpu would panic.
    let found = caught(|| Device::enumerate(DeviceType::Wgpu).len()).map_err(broken)?;
    if found == 0 {
        return Err(TrainError::Device(format!("there is no GPU that wgpu can use; {REMEDY}")));
    }
    let device = Device::wgpu(DeviceKind::DefaultDevice);
    let (answer, name) = caught(|| {
        let two = Tensor::<1>::ones([1], &device).add_scalar(1.0).into_data();
        (two.iter::<f32>().next(), device.identity().map(|identity| identity.name.to_string()))
    })
    .map_err(broken)?;
    if answer != Some(2.0) {
        return Err(broken(format!("it says that 1 + 1 = {answer:?}")));
    }
    Ok((device, name.unwrap_or_else(|| "default adapter".into())))
}

/// wgpu's default adapter and its name.
///
/// # Errors
/// Always: this build has no GPU.
#[cfg(not(feature = "gpu"))]
pub fn gpu() -> Result<(Device, String), TrainError> {
    Err(TrainError::Device(
        "this build cannot train on a GPU; build it with `cargo build --release --features gpu`, or train with \
         --device cpu"
            .into(),
    ))
}
