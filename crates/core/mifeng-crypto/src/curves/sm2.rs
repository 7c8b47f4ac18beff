//! sm2p256v1 (GB/T 32918.5).

use super::Params;
use super::field::Prime;
use super::limbs::Limbs;
use super::vartime::Comb;
use std::sync::OnceLock;

/// The curve of GB/T 32918.5.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sm2;

impl Params for Sm2 {
    const PRIME: Prime = Prime::Sm2;
    const B: Limbs = [
        0xddbc_bd41_4d94_0e93,
        0xf397_89f5_15ab_8f92,
        0x4d5a_9e4b_cf65_09a7,
        0x28e9_fa9e_9d9f_5e34,
    ];
    const N: Limbs = [
        0x53bb_f409_39d5_4123,
        0x7203_df6b_21c6_052b,
        0xffff_ffff_ffff_ffff,
        0xffff_fffe_ffff_ffff,
    ];
    const G: [Limbs; 2] = [
        [
            0x715a_4589_334c_74c7,
            0x8fe3_0bbf_f266_0be1,
            0x5f99_0446_6a39_c994,
            0x32c4_ae2c_1f19_8119,
        ],
        [
            0x02df_32e5_2139_f0a0,
            0xd0a9_877c_c62a_4740,
            0x59bd_cee3_6b69_2153,
            0xbc37_36a2_f4f6_779c,
        ],
    ];

    fn comb() -> &'static Comb<Self> {
        static COMB: OnceLock<Comb<Sm2>> = OnceLock::new();
        COMB.get_or_init(Comb::new)
    }
}
