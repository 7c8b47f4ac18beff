//! Dealing one 32-byte secret over an opening policy, and putting it together again.
//!
//! Shamir's scheme bytewise over GF(2^8) modulo `x^8+x^4+x^3+x+1` (0x11B), evaluated at `x = 1..n`. The
//! coefficients are derived from the secret, so the same secret always deals the same shares: the seal can be
//! rebuilt byte for byte after opening. Everything that touches a secret runs in constant time; evaluation
//! points are public. Normative text: `spec/policy.md`.

use mifeng_crypto::{Digest, Suite};
use zeroize::Zeroizing;

use crate::policy::{Node, Policy, ROOT_PATH, child_path};

/// Bytes of a secret and of every share.
pub const SECRET_BYTES: usize = 32;

/// A share or the secret itself; wiped when dropped.
pub type Secret = Zeroizing<[u8; SECRET_BYTES]>;

/// Deals `sigma` over the policy: one share per leaf, in the order of [`Policy::leaves`].
///
/// `context` is the seal's context digest C.
pub fn deal(
    policy: &Policy,
    sigma: &[u8; SECRET_BYTES],
    context: &Digest,
    suite: &Suite,
) -> Vec<(String, Secret)> {
    let mut out = Vec::new();
    deal_node(
        policy.root(),
        ROOT_PATH,
        &Zeroizing::new(*sigma),
        sigma,
        context,
        suite,
        &mut out,
    );
    out
}

fn deal_node(
    node: &Node,
    path: &str,
    secret: &Secret,
    sigma: &[u8; SECRET_BYTES],
    context: &Digest,
    suite: &Suite,
    out: &mut Vec<(String, Secret)>,
) {
    let Node::Gate { k, of } = node else {
        out.push((path.to_owned(), secret.clone()));
        return;
    };
    let coefficients: Vec<Secret> = (1..*k)
        .map(|j| {
            let mut info = context.as_bytes().to_vec();
            info.extend_from_slice(path.as_bytes());
            info.extend_from_slice(&[0, j]);
            let mut coefficient = Secret::default();
            suite.kdf(sigma, "coef", &info, coefficient.as_mut_slice());
            coefficient
        })
        .collect();
    for (i, child) in of.iter().enumerate() {
        let share = evaluate(secret, &coefficients, point(i));
        deal_node(
            child,
            &child_path(path, i),
            &share,
            sigma,
            context,
            suite,
            out,
        );
    }
}

/// The secret, if the shares satisfy the policy. Unknown paths are ignored; of two shares for one path the first counts.
///
/// Any satisfying set gives the same secret when the dealer was honest; whether it was is decided by rebuilding
/// the seal, not here.
pub fn combine<S: AsRef<str>>(
    policy: &Policy,
    shares: &[(S, [u8; SECRET_BYTES])],
) -> Option<Secret> {
    combine_node(policy.root(), ROOT_PATH, shares)
}

fn combine_node<S: AsRef<str>>(
    node: &Node,
    path: &str,
    shares: &[(S, [u8; SECRET_BYTES])],
) -> Option<Secret> {
    let Node::Gate { k, of } = node else {
        return shares
            .iter()
            .find(|(p, _)| p.as_ref() == path)
            .map(|(_, share)| Zeroizing::new(*share));
    };
    let known: Vec<(u8, Secret)> = of
        .iter()
        .enumerate()
        .filter_map(|(i, child)| {
            Some((point(i), combine_node(child, &child_path(path, i), shares)?))
        })
        .take(usize::from(*k))
        .collect();
    (known.len() == usize::from(*k)).then(|| interpolate_at_zero(&known))
}

fn point(position: usize) -> u8 {
    // The fan-out limit keeps this far below 256.
    u8::try_from(position + 1).unwrap_or(u8::MAX)
}

fn evaluate(constant: &Secret, coefficients: &[Secret], x: u8) -> Secret {
    let mut y = Secret::default();
    for coefficient in coefficients.iter().rev().chain(core::iter::once(constant)) {
        for (out, term) in y.iter_mut().zip(coefficient.iter()) {
            *out = mul(*out, x) ^ term;
        }
    }
    y
}

fn interpolate_at_zero(shares: &[(u8, Secret)]) -> Secret {
    let mut secret = Secret::default();
    for (i, (x_i, share)) in shares.iter().enumerate() {
        let mut weight = 1;
        for (j, (x_j, _)) in shares.iter().enumerate() {
            if i != j {
                weight = mul(weight, mul(*x_j, invert(*x_i ^ *x_j)));
            }
        }
        for (out, byte) in secret.iter_mut().zip(share.iter()) {
            *out ^= mul(*byte, weight);
        }
    }
    secret
}

/// Product in GF(2^8) modulo 0x11B: no table, no branch.
fn mul(a: u8, b: u8) -> u8 {
    let (mut a, mut b, mut product) = (a, b, 0u8);
    for _ in 0..8 {
        product ^= a & (b & 1).wrapping_neg();
        let carry = (a >> 7).wrapping_neg();
        a = (a << 1) ^ (carry & 0x1B);
        b >>= 1;
    }
    product
}

/// a^254, the inverse of every non-zero element.
fn invert(a: u8) -> u8 {
    let mut result = 1;
    let mut square = mul(a, a);
    for _ in 0..7 {
        result = mul(result, square);
        square = mul(square, square);
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn field_matches_fips_197_examples() {
        // FIPS 197 section 4.2: {57}·{83} = {c1}, {57}·{13} = {fe}
        assert_eq!(mul(0x57, 0x83), 0xc1);
        assert_eq!(mul(0x57, 0x13), 0xfe);
        for a in 1..=255u8 {
            assert_eq!(mul(a, invert(a)), 1, "{a}");
        }
        assert_eq!(invert(0x53), 0xca);
    }
}
