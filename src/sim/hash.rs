//! A 64-bit hash of an arena's state.

use xxhash_rust::xxh3::Xxh3Default;

use super::arena::Arena;
use super::physics::Physics;

/// Hash (XXH3, 64 bits) of the bits of each movable rigid body's pose and velocities, of the controlled bodies' internal
/// state and of the delayed actions.
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
    let mut body_state = Vec::with_capacity(256);
    for (slot, delayed) in arena.slots.iter().zip(&arena.delayed_actions) {
        body_state.clear();
        slot.body.save(&mut body_state);
        hasher.update(&body_state);
        for number in delayed {
            hasher.update(&number.to_bits().to_le_bytes());
        }
    }
    hasher.digest()
}
