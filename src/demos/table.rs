//! Parquet files as named columns of plain values, whose types and sizes are checked on reading.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::builder::{Float64Builder, Int64Builder, ListBuilder, StringBuilder};
use arrow_array::cast::AsArray;
use arrow_array::types::{Float32Type, Float64Type, Int64Type};
use arrow_array::{
    Array, ArrayRef, BooleanArray, FixedSizeListArray, Float32Array, Float64Array, Int64Array, RecordBatch, StringArray,
};
use arrow_schema::{ArrowError, DataType, Field, Schema};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::arrow::arrow_writer::ArrowWriter;
use parquet::basic::Compression;
use parquet::file::properties::{EnabledStatistics, WriterProperties};

use super::error::DatasetError;
use super::files;

/// Rows per decoded batch: enough for an episode of half a minute in one batch.
const BATCH_ROWS: usize = 1024;

/// A column to be written.
pub(super) enum Column {
    /// `[rows * size]`; a fixed-size list column if `size` is above 1, as in LeRobot.
    Floats(usize, Vec<f32>),
    Doubles(Vec<f64>),
    Ints(Vec<i64>),
    Bools(Vec<bool>),
    Texts(Vec<String>),
    /// Lists of one text each.
    TextLists(Vec<String>),
    /// Lists of one integer each.
    IntLists(Vec<i64>),
    DoubleLists(Vec<Vec<f64>>),
}

impl Column {
    fn array(self) -> Result<ArrayRef, ArrowError> {
        Ok(match self {
            Self::Floats(1, values) => Arc::new(Float32Array::from(values)),
            Self::Floats(size, values) => {
                let item = Arc::new(Field::new("element", DataType::Float32, true));
                let size = i32::try_from(size).map_err(|e| ArrowError::InvalidArgumentError(e.to_string()))?;
                Arc::new(FixedSizeListArray::try_new(item, size, Arc::new(Float32Array::from(values)), None)?)
            }
            Self::Doubles(values) => Arc::new(Float64Array::from(values)),
            Self::Ints(values) => Arc::new(Int64Array::from(values)),
            Self::Bools(values) => Arc::new(BooleanArray::from(values)),
            Self::Texts(values) => Arc::new(StringArray::from(values)),
            Self::TextLists(rows) => {
                let item = Field::new("element", DataType::Utf8, true);
                let mut list = ListBuilder::new(StringBuilder::new()).with_field(item);
                for text in rows {
                    list.values().append_value(text);
                    list.append(true);
                }
                Arc::new(list.finish())
            }
            Self::IntLists(rows) => {
                let item = Field::new("element", DataType::Int64, true);
                let mut list = ListBuilder::new(Int64Builder::new()).with_field(item);
                for number in rows {
                    list.values().append_value(number);
                    list.append(true);
                }
                Arc::new(list.finish())
            }
            Self::DoubleLists(rows) => {
                let item = Field::new("element", DataType::Float64, true);
                let mut list = ListBuilder::new(Float64Builder::new()).with_field(item);
                for row in rows {
                    list.values().append_slice(&row);
                    list.append(true);
                }
                Arc::new(list.finish())
            }
        })
    }
}

/// Encode `columns` as the bytes of a Parquet file. `metadata` is the schema metadata.
///
/// Recorded floats rarely repeat, so dictionary encoding would only cost time. No reader filters rows by value, so the
/// file has no column statistics.
pub(super) fn encode(
    path: &Path,
    columns: Vec<(String, Column)>,
    metadata: HashMap<String, String>,
) -> Result<Vec<u8>, DatasetError> {
    let failed = |e: String| DatasetError::malformed(path, e);
    let mut fields = Vec::with_capacity(columns.len());
    let mut arrays = Vec::with_capacity(columns.len());
    for (name, column) in columns {
        let array = column.array().map_err(|e| failed(e.to_string()))?;
        fields.push(Field::new(name, array.data_type().clone(), true));
        arrays.push(array);
    }
    let schema = Arc::new(Schema::new_with_metadata(fields, metadata));
    let batch = RecordBatch::try_new(schema.clone(), arrays).map_err(|e| failed(e.to_string()))?;
    let properties = WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .set_dictionary_enabled(false)
        .set_statistics_enabled(EnabledStatistics::None)
        .build();
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, schema, Some(properties)).map_err(|e| failed(e.to_string()))?;
    writer.write(&batch).map_err(|e| failed(e.to_string()))?;
    writer.close().map_err(|e| failed(e.to_string()))?;
    Ok(bytes)
}

/// A decoded Parquet file.
pub(super) struct Table {
    path: PathBuf,
    batches: Vec<RecordBatch>,
    rows: usize,
}

impl Table {
    /// Decode the columns whose names `is_selected` accepts.
    pub fn read(path: &Path, is_selected: impl Fn(&str) -> bool) -> Result<Self, DatasetError> {
        let file = files::open(path)?;
        let decode = || -> Result<Vec<RecordBatch>, String> {
            let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(|e| e.to_string())?;
            let roots: Vec<usize> = builder
                .schema()
                .fields()
                .iter()
                .enumerate()
                .filter(|(_, field)| is_selected(field.name()))
                .map(|(i, _)| i)
                .collect();
            let mask = ProjectionMask::roots(builder.parquet_schema(), roots);
            let reader =
                builder.with_projection(mask).with_batch_size(BATCH_ROWS).build().map_err(|e| e.to_string())?;
            reader.collect::<Result<_, _>>().map_err(|e| e.to_string())
        };
        // The decoder panics on some damaged pages instead of returning an error.
        let batches = catch_unwind(AssertUnwindSafe(decode))
            .unwrap_or_else(|_| Err("the Parquet decoder panicked".to_owned()))
            .map_err(|e| DatasetError::malformed(path, e))?;
        let rows = batches.iter().map(RecordBatch::num_rows).sum();
        Ok(Self { path: path.to_path_buf(), batches, rows })
    }

    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The arrays of a column, one per batch, cast by `as_type`.
    fn arrays<'a, A: 'a>(
        &'a self,
        name: &'a str,
        kind: &'a str,
        as_type: impl Fn(&'a dyn Array) -> Option<&'a A> + 'a,
    ) -> impl Iterator<Item = Result<&'a A, DatasetError>> + 'a {
        self.batches.iter().map(move |batch| {
            let error = |cause: String| DatasetError::column(&self.path, name, cause);
            let array = batch.column_by_name(name).ok_or_else(|| error("is missing".to_owned()))?;
            if array.null_count() > 0 {
                return Err(error(format!("has {} null values", array.null_count())));
            }
            as_type(array.as_ref()).ok_or_else(|| error(format!("has type {}, not {kind}", array.data_type())))
        })
    }

    /// Copy a column of `size` floats per row into `out`, `[rows * size]`.
    pub fn floats_into(&self, name: &str, size: usize, out: &mut [f32]) -> Result<(), DatasetError> {
        let error = |cause: String| DatasetError::column(&self.path, name, cause);
        let mut rest = out;
        let mut append = |values: &[f32]| match rest.split_off_mut(..values.len()) {
            Some(target) => {
                target.copy_from_slice(values);
                Ok(())
            }
            None => Err(error(format!("has more than {} rows", self.rows))),
        };
        if size == 1 {
            for array in self.arrays(name, "Float32", |a| a.as_primitive_opt::<Float32Type>()) {
                append(array?.values())?;
            }
            return Ok(());
        }
        for array in self.arrays(name, "fixed-size list", |a| a.as_fixed_size_list_opt()) {
            let list = array?;
            if usize::try_from(list.value_length()).ok() != Some(size) {
                return Err(error(format!("has {} values per row, not {size}", list.value_length())));
            }
            match list.values().as_primitive_opt::<Float32Type>() {
                Some(values) if values.null_count() == 0 && values.len() == list.len() * size => {
                    append(values.values())?;
                }
                _ => return Err(error("has values that are not Float32".to_owned())),
            }
        }
        Ok(())
    }

    pub fn floats(&self, name: &str, size: usize) -> Result<Vec<f32>, DatasetError> {
        let mut out = vec![0.0; self.rows * size];
        self.floats_into(name, size, &mut out)?;
        Ok(out)
    }

    pub fn bools(&self, name: &str) -> Result<Vec<bool>, DatasetError> {
        let mut out = Vec::with_capacity(self.rows);
        for array in self.arrays(name, "Boolean", |a| a.as_boolean_opt()) {
            out.extend(array?.values().iter());
        }
        Ok(out)
    }

    pub fn ints(&self, name: &str) -> Result<Vec<i64>, DatasetError> {
        let mut out = Vec::with_capacity(self.rows);
        for array in self.arrays(name, "Int64", |a| a.as_primitive_opt::<Int64Type>()) {
            out.extend_from_slice(array?.values());
        }
        Ok(out)
    }

    pub fn doubles(&self, name: &str) -> Result<Vec<f64>, DatasetError> {
        let mut out = Vec::with_capacity(self.rows);
        for array in self.arrays(name, "Float64", |a| a.as_primitive_opt::<Float64Type>()) {
            out.extend_from_slice(array?.values());
        }
        Ok(out)
    }

    pub fn texts(&self, name: &str) -> Result<Vec<String>, DatasetError> {
        let mut out = Vec::with_capacity(self.rows);
        for array in self.arrays(name, "Utf8", |a| a.as_string_opt::<i32>()) {
            out.extend(array?.iter().flatten().map(str::to_owned));
        }
        Ok(out)
    }

    /// A column of lists with exactly one text each.
    pub fn single_texts(&self, name: &str) -> Result<Vec<String>, DatasetError> {
        let mut out = Vec::with_capacity(self.rows);
        for array in self.arrays(name, "list", |a| a.as_list_opt::<i32>()) {
            let list = array?;
            for row in 0..list.len() {
                match list.value(row).as_string_opt::<i32>() {
                    Some(texts) if texts.len() == 1 && texts.null_count() == 0 => out.push(texts.value(0).to_owned()),
                    _ => return Err(DatasetError::column(&self.path, name, "has a list that is not one Utf8 value")),
                }
            }
        }
        Ok(out)
    }

    /// A column of lists with exactly one integer each.
    pub fn single_ints(&self, name: &str) -> Result<Vec<i64>, DatasetError> {
        let mut out = Vec::with_capacity(self.rows);
        for array in self.arrays(name, "list", |a| a.as_list_opt::<i32>()) {
            let list = array?;
            for row in 0..list.len() {
                match list.value(row).as_primitive_opt::<Int64Type>() {
                    Some(values) if values.len() == 1 && values.null_count() == 0 => out.push(values.value(0)),
                    _ => return Err(DatasetError::column(&self.path, name, "has a list that is not one Int64 value")),
                }
            }
        }
        Ok(out)
    }

    /// A column of lists with exactly `size` floats each.
    pub fn double_lists(&self, name: &str, size: usize) -> Result<Vec<Vec<f64>>, DatasetError> {
        let mut out = Vec::with_capacity(self.rows);
        for array in self.arrays(name, "list", |a| a.as_list_opt::<i32>()) {
            let list = array?;
            for row in 0..list.len() {
                match list.value(row).as_primitive_opt::<Float64Type>() {
                    Some(values) if values.len() == size && values.null_count() == 0 => {
                        out.push(values.values().to_vec());
                    }
                    _ => {
                        let cause = format!("has a list that is not {size} Float64 values");
                        return Err(DatasetError::column(&self.path, name, cause));
                    }
                }
            }
        }
        Ok(out)
    }
}
