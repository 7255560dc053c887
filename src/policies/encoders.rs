//! Encoders of structured observation fields: 1-D convolutions over lists of numbers (range rays), 2-D convolutions over
//! images.

use burn::module::Module;
use burn::nn::conv::{Conv1d, Conv1dConfig, Conv2d, Conv2dConfig};
use burn::nn::{Linear, LinearConfig};
use burn::tensor::{Device, Tensor, activation};

use super::PolicyError;
use crate::spaces::Layout;

/// Kernel size and stride of a convolution without padding.
#[derive(Clone, Copy)]
struct ConvShape {
    kernel: usize,
    stride: usize,
}

impl ConvShape {
    /// Output size for an input of `size`; zero where the kernel does not fit.
    fn output_size(self, size: usize) -> usize {
        if size < self.kernel { 0 } else { (size - self.kernel) / self.stride + 1 }
    }
}

const CONV_1: ConvShape = ConvShape { kernel: 5, stride: 2 };
const CONV_2: ConvShape = ConvShape { kernel: 3, stride: 2 };
/// Output channels of the two convolutions.
const CHANNELS_1: usize = 16;
const CHANNELS_2: usize = 32;

/// Output size of both convolutions along one dimension.
fn conv_output_size(size: usize) -> usize {
    CONV_2.output_size(CONV_1.output_size(size))
}

/// Two convolutions and a linear layer over one field.
#[derive(Module, Debug)]
pub struct FieldEncoder {
    conv1d: Vec<Conv1d>,
    conv2d: Vec<Conv2d>,
    out: Linear,
    #[module(skip)]
    start: usize,
    #[module(skip)]
    size: usize,
    /// Rows and columns of an image; `None` for a list.
    #[module(skip)]
    image: Option<(usize, usize)>,
}

impl FieldEncoder {
    fn new(start: usize, size: usize, image: Option<(usize, usize)>, feature_size: usize, device: &Device) -> Self {
        let (mut conv1d, mut conv2d) = (Vec::new(), Vec::new());
        let flat_size = match image {
            None => {
                let conv = |from, to, shape: ConvShape| {
                    Conv1dConfig::new(from, to, shape.kernel).with_stride(shape.stride).init(device)
                };
                conv1d = vec![conv(1, CHANNELS_1, CONV_1), conv(CHANNELS_1, CHANNELS_2, CONV_2)];
                CHANNELS_2 * conv_output_size(size)
            }
            Some((rows, columns)) => {
                let conv = |from, to, ConvShape { kernel, stride }| {
                    Conv2dConfig::new([from, to], [kernel, kernel]).with_stride([stride, stride]).init(device)
                };
                conv2d = vec![conv(1, CHANNELS_1, CONV_1), conv(CHANNELS_1, CHANNELS_2, CONV_2)];
                CHANNELS_2 * conv_output_size(rows) * conv_output_size(columns)
            }
        };
        Self { conv1d, conv2d, out: LinearConfig::new(flat_size, feature_size).init(device), start, size, image }
    }

    /// `[rows, observation size]` to `[rows, feature_size]`.
    fn forward(&self, x: &Tensor<2>) -> Tensor<2> {
        let rows = x.dims()[0];
        let field = x.clone().slice([0..rows, self.start..self.start + self.size]);
        let flat: Tensor<2> = match self.image {
            None => {
                let mut x = field.reshape([rows, 1, self.size]);
                for layer in &self.conv1d {
                    x = activation::relu(layer.forward(x));
                }
                x.flatten(1, 2)
            }
            Some((height, width)) => {
                let mut x = field.reshape([rows, 1, height, width]);
                for layer in &self.conv2d {
                    x = activation::relu(layer.forward(x));
                }
                x.flatten(1, 3)
            }
        };
        activation::relu(self.out.forward(flat))
    }
}

/// Encoders of some fields of an observation. The output is the other fields, unchanged, followed by the encoded ones.
#[derive(Module, Debug)]
pub struct ObservationEncoder {
    fields: Vec<FieldEncoder>,
    /// Columns of the fields that are not encoded: start and end.
    #[module(skip)]
    unencoded: Vec<(usize, usize)>,
    #[module(skip)]
    feature_size: usize,
}

impl ObservationEncoder {
    /// Encoders of all images of `layout` and of the fields in `conv_features`, `feature_size` numbers each; `None` where
    /// there is nothing to encode.
    ///
    /// # Errors
    /// A name that no field has, a field too small for the convolutions, or an image whose rows times columns are not the
    /// field's size.
    pub fn new(
        layout: &Layout,
        conv_features: &[String],
        feature_size: usize,
        device: &Device,
    ) -> Result<Option<Self>, PolicyError> {
        let fail = |message: String| Err(PolicyError::Network { message });
        if let Some(name) = conv_features.iter().find(|name| layout.range(name).is_none()) {
            let known: Vec<&str> = layout.fields.iter().map(|f| f.name.as_str()).collect();
            return fail(format!(
                "network.conv_features: there is no observation field {name}; the fields are {}",
                known.join(", ")
            ));
        }
        let (mut fields, mut unencoded) = (Vec::new(), Vec::new());
        let mut start = 0;
        for field in &layout.fields {
            if field.image.is_some() || conv_features.contains(&field.name) {
                let smallest = field.image.map_or(field.size, |(rows, columns)| rows.min(columns));
                if conv_output_size(smallest) == 0 {
                    return fail(format!(
                        "the observation field {} is too small for the convolutions, which need at least 9 numbers in \
                         each dimension",
                        field.name
                    ));
                }
                if field.image.is_some_and(|(rows, columns)| rows * columns != field.size) {
                    return fail(format!("the image {} does not have rows * columns numbers", field.name));
                }
                fields.push(FieldEncoder::new(start, field.size, field.image, feature_size, device));
            } else {
                unencoded.push((start, start + field.size));
            }
            start += field.size;
        }
        Ok((!fields.is_empty()).then_some(Self { fields, unencoded, feature_size }))
    }

    /// Numbers of an encoded observation.
    pub fn output_size(&self) -> usize {
        self.unencoded.iter().map(|(from, to)| to - from).sum::<usize>() + self.fields.len() * self.feature_size
    }

    /// `[rows, observation size]` to `[rows, output_size]`.
    pub fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        let rows = x.dims()[0];
        let unencoded = self.unencoded.iter().map(|(from, to)| x.clone().slice([0..rows, *from..*to]));
        let parts: Vec<_> = unencoded.chain(self.fields.iter().map(|field| field.forward(&x))).collect();
        Tensor::cat(parts, 1)
    }
}
