//! What the register of a seal's maker says: whether the seal is its own, and whether it was revoked.
//!
//! The standards leave this to the maker; a register is data here, and how it is kept and proven is
//! the affair of whoever gives it (`mifeng-registry`).

use super::Trust;
use super::seal::Used;
use crate::report::{Finding, Outcome};
use crate::{Report, Seal, StepId};
use mifeng_crypto::{Digest, HashAlg, Time};
use std::collections::{BTreeMap, BTreeSet};

/// The end of a seal before its time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revoked {
    /// From when on nothing sealed with it holds.
    pub from: Time,
    /// Why, in Chinese.
    pub zh: String,
    /// Why, in English.
    pub en: String,
}

/// The seals of one maker, as its register has them.
#[derive(Clone, Debug)]
pub struct Register {
    /// The latest instant that the register itself tells of.
    as_of: Time,
    /// Certificates with which the maker signed seals, by the SM3 of their DER.
    makers: BTreeSet<Digest>,
    /// Numbers of seals, by the SM3 of their DER.
    seals: BTreeMap<Digest, String>,
    /// Revoked numbers: every edition of the seal.
    revoked: BTreeMap<String, Revoked>,
}

impl Register {
    /// An empty register as of an instant.
    #[must_use]
    pub fn new(as_of: Time) -> Self {
        Register {
            as_of,
            makers: BTreeSet::new(),
            seals: BTreeMap::new(),
            revoked: BTreeMap::new(),
        }
    }

    /// Adds a maker's certificate, in DER: the register lists every seal signed with it.
    pub fn add_maker(&mut self, certificate: &[u8]) {
        self.makers.insert(HashAlg::Sm3.digest(certificate));
    }

    /// Adds a seal by the SM3 of its DER.
    pub fn add_seal(&mut self, seal: Digest, number: &str) {
        self.seals.insert(seal, number.to_owned());
    }

    /// Revokes a number.
    pub fn revoke(&mut self, number: &str, revoked: Revoked) {
        self.revoked.insert(number.to_owned(), revoked);
    }

    /// The latest instant that the register tells of.
    #[must_use]
    pub fn as_of(&self) -> Time {
        self.as_of
    }

    fn number(&self, seal: &Digest) -> Option<&str> {
        self.seals.get(seal).map(String::as_str)
    }
}

/// Adds the step where a register is at hand.
pub(super) fn look_up(report: &mut Report, seal: &Seal, trust: &Trust<'_>, used: Used) {
    if trust.registers.is_empty() {
        return;
    }
    report.add(StepId::SealRegister, standing(trust.registers, seal, used));
}

fn standing(registers: &[Register], seal: &Seal, used: Used) -> Outcome {
    let digest = HashAlg::Sm3.digest(seal.der());
    let found = registers
        .iter()
        .find_map(|register| Some((register, register.number(&digest)?)));
    let Some((register, number)) = found else {
        let maker = HashAlg::Sm3.digest(seal.maker_der());
        return match registers.iter().any(|one| one.makers.contains(&maker)) {
            true => Outcome::Fail(Finding::new(
                "stamp.not-registered",
                "制章者的印章登记中没有这枚印章",
                "the maker's register does not have this seal",
            )),
            false => Outcome::Unknown(Finding::new(
                "stamp.no-register",
                "所给印章登记都不是该制章者的",
                "none of the registers at hand is that of the seal's maker",
            )),
        };
    };
    match register.revoked.get(number) {
        Some(revoked) => after_revocation(revoked, used),
        None if register.as_of < used.at => Outcome::Pass(Some(Finding::new(
            "stamp.register-older",
            format!("登记在册，未注销；登记截至{}，早于盖章", register.as_of),
            format!(
                "registered and not revoked, as of {}, which is before the seal was used",
                register.as_of
            ),
        ))),
        None => Outcome::Pass(None),
    }
}

/// Whoever has the key of a revoked seal can date its use as early as it likes: only a time stamp
/// shows that it was before.
fn after_revocation(revoked: &Revoked, used: Used) -> Outcome {
    let Revoked { from, zh, en } = revoked;
    if used.at >= *from {
        return Outcome::Fail(Finding::new(
            "stamp.seal-revoked",
            format!("印章自{from}起注销（{zh}），盖章时间{}不早于此", used.at),
            format!(
                "the seal is revoked from {from} ({en}); it was used at {}",
                used.at
            ),
        ));
    }
    match used.proven {
        Some(proven) if proven < *from => Outcome::Pass(Some(Finding::new(
            "stamp.seal-revoked-later",
            format!("盖章之后，印章自{from}起注销（{zh}）；时间戳证明盖章在先"),
            format!("revoked from {from} ({en}), after its use, as the time stamp shows"),
        ))),
        _ => Outcome::Unknown(Finding::new(
            "stamp.time-unproven",
            format!("印章自{from}起注销（{zh}），没有时间戳证明盖章在此之前"),
            format!(
                "the seal is revoked from {from} ({en}), and no time stamp shows an earlier use"
            ),
        )),
    }
}
