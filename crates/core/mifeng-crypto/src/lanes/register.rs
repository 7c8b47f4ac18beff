//! A register whose words belong to different messages, for any register width. [`super::x86`] has those of a machine;
//! [`Plain`] is the same in safe Rust.
#![allow(unsafe_code)]
#![deny(clippy::undocumented_unsafe_blocks)]

use super::{BLOCK, Kernel};

/// Bytes ahead of a lane that are asked for: so many streams at once are more than a processor follows by itself.
const AHEAD: usize = 4 * BLOCK;
/// Lanes of the widest register.
pub(crate) const LANES_MAX: usize = 16;

/// Chaining values: word after word, of each the lanes.
pub(crate) type State = [[u32; LANES_MAX]; 8];

/// A hash of eight words of 32 bits, in blocks of sixteen, padded as GB/T 32905 section 5.2 and FIPS 180-4 section 5.1.1
/// say.
pub(crate) trait Function: Sized + 'static {
    /// The chaining value before the first block.
    const IV: [u32; 8];

    /// What the processor claims to run, best first.
    fn available() -> Vec<Kernel> {
        Kernel::of_registers::<Self>()
    }

    /// Takes a block, as its sixteen words, into the chaining value, in each lane.
    ///
    /// # Safety
    /// That of [`Lanes`]: the instructions of `L` are present.
    unsafe fn block<L: Lanes>(value: &mut [L; 8], words: [L; 16]);

    /// The hash of one message without lanes: what kernels are examined against.
    fn digest_one(prefix: &[u8], input: &[u8]) -> [u8; 32];
}

/// A register with one 32-bit word of each lane.
///
/// # Safety
/// Every method needs the instructions of the implementing type to be present (the `enable` list of
/// its entry point in [`super::x86`]). `load` reads and `store` writes a word of each lane at its
/// pointer; `block` reads the 64 bytes at each of its pointers, of which there are `LANES`. The
/// function [`compress`] passes this contract on.
pub(crate) trait Lanes: Copy {
    const LANES: usize;
    unsafe fn splat(word: u32) -> Self;
    unsafe fn load(from: *const u32) -> Self;
    unsafe fn store(self, to: *mut u32);
    /// Asks for what is at this address, which need not be memory of ours.
    unsafe fn expect(at: *const u8);
    /// The sixteen big-endian words of a block in each lane.
    unsafe fn block(from: &[*const u8]) -> [Self; 16];
    unsafe fn add(self, other: Self) -> Self;
    unsafe fn xor(self, other: Self) -> Self;
    unsafe fn xor3(self, b: Self, c: Self) -> Self;
    unsafe fn majority(self, b: Self, c: Self) -> Self;
    /// Bits of `b` where this has ones, of `c` where it has zeros.
    unsafe fn choice(self, b: Self, c: Self) -> Self;
    /// Turns left by a constant, 1 to 31.
    unsafe fn left<const BY: i32>(self) -> Self;
    /// Shifts right by a constant, 1 to 31.
    unsafe fn down<const BY: u32>(self) -> Self;
    /// `x ⊕ (x ⋘ 9) ⊕ (x ⋘ 17)`, P_0 of SM3. Registers that cannot turn have a short cut.
    unsafe fn p0(self) -> Self;
    /// `x ⊕ (x ⋘ 15) ⊕ (x ⋘ 23)`, P_1 of SM3.
    unsafe fn p1(self) -> Self;
}

/// `count` consecutive blocks at each of the `L::LANES` pointers into the lanes of `state`.
///
/// # Safety
/// That of [`Lanes`]; the pointers have so many blocks behind them.
#[inline(always)]
pub(super) unsafe fn compress<F: Function, L: Lanes>(
    state: &mut State,
    from: &[*const u8],
    count: usize,
) {
    // SAFETY: features by the caller's contract; a row of `state` has the widest register's words,
    // and each pointer has `count` blocks behind it.
    unsafe {
        let mut v = [L::splat(0); 8];
        for (register, row) in v.iter_mut().zip(&*state) {
            *register = L::load(row.as_ptr());
        }
        let mut at = [core::ptr::null(); LANES_MAX];
        for index in 0..count {
            for (pointer, first) in at.iter_mut().zip(from) {
                *pointer = first.add(index * BLOCK);
                L::expect(pointer.wrapping_add(AHEAD));
            }
            F::block(&mut v, L::block(&at[..L::LANES]));
        }
        for (register, row) in v.iter().zip(state) {
            register.store(row.as_mut_ptr());
        }
    }
}

/// Eight lanes in plain words: what every machine has, and what the vector kernels are compared
/// with.
#[derive(Clone, Copy)]
pub(super) struct Plain([u32; 8]);

impl Plain {
    #[inline(always)]
    fn each(self, f: impl Fn(u32) -> u32) -> Self {
        Plain(self.0.map(f))
    }

    #[inline(always)]
    fn zip(mut self, other: Self, f: impl Fn(u32, u32) -> u32) -> Self {
        for (a, b) in self.0.iter_mut().zip(other.0) {
            *a = f(*a, b);
        }
        self
    }

    #[inline(always)]
    fn turned(self, by: u32) -> Self {
        self.each(|word| word.rotate_left(by))
    }
}

impl Lanes for Plain {
    const LANES: usize = 8;
    #[inline(always)]
    unsafe fn splat(word: u32) -> Self {
        Plain([word; 8])
    }
    #[inline(always)]
    unsafe fn load(from: *const u32) -> Self {
        // SAFETY: the caller gave a word of each lane.
        Plain(unsafe { from.cast::<[u32; 8]>().read_unaligned() })
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut u32) {
        // SAFETY: the caller gave room for a word of each lane.
        unsafe { to.cast::<[u32; 8]>().write_unaligned(self.0) }
    }
    #[inline(always)]
    unsafe fn expect(_: *const u8) {}
    #[inline(always)]
    unsafe fn block(from: &[*const u8]) -> [Self; 16] {
        let mut out = [Plain([0; 8]); 16];
        for (lane, pointer) in from.iter().enumerate() {
            // SAFETY: the caller gave a block at each pointer.
            let words = unsafe { pointer.cast::<[[u8; 4]; 16]>().read_unaligned() };
            for (register, word) in out.iter_mut().zip(words) {
                register.0[lane] = u32::from_be_bytes(word);
            }
        }
        out
    }
    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        self.zip(other, u32::wrapping_add)
    }
    #[inline(always)]
    unsafe fn xor(self, other: Self) -> Self {
        self.zip(other, |a, b| a ^ b)
    }
    #[inline(always)]
    unsafe fn xor3(self, b: Self, c: Self) -> Self {
        self.zip(b, |a, b| a ^ b).zip(c, |a, c| a ^ c)
    }
    #[inline(always)]
    unsafe fn majority(self, b: Self, c: Self) -> Self {
        let both = self.zip(b, |a, b| a & b);
        let one = self.zip(b, |a, b| a | b).zip(c, |any, c| any & c);
        both.zip(one, |x, y| x | y)
    }
    #[inline(always)]
    unsafe fn choice(self, b: Self, c: Self) -> Self {
        let rest = self.zip(c, |a, c| !a & c);
        self.zip(b, |a, b| a & b).zip(rest, |x, y| x | y)
    }
    #[inline(always)]
    unsafe fn left<const BY: i32>(self) -> Self {
        self.turned(BY as u32)
    }
    #[inline(always)]
    unsafe fn down<const BY: u32>(self) -> Self {
        self.each(|x| x >> BY)
    }
    #[inline(always)]
    unsafe fn p0(self) -> Self {
        self.each(|x| x ^ x.rotate_left(9) ^ x.rotate_left(17))
    }
    #[inline(always)]
    unsafe fn p1(self) -> Self {
        self.each(|x| x ^ x.rotate_left(15) ^ x.rotate_left(23))
    }
}
