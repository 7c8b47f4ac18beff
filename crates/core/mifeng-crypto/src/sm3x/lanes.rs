//! SM3's compression function over lanes, written once for any register width: each lane of a
//! register belongs to another message. [`super::x86`] enters it with the instructions of a machine;
//! [`Plain`] is the same in safe Rust.
#![allow(unsafe_code)]
#![deny(clippy::undocumented_unsafe_blocks)]

use super::BLOCK;

/// Lanes of the widest register.
pub(super) const LANES_MAX: usize = 16;

/// IV of GB/T 32905 section 4.1.
pub(super) const IV: [u32; 8] = [
    0x7380_166f,
    0x4914_b2b9,
    0x1724_42d7,
    0xda8a_0600,
    0xa96f_30bc,
    0x1631_38aa,
    0xe38d_ee4d,
    0xb0fb_0e4e,
];

/// T_j of section 4.2, already turned left by j.
pub(super) const T: [u32; 64] = {
    let mut t = [0u32; 64];
    let mut j = 0;
    while j < 64 {
        let base: u32 = if j < 16 { 0x79cc_4519 } else { 0x7a87_9d8a };
        t[j] = base.rotate_left(j as u32 % 32);
        j += 1;
    }
    t
};

/// Chaining values: word after word, of each the lanes.
pub(super) type State = [[u32; LANES_MAX]; 8];

/// The state before the first block.
pub(super) fn start() -> State {
    IV.map(|word| [word; LANES_MAX])
}

/// The digest in one lane.
pub(super) fn digest(state: &State, lane: usize) -> [u8; 32] {
    let mut out = [0; 32];
    for (bytes, word) in out.as_chunks_mut::<4>().0.iter_mut().zip(state) {
        *bytes = word[lane].to_be_bytes();
    }
    out
}

/// A register with one 32-bit word of each lane.
///
/// # Safety
/// Every method needs the instructions of the implementing type to be present (the `enable` list of
/// its entry point in [`super::x86`]). `load` reads and `store` writes a word of each lane at its
/// pointer; `block` reads the 64 bytes at each of its pointers, of which there are `LANES`. The
/// function [`compress`] passes this contract on.
pub(super) trait Lanes: Copy {
    const LANES: usize;
    unsafe fn splat(word: u32) -> Self;
    unsafe fn load(from: *const u32) -> Self;
    unsafe fn store(self, to: *mut u32);
    /// The sixteen big-endian words of a block in each lane.
    unsafe fn block(from: &[*const u8]) -> [Self; 16];
    unsafe fn add(self, other: Self) -> Self;
    unsafe fn xor(self, other: Self) -> Self;
    unsafe fn xor3(self, b: Self, c: Self) -> Self;
    unsafe fn majority(self, b: Self, c: Self) -> Self;
    /// Bits of `b` where this has ones, of `c` where it has zeros.
    unsafe fn choice(self, b: Self, c: Self) -> Self;
    /// Turns left by a constant, which the callers below give.
    unsafe fn left<const BY: i32>(self) -> Self;
    /// `x ⊕ (x ⋘ 9) ⊕ (x ⋘ 17)`, P_0 of section 4.4.
    unsafe fn p0(self) -> Self;
    /// `x ⊕ (x ⋘ 15) ⊕ (x ⋘ 23)`, P_1.
    unsafe fn p1(self) -> Self;
}

/// `count` consecutive blocks at each of the `L::LANES` pointers into the lanes of `state`
/// (section 5.3).
#[inline(always)]
pub(super) unsafe fn compress<L: Lanes>(state: &mut State, from: &[*const u8], count: usize) {
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
            }
            let before = v;
            rounds(&mut v, L::block(&at[..L::LANES]));
            for (new, old) in v.iter_mut().zip(before) {
                *new = new.xor(old);
            }
        }
        for (register, row) in v.iter().zip(state) {
            register.store(row.as_mut_ptr());
        }
    }
}

/// Word `j + 16` of the message expansion, over word `j` of a window of sixteen.
macro_rules! expand {
    ($w:ident, $j:expr) => {
        let x = $w[$j % 16].xor3($w[($j + 7) % 16], $w[($j + 13) % 16].left::<15>());
        $w[$j % 16] = x
            .p1()
            .xor3($w[($j + 3) % 16].left::<7>(), $w[($j + 10) % 16]);
    };
}

/// Round `t` in place, at place `j` of the window: what section 5.3.3 moves from register to
/// register, callers do by naming the registers in another order.
macro_rules! round {
    ($t:expr, $j:expr, $ff:ident, $gg:ident, $w:ident, $a:ident $b:ident $c:ident $d:ident $e:ident $f:ident $g:ident $h:ident) => {
        let a12 = $a.left::<12>();
        let ss1 = a12.add($e.add(L::splat(T[$t + $j]))).left::<7>();
        let w = $w[$j];
        $d = $a
            .$ff($b, $c)
            .add($d.add(w.xor($w[($j + 4) % 16])))
            .add(ss1.xor(a12));
        $h = $e.$gg($f, $g).add($h.add(w)).add(ss1).p0();
        $b = $b.left::<9>();
        $f = $f.left::<19>();
    };
}

/// Four rounds, after which the registers have their names again; each first expands the word that
/// it needs of those to come, if it must.
macro_rules! four {
    ($t:expr, $j:expr, $ff:ident, $gg:ident, [$($more:ident)?], $w:ident, $a:ident $b:ident $c:ident $d:ident $e:ident $f:ident $g:ident $h:ident) => {
        $($more!($w, $j + 4);)?
        round!($t, $j, $ff, $gg, $w, $a $b $c $d $e $f $g $h);
        $($more!($w, $j + 5);)?
        round!($t, $j + 1, $ff, $gg, $w, $d $a $b $c $h $e $f $g);
        $($more!($w, $j + 6);)?
        round!($t, $j + 2, $ff, $gg, $w, $c $d $a $b $g $h $e $f);
        $($more!($w, $j + 7);)?
        round!($t, $j + 3, $ff, $gg, $w, $b $c $d $a $f $g $h $e);
    };
}

#[inline(always)]
unsafe fn rounds<L: Lanes>(v: &mut [L; 8], mut w: [L; 16]) {
    let [mut a, mut b, mut c, mut d, mut e, mut f, mut g, mut h] = *v;
    // SAFETY: features by the caller's contract, which is that of `Lanes`.
    unsafe {
        four!(0, 0, xor3, xor3, [], w, a b c d e f g h);
        four!(0, 4, xor3, xor3, [], w, a b c d e f g h);
        four!(0, 8, xor3, xor3, [], w, a b c d e f g h);
        // Round j needs word j + 4, which stands over word j − 12.
        four!(0, 12, xor3, xor3, [expand], w, a b c d e f g h);
        for t in [16, 32, 48] {
            four!(t, 0, majority, choice, [expand], w, a b c d e f g h);
            four!(t, 4, majority, choice, [expand], w, a b c d e f g h);
            four!(t, 8, majority, choice, [expand], w, a b c d e f g h);
            four!(t, 12, majority, choice, [expand], w, a b c d e f g h);
        }
    }
    *v = [a, b, c, d, e, f, g, h];
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
    unsafe fn p0(self) -> Self {
        self.each(|x| x ^ x.rotate_left(9) ^ x.rotate_left(17))
    }
    #[inline(always)]
    unsafe fn p1(self) -> Self {
        self.each(|x| x ^ x.rotate_left(15) ^ x.rotate_left(23))
    }
}
