//! Encoders of observed fields that are more than a list: convolutions over range rays and images.

use burn::module::Module;
use burn::nn::conv::{Conv1d, Conv1dConfig, Conv2d, Conv2dConfig};
use burn::nn::{Linear, LinearConfig};
use burn::tensor::{Device, Tensor, activation};

use super::PolicyError;
use crate::spaces::Layout;

/// Kernel and stride of a convolution.
const FIRST: (usize, usize) = (5, 2);
const LATER: (usize, usize) = (3, 2);

/// Convolutions over one field.
#[derive(Module, Debug)]
pub struct FieldEncoder {
    lines: Vec<Conv1d>,
    images: Vec<Conv2d>,
    out: Linear,
    #[module(skip)]
    start: usize,
    #[module(skip)]
    size: usize,
    /// Rows and columns of an image.
    #[module(skip)]
    image: Option<(usize, usize)>,
}

/// Numbers that a convolution without padding leaves of `size`; zero where it does not fit.
fn left_of(size: usize, (kernel, stride): (usize, usize)) -> usize {
    if size < kernel { 0 } else { (size - kernel) / stride + 1 }
}

impl FieldEncoder {
    fn new(start: usize, size: usize, image: Option<(usize, usize)>, width: usize, device: &Device) -> Self {
        let (mut lines, mut images) = (Vec::new(), Vec::new());
        let flat = match image {
            None => {
                let line =
                    |from, to, (kernel, stride)| Conv1dConfig::new(from, to, kernel).with_stride(stride).init(device);
                lines = vec![line(1, 16, FIRST), line(16, 32, LATER)];
                32 * left_of(left_of(size, FIRST), LATER)
            }
            Some((rows, columns)) => {
                let plane = |from, to, (kernel, stride): (usize, usize)| {
                    Conv2dConfig::new([from, to], [kernel, kernel]).with_stride([stride, stride]).init(device)
                };
                images = vec![plane(1, 16, FIRST), plane(16, 32, LATER)];
                let left = |size| left_of(left_of(size, FIRST), LATER);
                32 * left(rows) * left(columns)
            }
        };
        Self { lines, images, out: LinearConfig::new(flat, width).init(device), start, size, image }
    }

    /// `[rows, observation size]` to `[rows, width]`.
    fn forward(&self, x: &Tensor<2>) -> Tensor<2> {
        let rows = x.dims()[0];
        let field = x.clone().slice([0..rows, self.start..self.start + self.size]);
        let flat: Tensor<2> = match self.image {
            None => {
                let mut x = field.reshape([rows, 1, self.size]);
                for layer in &self.lines {
                    x = activation::relu(layer.forward(x));
                }
                x.flatten(1, 2)
            }
            Some((height, width)) => {
                let mut x = field.reshape([rows, 1, height, width]);
                for layer in &self.images {
                    x = activation::relu(layer.forward(x));
                }
                x.flatten(1, 3)
            }
        };
        activation::relu(self.out.forward(flat))
    }
}

/// Encoders of some fields of an observation; the other fields pass as they are, before the encoded ones.
#[derive(Module, Debug)]
pub struct Encoder {
    fields: Vec<FieldEncoder>,
    /// Where what passes stands: start and end.
    #[module(skip)]
    passing: Vec<(usize, usize)>,
    #[module(skip)]
    width: usize,
}

impl Encoder {
    /// Encoders of all images of `layout` and of the lists that `convolve` names, `width` numbers each; `None` where there
    /// is nothing to encode.
    ///
    /// # Errors
    /// A name that no field has, or a field too small to be convolved.
    pub fn new(
        layout: &Layout,
        convolve: &[String],
        width: usize,
        device: &Device,
    ) -> Result<Option<Self>, PolicyError> {
        let fail = |message: String| Err(PolicyError::Network { message });
        if let Some(name) = convolve.iter().find(|name| layout.range(name).is_none()) {
            let known: Vec<&str> = layout.fields.iter().map(|f| f.name.as_str()).collect();
            return fail(format!("network.convolve names {name}; the observation has {}", known.join(", ")));
        }
        let (mut fields, mut passing) = (Vec::new(), Vec::new());
        let mut start = 0;
        for field in &layout.fields {
            if field.image.is_some() || convolve.contains(&field.name) {
                let least = field.image.map_or(field.size, |(rows, columns)| rows.min(columns));
                if left_of(left_of(least, FIRST), LATER) == 0 {
                    return fail(format!("{} is too small to be convolved; 9 numbers are the least", field.name));
                }
                if field.image.is_some_and(|(rows, columns)| rows * columns != field.size) {
                    return fail(format!("the image {} is not of its size", field.name));
                }
                fields.push(FieldEncoder::new(start, field.size, field.image, width, device));
            } else {
                passing.push((start, start + field.size));
            }
            start += field.size;
        }
        Ok((!fields.is_empty()).then_some(Self { fields, passing, width }))
    }

    /// Numbers that an observation becomes.
    pub fn size(&self) -> usize {
        self.passing.iter().map(|(from, to)| to - from).sum::<usize>() + self.fields.len() * self.width
    }

    /// `[rows, observation size]` to `[rows, size]`.
    pub fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        let rows = x.dims()[0];
        let passing = self.passing.iter().map(|(from, to)| x.clone().slice([0..rows, *from..*to]));
        let parts: Vec<_> = passing.chain(self.fields.iter().map(|field| field.forward(&x))).collect();
        Tensor::cat(parts, 1)
    }
}
