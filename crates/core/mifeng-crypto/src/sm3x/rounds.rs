//! SM3's compression function over lanes, written once for any register width.
#![allow(unsafe_code)]
#![deny(clippy::undocumented_unsafe_blocks)]

use super::stream::Stream;
use crate::lanes::{Function, Lanes};

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
        // e comes last from the round before, so it is added last.
        let ss1 = a12.add(L::splat(T[$t + $j])).add($e).left::<7>();
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

/// SM3 (GB/T 32905).
pub(super) struct Sm3;

impl Function for Sm3 {
    const IV: [u32; 8] = IV;

    /// Section 5.3.
    #[inline(always)]
    unsafe fn block<L: Lanes>(value: &mut [L; 8], mut w: [L; 16]) {
        let [mut a, mut b, mut c, mut d, mut e, mut f, mut g, mut h] = *value;
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
            for (old, new) in value.iter_mut().zip([a, b, c, d, e, f, g, h]) {
                *old = old.xor(new);
            }
        }
    }

    fn digest_one(prefix: &[u8], input: &[u8]) -> [u8; 32] {
        let mut hash = Stream::new();
        hash.update(prefix);
        hash.update(input);
        hash.finish()
    }
}
