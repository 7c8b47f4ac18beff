//! SM3 of one message, piece by piece.

use crate::lanes::BLOCK;
use zeroize::Zeroize;

/// A running hash. Wiped on drop: HMAC keys and shared secrets go through it.
#[derive(Clone)]
pub(crate) struct Stream {
    state: [u32; 8],
    /// Bytes taken so far, those in `rest` included.
    taken: u64,
    rest: [u8; BLOCK],
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.state.zeroize();
        self.rest.zeroize();
    }
}

impl Stream {
    pub(crate) fn new() -> Self {
        Stream::resume(super::rounds::IV, 0)
    }

    /// Goes on from a chaining value after `taken` bytes, a multiple of a block.
    pub(crate) fn resume(state: [u32; 8], taken: u64) -> Self {
        Stream {
            state,
            taken,
            rest: [0; BLOCK],
        }
    }

    pub(crate) fn update(&mut self, mut data: &[u8]) {
        let filled = (self.taken % BLOCK as u64) as usize;
        // Lengths beyond 2^61 bytes have no SM3 hash; no slice is that long.
        self.taken = self.taken.wrapping_add(data.len() as u64);
        if filled > 0 {
            let take = data.len().min(BLOCK - filled);
            self.rest[filled..filled + take].copy_from_slice(&data[..take]);
            data = &data[take..];
            if filled + take < BLOCK {
                return;
            }
            compress(&mut self.state, &[self.rest]);
        }
        let (blocks, tail) = data.as_chunks::<BLOCK>();
        compress(&mut self.state, blocks);
        self.rest[..tail.len()].copy_from_slice(tail);
    }

    pub(crate) fn finish(mut self) -> [u8; 32] {
        // GB/T 32905 section 5.2: a one bit, zeros, the length in bits.
        let filled = (self.taken % BLOCK as u64) as usize;
        self.rest[filled] = 0x80;
        self.rest[filled + 1..].fill(0);
        if filled + 9 > BLOCK {
            compress(&mut self.state, &[self.rest]);
            self.rest.fill(0);
        }
        self.rest[BLOCK - 8..].copy_from_slice(&self.taken.wrapping_mul(8).to_be_bytes());
        compress(&mut self.state, &[self.rest]);
        let mut out = [0; 32];
        for (bytes, word) in out.as_chunks_mut::<4>().0.iter_mut().zip(self.state) {
            *bytes = word.to_be_bytes();
        }
        out
    }

    /// The chaining value after `block`, which starts a message.
    pub(crate) fn state_after(block: &[u8; BLOCK]) -> [u32; 8] {
        let mut state = super::rounds::IV;
        compress(&mut state, core::slice::from_ref(block));
        state
    }
}

/// Takes blocks into a chaining value (GB/T 32905 section 5.3).
pub(super) fn compress(state: &mut [u32; 8], blocks: &[[u8; BLOCK]]) {
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("bmi1") && is_x86_feature_detected!("bmi2") {
        #[allow(unsafe_code)]
        // SAFETY: both features were just detected.
        unsafe {
            compress_bmi(state, blocks);
        }
        return;
    }
    compress_any(state, blocks);
}

/// The same code with rotations that spare a copy and with and-not.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "bmi1,bmi2")]
fn compress_bmi(state: &mut [u32; 8], blocks: &[[u8; BLOCK]]) {
    compress_any(state, blocks);
}

/// P_1 of section 4.4.
#[inline(always)]
fn p1(x: u32) -> u32 {
    x ^ x.rotate_left(15) ^ x.rotate_left(23)
}

/// Word `j + 16` of the message expansion, over word `j`, in a window of sixteen.
macro_rules! expand {
    ($w:ident, $j:expr) => {
        $w[$j % 16] = p1($w[$j % 16] ^ $w[($j + 7) % 16] ^ $w[($j + 13) % 16].rotate_left(15))
            ^ $w[($j + 3) % 16].rotate_left(7)
            ^ $w[($j + 10) % 16]
    };
}

/// Round `j` in place: what section 5.3.3 moves from register to register, callers do by naming
/// the registers in another order.
macro_rules! round {
    ($j:expr, $ff:ident, $gg:ident, $w:ident, $a:ident $b:ident $c:ident $d:ident $e:ident $f:ident $g:ident $h:ident) => {
        let a12 = $a.rotate_left(12);
        let ss1 = a12
            .wrapping_add($e.wrapping_add(super::rounds::T[$j]))
            .rotate_left(7);
        $d = $ff($a, $b, $c)
            .wrapping_add($d.wrapping_add($w[$j % 16] ^ $w[($j + 4) % 16]))
            .wrapping_add(ss1 ^ a12);
        $h = $gg($e, $f, $g)
            .wrapping_add($h.wrapping_add($w[$j % 16]))
            .wrapping_add(ss1);
        $b = $b.rotate_left(9);
        $f = $f.rotate_left(19);
        $h = $h ^ $h.rotate_left(9) ^ $h.rotate_left(17);
    };
}

/// Four rounds, after which the registers have their names again, and the words for later.
macro_rules! four {
    ($j:expr, $ff:ident, $gg:ident, [$($more:ident)?], $w:ident, $a:ident $b:ident $c:ident $d:ident $e:ident $f:ident $g:ident $h:ident) => {
        round!($j, $ff, $gg, $w, $a $b $c $d $e $f $g $h);
        $($more!($w, $j);)?
        round!($j + 1, $ff, $gg, $w, $d $a $b $c $h $e $f $g);
        $($more!($w, $j + 1);)?
        round!($j + 2, $ff, $gg, $w, $c $d $a $b $g $h $e $f);
        $($more!($w, $j + 2);)?
        round!($j + 3, $ff, $gg, $w, $b $c $d $a $f $g $h $e);
        $($more!($w, $j + 3);)?
    };
}

#[inline(always)]
fn parity(x: u32, y: u32, z: u32) -> u32 {
    x ^ y ^ z
}

/// The majority; its two terms have no bit in common, so they add.
#[inline(always)]
fn majority(x: u32, y: u32, z: u32) -> u32 {
    (x & y).wrapping_add((x ^ y) & z)
}

/// `y` where `x` is one, `z` where it is zero; no bit in common again.
#[inline(always)]
fn choice(x: u32, y: u32, z: u32) -> u32 {
    (x & y).wrapping_add(!x & z)
}

#[inline(always)]
pub(super) fn compress_any(state: &mut [u32; 8], blocks: &[[u8; BLOCK]]) {
    for block in blocks {
        let mut w = [0_u32; 16];
        for (word, bytes) in w.iter_mut().zip(block.as_chunks::<4>().0) {
            *word = u32::from_be_bytes(*bytes);
        }
        let [mut a, mut b, mut c, mut d, mut e, mut f, mut g, mut h] = *state;
        four!(0, parity, parity, [expand], w, a b c d e f g h);
        four!(4, parity, parity, [expand], w, a b c d e f g h);
        four!(8, parity, parity, [expand], w, a b c d e f g h);
        four!(12, parity, parity, [expand], w, a b c d e f g h);
        four!(16, majority, choice, [expand], w, a b c d e f g h);
        four!(20, majority, choice, [expand], w, a b c d e f g h);
        four!(24, majority, choice, [expand], w, a b c d e f g h);
        four!(28, majority, choice, [expand], w, a b c d e f g h);
        four!(32, majority, choice, [expand], w, a b c d e f g h);
        four!(36, majority, choice, [expand], w, a b c d e f g h);
        four!(40, majority, choice, [expand], w, a b c d e f g h);
        four!(44, majority, choice, [expand], w, a b c d e f g h);
        four!(48, majority, choice, [expand], w, a b c d e f g h);
        // Words 64 to 67 end the expansion.
        four!(52, majority, choice, [], w, a b c d e f g h);
        four!(56, majority, choice, [], w, a b c d e f g h);
        four!(60, majority, choice, [], w, a b c d e f g h);
        for (old, new) in state.iter_mut().zip([a, b, c, d, e, f, g, h]) {
            *old ^= new;
        }
    }
}
