//! A 64-bit hash of an arena's state.

use xxhash_rust::xxh3::Xxh3Default;

use super::arena::Arena;
use super::physics::Physics;

/// Hash of every body's pose and velocities, bit for bit, and of what the acting bodies remember and have yet to do (XXH3,
/// 64 bits).
pub fn state_hash(physics: &Physics<'_>, arena: &Arena) -> u64 {
    let mut hasher = Xxh3Default::new();
    for (handle, body) in physics.bodies.iter() {
        if body.is_fixed() {
            continue;
        }
        let (index, generation) = handle.into_raw_parts();
        let (p, q) = (body.translation(), body.rotation());
        let (v, w) = (body.linvel(), body.angvel());
        let numbers = [p.x, p.y, p.z, q.x, q.y, q.z, q.w, v.x, v.y, v.z, w.x, w.y, w.z];
        hasher.update(&index.to_le_bytes());
        hasher.update(&generation.to_le_bytes());
        let mut bytes = [0u8; 52];
        for (out, x) in bytes.chunks_exact_mut(4).zip(numbers) {
            out.copy_from_slice(&x.to_bits().to_le_bytes());
        }
        hasher.update(&bytes);
    }
    let mut memory = Vec::with_capacity(256);
    for (slot, waiting) in arena.slots.iter().zip(&arena.waiting) {
        memory.clear();
        slot.body.save(&mut memory);
        hasher.update(&memory);
        for number in waiting {
            hasher.update(&number.to_bits().to_le_bytes());
        }
    }
    hasher.digest()
}
