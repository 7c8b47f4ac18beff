//! SHA-256's compression function over lanes, written once for any register width.
#![allow(unsafe_code)]
#![deny(clippy::undocumented_unsafe_blocks)]

use crate::lanes::{Function, Kernel, Lanes};

/// K of FIPS 180-4 section 4.2.2.
pub(super) const K: [u32; 64] = [
    0x428a_2f98,
    0x7137_4491,
    0xb5c0_fbcf,
    0xe9b5_dba5,
    0x3956_c25b,
    0x59f1_11f1,
    0x923f_82a4,
    0xab1c_5ed5,
    0xd807_aa98,
    0x1283_5b01,
    0x2431_85be,
    0x550c_7dc3,
    0x72be_5d74,
    0x80de_b1fe,
    0x9bdc_06a7,
    0xc19b_f174,
    0xe49b_69c1,
    0xefbe_4786,
    0x0fc1_9dc6,
    0x240c_a1cc,
    0x2de9_2c6f,
    0x4a74_84aa,
    0x5cb0_a9dc,
    0x76f9_88da,
    0x983e_5152,
    0xa831_c66d,
    0xb003_27c8,
    0xbf59_7fc7,
    0xc6e0_0bf3,
    0xd5a7_9147,
    0x06ca_6351,
    0x1429_2967,
    0x27b7_0a85,
    0x2e1b_2138,
    0x4d2c_6dfc,
    0x5338_0d13,
    0x650a_7354,
    0x766a_0abb,
    0x81c2_c92e,
    0x9272_2c85,
    0xa2bf_e8a1,
    0xa81a_664b,
    0xc24b_8b70,
    0xc76c_51a3,
    0xd192_e819,
    0xd699_0624,
    0xf40e_3585,
    0x106a_a070,
    0x19a4_c116,
    0x1e37_6c08,
    0x2748_774c,
    0x34b0_bcb5,
    0x391c_0cb3,
    0x4ed8_aa4a,
    0x5b9c_ca4f,
    0x682e_6ff3,
    0x748f_82ee,
    0x78a5_636f,
    0x84c8_7814,
    0x8cc7_0208,
    0x90be_fffa,
    0xa450_6ceb,
    0xbef9_a3f7,
    0xc671_78f2,
];

/// Word `j + 16` of the message schedule (FIPS 180-4 section 6.2.2), over word `j` of a window of sixteen. What the
/// standard turns right is turned left by the rest.
macro_rules! expand {
    ($w:ident, $j:expr) => {
        let (x, y) = ($w[($j + 1) % 16], $w[($j + 14) % 16]);
        let sigma0 = x.left::<25>().xor3(x.left::<14>(), x.down::<3>());
        let sigma1 = y.left::<15>().xor3(y.left::<13>(), y.down::<10>());
        $w[$j] = $w[$j].add(sigma0).add($w[($j + 9) % 16].add(sigma1));
    };
}

/// Round `t` in place, at place `j` of the window: what the standard moves from register to register, callers do by
/// naming the registers in another order.
macro_rules! round {
    ($t:expr, $j:expr, $w:ident, $a:ident $b:ident $c:ident $d:ident $e:ident $f:ident $g:ident $h:ident) => {
        let sum1 = $e.left::<26>().xor3($e.left::<21>(), $e.left::<7>());
        let choice = $e.choice($f, $g);
        let sum0 = $a.left::<30>().xor3($a.left::<19>(), $a.left::<10>());
        let wk = $h.add($w[$j].add(L::splat(K[$t + $j])));
        // Twice, with d and without: so the next round waits for the last of three sums only.
        let next = $d.add(wk).add(choice);
        let t1 = wk.add(choice).add(sum1);
        $d = next.add(sum1);
        $h = t1.add($a.majority($b, $c)).add(sum0);
    };
}

/// Eight rounds, after which the registers have their names again; each first makes its word, if it must.
macro_rules! eight {
    ($t:expr, $j:expr, [$($more:ident)?], $w:ident, $a:ident $b:ident $c:ident $d:ident $e:ident $f:ident $g:ident $h:ident) => {
        $($more!($w, $j);)?
        round!($t, $j, $w, $a $b $c $d $e $f $g $h);
        $($more!($w, $j + 1);)?
        round!($t, $j + 1, $w, $h $a $b $c $d $e $f $g);
        $($more!($w, $j + 2);)?
        round!($t, $j + 2, $w, $g $h $a $b $c $d $e $f);
        $($more!($w, $j + 3);)?
        round!($t, $j + 3, $w, $f $g $h $a $b $c $d $e);
        $($more!($w, $j + 4);)?
        round!($t, $j + 4, $w, $e $f $g $h $a $b $c $d);
        $($more!($w, $j + 5);)?
        round!($t, $j + 5, $w, $d $e $f $g $h $a $b $c);
        $($more!($w, $j + 6);)?
        round!($t, $j + 6, $w, $c $d $e $f $g $h $a $b);
        $($more!($w, $j + 7);)?
        round!($t, $j + 7, $w, $b $c $d $e $f $g $h $a);
    };
}

/// Messages of which sixteen lanes take more at a time than pairs with the SHA extensions do: nine are slower, on Zen 5.
#[cfg(target_arch = "x86_64")]
const LEAST_BESIDE_PAIRS: usize = 10;

/// SHA-256 (FIPS 180-4).
pub(super) struct Sha256;

impl Function for Sha256 {
    /// Section 5.3.3.
    const IV: [u32; 8] = [
        0x6a09_e667,
        0xbb67_ae85,
        0x3c6e_f372,
        0xa54f_f53a,
        0x510e_527f,
        0x9b05_688c,
        0x1f83_d9ab,
        0x5be0_cd19,
    ];

    /// The SHA extensions stand behind sixteen lanes and before eight.
    fn available() -> Vec<Kernel> {
        #[allow(unused_mut, reason = "other machines have none")]
        let mut all = Kernel::of_registers::<Self>();
        #[cfg(target_arch = "x86_64")]
        if let Some(two) = super::x86::kernel() {
            let wider = all.iter().take_while(|kernel| kernel.lanes() > 8).count();
            for kernel in &mut all[..wider] {
                *kernel = kernel.worth_from(LEAST_BESIDE_PAIRS);
            }
            all.insert(wider, two);
        }
        all
    }

    #[inline(always)]
    unsafe fn block<L: Lanes>(value: &mut [L; 8], mut w: [L; 16]) {
        let [mut a, mut b, mut c, mut d, mut e, mut f, mut g, mut h] = *value;
        // SAFETY: features by the caller's contract, which is that of `Lanes`.
        unsafe {
            eight!(0, 0, [], w, a b c d e f g h);
            eight!(0, 8, [], w, a b c d e f g h);
            for t in [16, 32, 48] {
                eight!(t, 0, [expand], w, a b c d e f g h);
                eight!(t, 8, [expand], w, a b c d e f g h);
            }
            for (old, new) in value.iter_mut().zip([a, b, c, d, e, f, g, h]) {
                *old = old.add(new);
            }
        }
    }

    fn digest_one(prefix: &[u8], input: &[u8]) -> [u8; 32] {
        let digest = crate::HashAlg::Sha256.digest_parts(&[prefix, input]);
        *digest.as_bytes()
    }
}
