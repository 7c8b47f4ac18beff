//! Padmé: lengths that tell little.

/// The shortest padded plaintext, 1 MiB: small bids all look alike.
pub const PADDED_MIN: u64 = 1 << 20;

/// The padded length of `len` bytes: Padmé (Nikitin et al., PETS 2019, section 4), at least
/// [`PADDED_MIN`]; grows by at most 12 %. `None` beyond 2^63.
///
/// ```
/// assert_eq!(mifeng_envelope::padded_len(10), Some(1 << 20));
/// assert_eq!(mifeng_envelope::padded_len(9_000_000), Some(9_175_040));
/// ```
pub fn padded_len(len: u64) -> Option<u64> {
    if len <= PADDED_MIN {
        return Some(PADDED_MIN);
    }
    if len > 1 << 63 {
        return None;
    }
    let exponent = u64::from(len.ilog2());
    let size_bits = u64::from(exponent.ilog2()) + 1;
    let mask = (1u64 << (exponent - size_bits)) - 1;
    Some((len + mask) & !mask)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn padme_grows_by_at_most_12_percent_and_is_idempotent() {
        for len in (1..4000).map(|i| i * 7_777_777 + i % 3) {
            let padded = padded_len(len).expect("small");
            assert!(padded >= len && (padded - len) * 100 <= len * 12 || padded == PADDED_MIN);
            assert_eq!(padded_len(padded), Some(padded));
        }
        assert_eq!(padded_len(PADDED_MIN + 1), Some(PADDED_MIN + (1 << 15)));
        assert_eq!(padded_len(u64::MAX), None);
        assert_eq!(padded_len(1 << 63), Some(1 << 63));
    }
}
