//! The training device: the CPU, the GPU, or whichever is faster for the given training run.

use std::fmt;
use std::str::FromStr;
use std::time::Instant;

use burn::tensor::Device;

use crate::learn::core::init::PretrainedPolicy;
use crate::learn::core::preprocessing::preprocess;
use crate::learn::{DataConfig, LearnerParts, PreparedData, TrainConfig, TrainError, TrainingData, UpdateStep};

/// The value of `--device`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DeviceChoice {
    /// Burn's `flex` on the CPU. Always works.
    #[default]
    Cpu,
    /// wgpu's default adapter (Vulkan, Metal or DirectX 12).
    Gpu,
    /// Times both and takes the faster one.
    Auto,
}

impl FromStr for DeviceChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "cpu" => Ok(Self::Cpu),
            "gpu" => Ok(Self::Gpu),
            "auto" => Ok(Self::Auto),
            other => Err(format!("{other:?} is not a device; choose cpu, gpu or auto")),
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

/// A device that was checked to work.
#[derive(Clone, Debug)]
pub struct SelectedDevice {
    /// The device, without `.autodiff()`.
    pub device: Device,
    /// `cpu` or `gpu`.
    pub choice: DeviceChoice,
    /// The reason for the choice, a message for the user.
    pub reason: String,
}

impl SelectedDevice {
    /// The CPU.
    pub fn cpu() -> Self {
        Self { device: Device::flex(), choice: DeviceChoice::Cpu, reason: "training on the CPU".into() }
    }
}

/// Selects the device for training `config` on `data`. `auto` times 20 training steps on each available device.
///
/// # Errors
/// `gpu`: there is no GPU, it does not work, or this build lacks the feature. `auto`: training fails on the CPU.
pub fn select(
    choice: DeviceChoice,
    config: &TrainConfig,
    data: &TrainingData,
    pretrained: Option<&PretrainedPolicy>,
) -> Result<SelectedDevice, TrainError> {
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
            select_faster(cpu, gpu, config, data, pretrained)
        }
    }
}

fn select_faster(
    cpu: SelectedDevice,
    (gpu, name): (Device, String),
    config: &TrainConfig,
    data: &TrainingData,
    pretrained: Option<&PretrainedPolicy>,
) -> Result<SelectedDevice, TrainError> {
    if data.action.size() == 0 {
        return Ok(SelectedDevice {
            reason: "training on the CPU: the device cannot be timed on data without actions".into(),
            ..cpu
        });
    }
    let settings = config.find::<DataConfig>().cloned().unwrap_or_default();
    let data = preprocess(&settings, data)?;
    let mut prepared = PreparedData::new(&data, settings.validation_fraction, config.training.seed)?;
    if let Some(pretrained) = pretrained {
        prepared.inherit_normalizers(pretrained);
    }
    let on_cpu = steps_per_second(&cpu.device, config, &prepared, pretrained)?;
    let on_gpu = match catch_panic(|| steps_per_second(&gpu, config, &prepared, pretrained)) {
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

/// Training steps per second, after a warm-up (shaders are compiled at their first use).
fn steps_per_second(
    device: &Device,
    config: &TrainConfig,
    prepared: &PreparedData<'_>,
    pretrained: Option<&PretrainedPolicy>,
) -> Result<f64, TrainError> {
    const WARM_UP: u64 = 5;
    const MEASURED: u64 = 20;
    let loader = config.data_loader(prepared)?;
    let policy = prepared.policy_config(&config.network, &config.head);
    let mut learner = config.spec().build(LearnerParts { config, policy, loader, pretrained, device })?;
    let mut steps = |range: std::ops::Range<u64>| {
        for index in range {
            // A small learning rate, so that training cannot diverge.
            learner.update(UpdateStep { index, learning_rate: 1e-6, seed: config.training.seed })?;
        }
        // Reading the metrics waits for the device.
        learner.metrics(0).map(|_| ())
    };
    steps(0..WARM_UP)?;
    let start = Instant::now();
    steps(WARM_UP..WARM_UP + MEASURED)?;
    Ok(MEASURED as f64 / start.elapsed().as_secs_f64().max(1e-9))
}

/// Runs `work`, which may panic in wgpu, and returns the panic's message as an error.
///
/// # Errors
/// `work` panics.
pub fn catch_panic<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)).map_err(|payload| {
        let text = payload.downcast_ref::<&str>().map(ToString::to_string);
        text.or_else(|| payload.downcast_ref::<String>().cloned()).unwrap_or_else(|| "it panicked".into())
    })
}

/// Names of the adapters that wgpu finds; always empty in a build without the `gpu` feature.
#[cfg(feature = "gpu")]
pub fn adapters() -> Vec<String> {
    use burn::tensor::{Device, DeviceType};
    let names = || {
        let devices = Device::enumerate(DeviceType::Wgpu);
        devices.iter().filter_map(|d| d.identity().map(|identity| identity.name.to_string())).collect()
    };
    catch_panic(names).unwrap_or_default()
}

/// Names of the adapters that wgpu finds; always empty in a build without the `gpu` feature.
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
    // Enumerates adapters without opening one: opening a missing adapter panics.
    let found = catch_panic(|| Device::enumerate(DeviceType::Wgpu).len()).map_err(broken)?;
    if found == 0 {
        return Err(TrainError::Device(format!("there is no GPU that wgpu can use; {REMEDY}")));
    }
    let device = Device::wgpu(DeviceKind::DefaultDevice);
    let (answer, name) = catch_panic(|| {
        let two = Tensor::<1>::ones([1], &device).add_scalar(1.0).into_data();
        (two.iter::<f32>().next(), device.identity().map(|identity| identity.name.to_string()))
    })
    .map_err(broken)?;
    if answer != Some(2.0) {
        return Err(broken(format!("it computes 1 + 1 = {answer:?}")));
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
