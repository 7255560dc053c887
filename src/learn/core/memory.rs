//! Memory: what is free, and the refusal of what needs more, before it is built.

use std::fs;

use crate::learn::TrainError;

/// A number of bytes as text.
pub fn gigabytes(bytes: u64) -> String {
    format!("{:.1} GB", bytes as f64 / 1e9)
}

/// A line `<name> <number> kB` of a file of `/proc`, bytes.
fn kilobytes(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    Some(line.split_whitespace().next()?.parse::<u64>().ok()?.saturating_mul(1024))
}

/// The bytes that this process can still take: of the machine, of its control group, and of its own limit of address space.
/// `None` on systems without `/proc`.
pub fn available_memory() -> Option<u64> {
    let machine = kilobytes(&fs::read_to_string("/proc/meminfo").ok()?, "MemAvailable:");
    let number = |path: &str| fs::read_to_string(path).ok()?.trim().parse::<u64>().ok();
    let group = number("/sys/fs/cgroup/memory.max")
        .zip(number("/sys/fs/cgroup/memory.current"))
        .map(|(most, now)| most.saturating_sub(now));
    let limits = fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let soft = limits.lines().find_map(|line| line.strip_prefix("Max address space"));
    let soft = soft.and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok());
    let used = kilobytes(&fs::read_to_string("/proc/self/status").unwrap_or_default(), "VmSize:");
    let own = soft.zip(used).map(|(most, now)| most.saturating_sub(now));
    [machine, group, own].into_iter().flatten().min()
}

/// Refuse what needs more memory than there is. Each part is a description, such as `ppo.n_envs=64 arenas`, and its bytes.
///
/// # Errors
/// [`TrainError::Config`] with the bytes of every part and the free ones.
pub fn check_memory(parts: &[(String, u64)]) -> Result<(), TrainError> {
    let total = parts.iter().fold(0u64, |sum, (_, bytes)| sum.saturating_add(*bytes));
    match available_memory() {
        Some(available) if total > available => {
            let list: Vec<String> = parts.iter().map(|(part, bytes)| format!("{part} {}", gigabytes(*bytes))).collect();
            Err(TrainError::Config {
                origin: "the training configuration".into(),
                message: format!(
                    "it needs about {} of memory ({}), and {} are free; lower these settings",
                    gigabytes(total),
                    list.join(", "),
                    gigabytes(available)
                ),
            })
        }
        _ => Ok(()),
    }
}
