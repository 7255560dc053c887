//! Event files, read back by a decoder that shares no code with the writer.

use apprentice::learn::{EventWriter, Metric, scalars};

/// CRC-32C (Castagnoli), bit by bit.
fn crc32c(data: &[u8]) -> u32 {
    !data.iter().fold(!0u32, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |c, _| if c & 1 == 1 { (c >> 1) ^ 0x82f6_3b78 } else { c >> 1 })
    })
}

fn masked(data: &[u8]) -> u32 {
    crc32c(data).rotate_right(15).wrapping_add(0xa282_ead8)
}

/// The payloads of a TFRecord file.
fn records(mut bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut out = Vec::new();
    while !bytes.is_empty() {
        let (length, rest) = bytes.split_at(8);
        let (crc, rest) = rest.split_at(4);
        assert_eq!(u32::from_le_bytes(crc.try_into().unwrap()), masked(length));
        let (data, rest) = rest.split_at(u64::from_le_bytes(length.try_into().unwrap()) as usize);
        let (crc, rest) = rest.split_at(4);
        assert_eq!(u32::from_le_bytes(crc.try_into().unwrap()), masked(data));
        out.push(data.to_vec());
        bytes = rest;
    }
    out
}

fn varint(bytes: &mut &[u8]) -> u64 {
    let mut out = 0;
    for shift in (0..).step_by(7) {
        let byte = bytes[0];
        *bytes = &bytes[1..];
        out |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            break;
        }
    }
    out
}

/// (field number, bytes) of each field of a protobuf message; a varint's value as eight bytes.
fn fields(mut bytes: &[u8]) -> Vec<(u64, Vec<u8>)> {
    let mut out = Vec::new();
    while !bytes.is_empty() {
        let key = varint(&mut bytes);
        let length = match key & 7 {
            0 => {
                out.push((key >> 3, varint(&mut bytes).to_le_bytes().to_vec()));
                continue;
            }
            1 => 8,
            2 => varint(&mut bytes) as usize,
            5 => 4,
            wire => panic!("wire type {wire}"),
        };
        let (data, rest) = bytes.split_at(length);
        out.push((key >> 3, data.to_vec()));
        bytes = rest;
    }
    out
}

fn field(message: &[u8], number: u64) -> Option<Vec<u8>> {
    fields(message).into_iter().find(|(n, _)| *n == number).map(|(_, data)| data)
}

#[test]
fn scalars_read_back() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = EventWriter::create(dir.path()).unwrap();
    let written: Vec<(u64, f32)> = (0..50).map(|i| (i * 300, (i as f32).sqrt() - 3.0)).chain([(99_999, 0.0)]).collect();
    for &(step, value) in &written {
        writer.write(step, &[Metric { tag: "train/loss", value }, Metric { tag: "other", value: -value }]).unwrap();
    }
    writer.flush().unwrap();
    let name = writer.path().file_name().unwrap().to_str().unwrap().to_string();
    assert!(name.starts_with("events.out.tfevents."), "{name}");

    let records = records(&std::fs::read(writer.path()).unwrap());
    assert_eq!(field(&records[0], 3).unwrap(), b"brain.Event:2");
    let read: Vec<(u64, f32)> = records[1..]
        .iter()
        .map(|event| {
            let time = f64::from_le_bytes(field(event, 1).unwrap().try_into().unwrap());
            assert!(time > 1.7e9, "seconds since 1970");
            let step = field(event, 2).map_or(0, |bytes| u64::from_le_bytes(bytes.try_into().unwrap()));
            let summary = field(event, 5).unwrap();
            let values: Vec<_> = fields(&summary).into_iter().map(|(_, value)| value).collect();
            assert_eq!(values.len(), 2);
            assert_eq!(field(&values[0], 1).unwrap(), b"train/loss");
            (step, f32::from_le_bytes(field(&values[0], 2).unwrap().try_into().unwrap()))
        })
        .collect();
    assert_eq!(read, written);
}

#[test]
fn every_writer_creates_a_new_file() {
    let dir = tempfile::tempdir().unwrap();
    let paths: Vec<_> = (0..3).map(|_| EventWriter::create(dir.path()).unwrap().path().to_path_buf()).collect();
    assert!(paths[0] != paths[1] && paths[1] != paths[2]);
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 3);
}

#[test]
fn a_curve_is_read_from_all_files_of_a_resumed_run() {
    let dir = tempfile::tempdir().unwrap();
    let mut paths = Vec::new();
    for steps in [0..8u64, 5..12] {
        let mut writer = EventWriter::create(dir.path()).unwrap();
        let file = paths.len() as f32;
        for step in steps {
            writer
                .write(step, &[Metric { tag: "other", value: -1.0 }, Metric { tag: "train/loss", value: file }])
                .unwrap();
        }
        writer.flush().unwrap();
        paths.push(writer.path().to_owned());
    }
    let read = scalars(dir.path(), "train/loss").unwrap();
    let expected: Vec<(u64, f32)> = (0..12).map(|step| (step, if step < 5 { 0.0 } else { 1.0 })).collect();
    assert_eq!(read.into_iter().collect::<Vec<_>>(), expected);
    // A truncated record, as after a kill: the records before it are read.
    let bytes = std::fs::read(&paths[1]).unwrap();
    for cut in [1, 10, 30] {
        std::fs::write(&paths[1], &bytes[..bytes.len() - cut]).unwrap();
        assert_eq!(scalars(dir.path(), "train/loss").unwrap().len(), 11, "{cut} bytes removed");
    }
    std::fs::write(&paths[1], b"not an event file").unwrap();
    assert_eq!(scalars(dir.path(), "train/loss").unwrap().len(), 8);
    assert!(scalars(dir.path(), "nothing").unwrap().is_empty());
    assert!(scalars(&dir.path().join("nowhere"), "train/loss").is_err());
}
