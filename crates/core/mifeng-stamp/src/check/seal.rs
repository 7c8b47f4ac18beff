//! Checking a seal (GB/T 38540 and GM/T 0031, "验证电子印章").

use super::Trust;
use super::path::revoked_later;
use crate::report::{Finding, Outcome};
use crate::{Deviation, Error, Report, Seal, StepId, Version};
use mifeng_crypto::Time;
use mifeng_pki::tsp::TimeStamp;
use mifeng_pki::{Certificate, Purpose, VerifiedPath};

/// A seal with what was found about it.
#[derive(Clone, Debug)]
pub struct CheckedSeal {
    /// Each step.
    pub report: Report,
    /// The seal, if it could be read.
    pub seal: Option<Seal>,
    /// The maker's path, if it holds.
    pub maker: Option<VerifiedPath>,
    /// The seal's own time stamp, if it holds.
    pub time_stamp: Option<TimeStamp>,
}

/// Checks a seal at [`Trust::at`].
#[must_use]
pub fn check_seal(der: &[u8], trust: &Trust<'_>) -> CheckedSeal {
    let mut report = Report::default();
    let seal = match Seal::parse(der) {
        Ok(seal) => seal,
        Err(error) => {
            report.result(StepId::Format, Err(error));
            return CheckedSeal {
                report,
                seal: None,
                maker: None,
                time_stamp: None,
            };
        }
    };
    report.result(StepId::Format, Ok(()));
    report.notes(seal.deviations());
    let used = Used {
        at: trust.at,
        proven: None,
    };
    let (maker, time_stamp) = steps(&mut report, &seal, trust, used);
    report.result(StepId::SealValidity, seal.check_in_force(trust.at));
    report.result(StepId::Extensions, seal.check_extensions());
    CheckedSeal {
        report,
        seal: Some(seal),
        maker,
        time_stamp,
    }
}

/// The use that a seal is judged for.
#[derive(Clone, Copy)]
pub(super) struct Used {
    /// When it is used.
    pub(super) at: Time,
    /// An instant at which a time stamp shows that it was there.
    pub(super) proven: Option<Time>,
}

/// The steps that a seal is also put to inside a signature.
pub(super) fn steps(
    report: &mut Report,
    seal: &Seal,
    trust: &Trust<'_>,
    used: Used,
) -> (Option<VerifiedPath>, Option<TimeStamp>) {
    let mut deviations: Vec<Deviation> = Vec::new();
    report.result(StepId::SealSignature, seal.verify(&mut deviations));
    report.notes(&deviations);
    // The stamp comes before the maker, whose revocation it may precede.
    let time_stamp = seal.time_stamp().and_then(|token| {
        let claimed = ("making of the seal", Some(seal.created()));
        let value = seal.signature_value();
        trust.check_stamp(report, StepId::SealTimeStamp, token, value, claimed)
    });
    let stamped = time_stamp.as_ref().map(|stamp| stamp.gen_time);
    let proven = stamped.into_iter().chain(used.proven).min();
    let (given, used) = (used, Used { proven, ..used });
    let maker = match seal.maker() {
        Ok(certificate) => {
            report.result(StepId::SealCreated, created(seal, &certificate, used.at));
            maker(report, seal, &certificate, trust, used)
        }
        Err(error) => {
            report.result(StepId::SealMaker, Err(error));
            None
        }
    };
    picture(report, seal);
    // The seal's own stamp says nothing about when it was used.
    super::register::look_up(report, seal, trust, given);
    (maker, time_stamp)
}

/// A seal is not made after it is used; version 5 asks for a maker's certificate in force then.
fn created(seal: &Seal, maker: &Certificate, used: Time) -> Result<(), Error> {
    let order = |what, earlier, later_what, later| {
        Err(Error::Order {
            earlier_what: what,
            earlier,
            later_what,
            later,
        })
    };
    if seal.created().as_unix_seconds() > used.as_unix_seconds() {
        return order("making of the seal", seal.created(), "its use", used);
    }
    if seal.version() != Version::V5 {
        return Ok(());
    }
    if seal.created() < maker.not_before() {
        let begin = ("begin of the maker's certificate", maker.not_before());
        return order(begin.0, begin.1, "making of the seal", seal.created());
    }
    if seal.created().as_unix_seconds() > maker.not_after().as_unix_seconds() {
        let end = ("end of the maker's certificate", maker.not_after());
        return order("making of the seal", seal.created(), end.0, end.1);
    }
    Ok(())
}

/// Versions 1 and 4: the maker's certificate holds when the seal is used. Version 5: when it was
/// made; if it no longer does, that is noted.
fn maker(
    report: &mut Report,
    seal: &Seal,
    certificate: &Certificate,
    trust: &Trust<'_>,
    used: Used,
) -> Option<VerifiedPath> {
    let at = match seal.version() {
        Version::V5 => seal.created(),
        _ => used.at,
    };
    let judge = |at| trust.judge(certificate, trust.makers, Purpose::SealMaking, at);
    let path = match judge(at) {
        Ok(path) => path,
        Err(error) => {
            report.add(StepId::SealMaker, trust.outcome_of(&error));
            return None;
        }
    };
    let unproven = |revoked: &Time| used.proven.is_none_or(|proven| proven >= *revoked);
    let outcome = match (trust.known(&path), judge(trust.at)) {
        // Who has the maker's key can date a seal and its use as early as it likes.
        (_, _) if revoked_later(&path).as_ref().is_some_and(unproven) => {
            Outcome::Unknown(Finding::new(
                "stamp.time-unproven",
                "制章者证书后来被吊销，没有时间戳证明印章在此之前",
                "the maker's certificate was revoked later, and no time stamp shows the seal before",
            ))
        }
        (Outcome::Pass(None), Err(now)) => Outcome::Pass(Some(Finding::new(
            now.code(),
            format!("当时有效；现在：{now}"),
            format!("held then; now: {now}"),
        ))),
        (outcome, _) => outcome,
    };
    report.add(StepId::SealMaker, outcome);
    Some(path)
}

fn picture(report: &mut Report, seal: &Seal) {
    let picture = seal.picture();
    let facts = picture.facts();
    if let Ok(facts) = &facts {
        if crate::PictureKind::stated(&picture.kind) != Some(facts.kind) {
            report.note(Deviation::PictureType);
        }
        if facts.tail {
            report.note(Deviation::PictureTail);
        }
    }
    report.result(StepId::Picture, facts.map(drop));
}
