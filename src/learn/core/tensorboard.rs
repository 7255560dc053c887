//! TensorBoard event files.
//!
//! A file is a sequence of TFRecords (`tensorflow/core/lib/io/record_writer.h`): length as u64, masked CRC of the
//! length, the bytes, masked CRC of the bytes, all little-endian. Each holds one `Event`
//! (`tensorflow/core/util/event.proto`).

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crc::{CRC_32_ISCSI, Crc, Table};
use prost::Message;

use crate::learn::{Metric, TrainError};

static CRC32C: Crc<u32, Table<16>> = Crc::<u32, Table<16>>::new(&CRC_32_ISCSI);
/// Added to a rotated CRC, so that CRCs of data that contains CRCs stay useful (`tensorflow/core/lib/hash/crc32c.h`).
const MASK: u32 = 0xa282_ead8;

#[derive(Clone, PartialEq, Message)]
struct Event {
    #[prost(double, tag = "1")]
    wall_time: f64,
    #[prost(int64, tag = "2")]
    step: i64,
    #[prost(oneof = "Payload", tags = "3, 5")]
    payload: Option<Payload>,
}

#[derive(Clone, PartialEq, prost::Oneof)]
enum Payload {
    #[prost(string, tag = "3")]
    FileVersion(String),
    #[prost(message, tag = "5")]
    Summary(Summary),
}

#[derive(Clone, PartialEq, Message)]
struct Summary {
    #[prost(message, repeated, tag = "1")]
    value: Vec<SummaryValue>,
}

#[derive(Clone, PartialEq, Message)]
struct SummaryValue {
    #[prost(string, tag = "1")]
    tag: String,
    #[prost(float, optional, tag = "2")]
    simple_value: Option<f32>,
}

/// Writes scalars to a new event file.
pub struct EventWriter {
    path: PathBuf,
    file: BufWriter<File>,
}

impl EventWriter {
    /// Creates the file `events.out.tfevents.<seconds>.<host>` in `dir`. If it exists, a number is added to the name:
    /// nothing is overwritten, and TensorBoard merges all files of a folder.
    ///
    /// # Errors
    /// The file cannot be made or written.
    pub fn create(dir: &Path) -> Result<Self, TrainError> {
        let seconds = now().as_secs();
        let name = format!("events.out.tfevents.{seconds:010}.{}", host());
        let mut path = dir.join(&name);
        let mut number = 0;
        let file = loop {
            match File::create_new(&path) {
                Ok(file) => break file,
                Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => {
                    number += 1;
                    path = dir.join(format!("{name}.{number}"));
                }
                Err(e) => return Err(TrainError::io("make", &path)(e)),
            }
        };
        let mut writer = Self { path, file: BufWriter::new(file) };
        writer.event(0, Payload::FileVersion("brain.Event:2".into()))?;
        writer.flush()?;
        Ok(writer)
    }

    /// Path of the file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes the scalars of a step.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write(&mut self, step: u64, metrics: &[Metric]) -> Result<(), TrainError> {
        let value = |m: &Metric| SummaryValue { tag: m.tag.into(), simple_value: Some(m.value) };
        self.event(step, Payload::Summary(Summary { value: metrics.iter().map(value).collect() }))
    }

    /// Flushes the buffer to the operating system, so that TensorBoard sees the data.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn flush(&mut self) -> Result<(), TrainError> {
        self.file.flush().map_err(TrainError::io("write", &self.path))
    }

    fn event(&mut self, step: u64, payload: Payload) -> Result<(), TrainError> {
        let event = Event { wall_time: now().as_secs_f64(), step: step as i64, payload: Some(payload) };
        self.file.write_all(&record(&event.encode_to_vec())).map_err(TrainError::io("write", &self.path))
    }
}

/// The value of the scalar `tag` at each step, from all event files in `dir`. Where a resumed run wrote a step again,
/// the newest value counts. A truncated record ends its file.
///
/// # Errors
/// The folder or a file in it cannot be read.
pub fn scalars(dir: &Path, tag: &str) -> Result<BTreeMap<u64, f32>, TrainError> {
    let fail = |e| TrainError::io("read", dir)(e);
    let names: Result<Vec<PathBuf>, _> = fs::read_dir(dir).map_err(fail)?.map(|entry| Ok(entry?.path())).collect();
    let is_event = |path: &PathBuf| {
        path.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.starts_with("events.out.tfevents."))
    };
    // File names begin with the time, so this is chronological.
    let mut paths: Vec<PathBuf> = names.map_err(fail)?.into_iter().filter(is_event).collect();
    paths.sort();
    let mut found = BTreeMap::new();
    for path in paths {
        let bytes = fs::read(&path).map_err(TrainError::io("read", &path))?;
        let mut rest = &bytes[..];
        while let Some((data, more)) = first_record(rest) {
            rest = more;
            let Ok(Event { step, payload: Some(Payload::Summary(summary)), .. }) = Event::decode(data) else {
                continue;
            };
            let value = summary.value.iter().find(|value| value.tag == tag).and_then(|value| value.simple_value);
            found.extend(value.map(|value| (step as u64, value)));
        }
    }
    Ok(found)
}

/// The data of the first record, and the remaining bytes; `None` where the record is truncated or damaged.
fn first_record(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<8>()?;
    let (data, rest) = rest.get(4..)?.split_at_checked(u64::from_le_bytes(*length).try_into().ok()?)?;
    let (sum, rest) = rest.split_first_chunk::<4>()?;
    (u32::from_le_bytes(*sum) == masked_crc(data)).then_some((data, rest))
}

fn record(data: &[u8]) -> Vec<u8> {
    let length = (data.len() as u64).to_le_bytes();
    let mut out = Vec::with_capacity(data.len() + 16);
    out.extend(length);
    out.extend(masked_crc(&length).to_le_bytes());
    out.extend(data);
    out.extend(masked_crc(data).to_le_bytes());
    out
}

fn masked_crc(data: &[u8]) -> u32 {
    CRC32C.checksum(data).rotate_right(15).wrapping_add(MASK)
}

fn now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// The host name, restricted to letters, digits, `-` and `_`.
fn host() -> String {
    let name = std::env::var("HOSTNAME")
        .ok()
        .or_else(|| std::fs::read_to_string("/proc/sys/kernel/hostname").ok())
        .or_else(|| std::env::var("COMPUTERNAME").ok())
        .unwrap_or_default();
    let name: String =
        name.trim().chars().map(|c| if c.is_ascii_alphanumeric() || "-_".contains(c) { c } else { '-' }).collect();
    if name.is_empty() { "localhost".into() } else { name }
}
