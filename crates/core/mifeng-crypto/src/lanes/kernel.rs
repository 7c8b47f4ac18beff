//! Ways to hash side by side, and the place where features meet `unsafe`.
#![allow(unsafe_code)]
#![deny(clippy::undocumented_unsafe_blocks)]

use super::register::{self, LANES_MAX, Plain, State};
#[cfg(target_arch = "x86_64")]
use super::x86;
use super::{BLOCK, Function, Lanes as _, digest_many};

/// Takes so many consecutive blocks at each pointer into the lanes of the state.
///
/// # Safety
/// The machine has the kernel's instructions; there are as many pointers as the kernel has lanes, with as many blocks
/// behind each.
pub(crate) type Compress = unsafe fn(&mut State, &[*const u8], usize);

/// A way to hash messages side by side on this machine.
#[derive(Clone, Copy)]
pub(crate) struct Kernel {
    name: &'static str,
    lanes: usize,
    least: usize,
    compress: Compress,
}

impl Kernel {
    /// # Safety
    /// This machine has the instructions of `compress`, and its lanes are `lanes`, at most [`LANES_MAX`].
    pub(crate) const unsafe fn new(
        name: &'static str,
        (lanes, least): (usize, usize),
        compress: Compress,
    ) -> Self {
        Kernel {
            name,
            lanes,
            least,
            compress,
        }
    }

    /// One lane in each word of the widest registers that this machine claims to have, widest first. Lanes half empty
    /// cost as much as full ones, so it takes half of them to be worth it.
    pub(crate) fn of_registers<F: Function>() -> Vec<Self> {
        #[allow(unused_mut, reason = "other machines have none")]
        let mut found = Vec::new();
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512bw") {
                // SAFETY: the features were just detected; the lanes are those of the register.
                found.push(unsafe { Kernel::new("avx512", (16, 8), x86::compress_avx512::<F>) });
            }
            if is_x86_feature_detected!("avx2") {
                // SAFETY: as above.
                found.push(unsafe { Kernel::new("avx2", (8, 4), x86::compress_avx2::<F>) });
            }
        }
        found
    }

    /// Lanes in plain words. Without registers for them they spill, at half the speed of one message after the other:
    /// never chosen, but what the others are compared with.
    #[cfg_attr(not(test), expect(dead_code, reason = "the twin of tests"))]
    pub(crate) fn plain<F: Function>() -> Self {
        // SAFETY: `Plain` needs no feature.
        unsafe { Kernel::new("plain", (Plain::LANES, 1), register::compress::<F, Plain>) }
    }

    /// The same, worth it from so many messages on.
    #[cfg(target_arch = "x86_64")]
    pub(crate) fn worth_from(self, least: usize) -> Self {
        Kernel { least, ..self }
    }

    /// What it is called in benches and logs.
    pub(crate) fn name(&self) -> &'static str {
        self.name
    }

    /// Messages that it takes.
    pub(crate) fn lanes(&self) -> usize {
        self.lanes
    }

    /// Messages below which it is not worth it.
    pub(crate) fn least(&self) -> usize {
        self.least
    }

    /// Detecting a feature says what a processor claims, not that the kernel is right on it. Every lane has another
    /// message; the lengths reach the edges of one block and of several.
    pub(crate) fn passes<F: Function>(&self) -> bool {
        let data: Vec<u8> = (0..LANES_MAX * 300)
            .map(|i| (i * 31 + i / 7) as u8)
            .collect();
        [0, 54, 55, 56, 63, 64, 300].into_iter().all(|len| {
            let inputs: Vec<&[u8]> = data.chunks(300).map(|message| &message[..len]).collect();
            let inputs = &inputs[..self.lanes];
            let found = digest_many::<F>(core::slice::from_ref(self), &[0], inputs);
            let one = |input: &&[u8]| F::digest_one(&[0], input);
            found.into_iter().eq(inputs.iter().map(one))
        })
    }

    /// Takes the blocks of `from`, a row for each lane, into the lanes of `state`: as many as the shortest row has; none
    /// if rows are missing.
    pub(crate) fn compress(&self, state: &mut State, from: &[&[u8]]) {
        let Some(rows) = from.get(..self.lanes) else {
            return;
        };
        let count = rows.iter().map(|row| row.len() / BLOCK).min().unwrap_or(0);
        let mut pointers = [core::ptr::null(); LANES_MAX];
        for (pointer, row) in pointers.iter_mut().zip(rows) {
            *pointer = row.as_ptr();
        }
        // SAFETY: whoever made this kernel vouched for its instructions and lanes; each row has the blocks.
        unsafe { (self.compress)(state, &pointers[..rows.len()], count) }
    }
}

impl core::fmt::Debug for Kernel {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(self.name)
    }
}

/// Kernels with a fault each, which the examination must find.
#[cfg(test)]
pub(super) mod wrong {
    use super::*;

    /// One bit of one lane.
    unsafe fn last_lane<F: Function>(state: &mut State, from: &[*const u8], count: usize) {
        // SAFETY: the caller's contract is the same.
        unsafe { register::compress::<F, Plain>(state, from, count) }
        state[7][Plain::LANES - 1] ^= 1;
    }

    /// The last of several blocks is not taken.
    unsafe fn one_block_less<F: Function>(state: &mut State, from: &[*const u8], count: usize) {
        let count = if count > 1 { count - 1 } else { count };
        // SAFETY: the caller's contract is the same, for fewer blocks.
        unsafe { register::compress::<F, Plain>(state, from, count) }
    }

    /// Two neighbours change places.
    unsafe fn changed_places<F: Function>(state: &mut State, from: &[*const u8], count: usize) {
        let mut from = from.to_vec();
        from.swap(2, 3);
        // SAFETY: the caller's contract is the same, in another order.
        unsafe { register::compress::<F, Plain>(state, &from, count) }
    }

    pub(crate) fn all<F: Function>() -> Vec<Kernel> {
        let faults: [Compress; 3] = [last_lane::<F>, one_block_less::<F>, changed_places::<F>];
        // SAFETY: as of the plain kernel.
        let kernel = |fault| unsafe { Kernel::new("wrong", (Plain::LANES, 1), fault) };
        faults.map(kernel).into()
    }
}
