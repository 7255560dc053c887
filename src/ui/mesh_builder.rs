//! Meshes built from colored primitives.

use bevy::asset::RenderAssetUsages;
use bevy::math::{Quat, Vec3};
use bevy::mesh::{Indices, Mesh, PrimitiveTopology, VertexAttributeValues};
use bevy::prelude::{Color, ColorToComponents, Transform};

/// A mesh under construction. Every vertex has a color, so that a whole car or tree is one draw call.
#[derive(Default)]
pub struct MeshBuilder {
    positions: Vec<[f32; 3]>,
    normals: Vec<[f32; 3]>,
    uvs: Vec<[f32; 2]>,
    colors: Vec<[f32; 4]>,
    indices: Vec<u32>,
}

impl MeshBuilder {
    /// Whether the mesh has no triangles.
    pub fn is_empty(&self) -> bool {
        self.indices.is_empty()
    }

    /// Add one vertex.
    pub fn vertex(&mut self, position: Vec3, normal: Vec3, uv: [f32; 2], color: Color) -> u32 {
        self.positions.push(position.to_array());
        self.normals.push(normal.to_array());
        self.uvs.push(uv);
        self.colors.push(color.to_linear().to_f32_array());
        self.positions.len() as u32 - 1
    }

    /// Add a triangle by vertex indices, counter-clockwise seen from its front.
    pub fn triangle(&mut self, corners: [u32; 3]) {
        self.indices.extend(corners);
    }

    /// Add a flat quad, counter-clockwise seen from its front.
    pub fn quad(&mut self, corners: [Vec3; 4], color: Color) {
        let normal = (corners[2] - corners[0]).cross(corners[3] - corners[1]).normalize_or(Vec3::Y);
        let uvs = [[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]];
        let [a, b, c, d] = std::array::from_fn(|i| self.vertex(corners[i], normal, uvs[i], color));
        self.triangle([a, b, c]);
        self.triangle([a, c, d]);
    }

    /// Add a hexahedron. The corners of both ends are ordered counter-clockwise seen from above: front right, front left,
    /// back left, back right (front is -z, right is +x).
    pub fn block(&mut self, bottom: [Vec3; 4], top: [Vec3; 4], color: Color) {
        self.quad(top, color);
        self.quad([bottom[3], bottom[2], bottom[1], bottom[0]], color);
        for i in 0..4 {
            let j = (i + 1) % 4;
            self.quad([bottom[i], bottom[j], top[j], top[i]], color);
        }
    }

    /// Add a tapered box between the heights `y0` and `y1`. `low` and `high` are half width, front z and back z at the
    /// bottom and at the top.
    pub fn taper(&mut self, (y0, y1): (f32, f32), low: (f32, f32, f32), high: (f32, f32, f32), color: Color) {
        let ring = |y: f32, (x, front, back): (f32, f32, f32)| {
            [Vec3::new(x, y, front), Vec3::new(-x, y, front), Vec3::new(-x, y, back), Vec3::new(x, y, back)]
        };
        self.block(ring(y0, low), ring(y1, high), color);
    }

    /// Add a box by its center and its size.
    pub fn cuboid(&mut self, middle: Vec3, size: Vec3, color: Color) {
        let h = size / 2.0;
        let ring = |y: f32| {
            [Vec3::new(h.x, y, -h.z), Vec3::new(-h.x, y, -h.z), Vec3::new(-h.x, y, h.z), Vec3::new(h.x, y, h.z)]
                .map(|corner| middle + corner)
        };
        self.block(ring(-h.y), ring(h.y), color);
    }

    /// Add a square beam from one point to another.
    pub fn beam(&mut self, from: Vec3, to: Vec3, thickness: f32, color: Color) {
        let place = Transform::from_translation((from + to) / 2.0)
            .with_rotation(Quat::from_rotation_arc(Vec3::Y, (to - from).normalize_or(Vec3::Y)));
        let mut beam = Self::default();
        beam.cuboid(Vec3::ZERO, Vec3::new(thickness, from.distance(to), thickness), color);
        self.join(&beam, place);
    }

    /// Add a mesh in one color.
    pub fn mesh(&mut self, mesh: impl Into<Mesh>, place: Transform, color: Color) {
        let mesh: Mesh = mesh.into().transformed_by(place);
        let (Some(positions), Some(normals)) =
            (floats(&mesh, Mesh::ATTRIBUTE_POSITION.id), floats(&mesh, Mesh::ATTRIBUTE_NORMAL.id))
        else {
            return;
        };
        let first = self.positions.len() as u32;
        for (position, normal) in positions.iter().zip(normals) {
            self.vertex(Vec3::from_array(*position), Vec3::from_array(*normal), [0.0; 2], color);
        }
        match mesh.indices() {
            Some(indices) => self.indices.extend(indices.iter().map(|i| i as u32 + first)),
            None => self.indices.extend(first..self.positions.len() as u32),
        }
    }

    /// Append the mesh of another builder.
    pub fn join(&mut self, other: &Self, place: Transform) {
        let first = self.positions.len() as u32;
        self.positions.extend(other.positions.iter().map(|p| place.transform_point(Vec3::from_array(*p)).to_array()));
        self.normals.extend(other.normals.iter().map(|n| (place.rotation * Vec3::from_array(*n)).to_array()));
        self.uvs.extend(&other.uvs);
        self.colors.extend(&other.colors);
        self.indices.extend(other.indices.iter().map(|i| i + first));
    }

    /// The mesh.
    pub fn finish(self) -> Mesh {
        Mesh::new(PrimitiveTopology::TriangleList, RenderAssetUsages::RENDER_WORLD)
            .with_inserted_attribute(Mesh::ATTRIBUTE_POSITION, self.positions)
            .with_inserted_attribute(Mesh::ATTRIBUTE_NORMAL, self.normals)
            .with_inserted_attribute(Mesh::ATTRIBUTE_UV_0, self.uvs)
            .with_inserted_attribute(Mesh::ATTRIBUTE_COLOR, self.colors)
            .with_inserted_indices(Indices::U32(self.indices))
    }
}

fn floats(mesh: &Mesh, attribute: bevy::mesh::MeshVertexAttributeId) -> Option<&[[f32; 3]]> {
    mesh.attribute(attribute).and_then(VertexAttributeValues::as_float3)
}

/// A pseudorandom number in [0, 1) that depends only on `n` (the integer hash lowbias32 of Wellons' "prospector").
pub fn hash01(n: u32) -> f32 {
    let mut x = n.wrapping_add(0x9e37_79b9);
    x = (x ^ (x >> 16)).wrapping_mul(0x7feb_352d);
    x = (x ^ (x >> 15)).wrapping_mul(0x846c_a68b);
    x ^= x >> 16;
    (x >> 8) as f32 / (1 << 24) as f32
}
