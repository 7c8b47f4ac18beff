//! The contract: supplier first, then buyer, each with a seal that binds; then filing and publication.
//!
//! Normative text: `spec/contract.md`. The clocks are rows of the dated table of periods in
//! `mifeng_record::calendar`; a late act is taken and told, since it is better than none.

use crate::evaluation::check_text;
use crate::events::{ContractFile, ContractPublish, ContractStamp};
use crate::notice::day_of;
use crate::procedure::Regime;
use crate::refusal::{self, Refusal};
use crate::state::{Act, State};
use base64::prelude::{BASE64_STANDARD, Engine as _};
use mifeng_crypto::{Digest, HashAlg, Time};
use mifeng_pki::Certificate;
use mifeng_pki::trust::Usage;
use mifeng_record::calendar::{self, Calendar};
use mifeng_stamp::{SealKind, SealSignature, SignedTime, Version};

/// Seals of one party on one contract: unit or contract seal, representative's, one more.
const STAMPS_MAX: usize = 4;
/// Certificates beside them: two chains of a maker and a signer.
const CERTS_MAX: usize = 8;
/// By how many milliseconds a seal signature may be dated after its record: clocks differ (five minutes, as
/// for records).
const AHEAD_MAX_MS: i64 = 300_000;

/// One party's stamping.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stamping {
    /// When its record was made.
    pub at: Time,
    /// The kinds of its seals; none in intl-1.
    pub kinds: Vec<SealKind>,
    /// The names on them.
    pub names: Vec<String>,
}

/// The contract of a lot.
#[derive(Clone, Debug, PartialEq)]
pub struct Contract {
    /// Hash of its text before it was stamped.
    pub text: Digest,
    /// Its price, as awarded.
    pub price: String,
    /// The supplier's stamping, which comes first.
    pub supplier: Stamping,
    /// The buyer's: the contract is signed then.
    pub buyer: Option<Stamping>,
    /// When it was filed, and what the receipt says.
    pub filed: Option<(Time, ContractFile)>,
    /// When it was published, and where.
    pub published: Option<(Time, ContractPublish)>,
}

/// How far one step with an end set by law has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClockState {
    /// Done in time.
    InTime,
    /// Done after its end.
    Late,
    /// Not done, and its end has not come.
    Running,
    /// Not done, and its end is over.
    Overdue,
    /// The calendar does not have the year in which it ends: nobody can say.
    UnknownYear,
}

impl ClockState {
    /// A stable name for machines.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            ClockState::InTime => "in-time",
            ClockState::Late => "late",
            ClockState::Running => "running",
            ClockState::Overdue => "overdue",
            ClockState::UnknownYear => "unknown-year",
        }
    }
}

/// One step of a contract with an end set by law.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clock {
    /// The row of the table of periods.
    pub step: calendar::Step,
    /// The event from which it runs.
    pub from: Time,
    /// Its last day in Beijing, where the calendar knows.
    pub due: Option<calendar::Date>,
    /// When it was done.
    pub done: Option<Time>,
    /// How that stands.
    pub state: ClockState,
}

/// Who stamps.
enum Party {
    Supplier,
    Buyer,
}

fn no(rule: &'static refusal::Rule, detail: impl Into<String>) -> Refusal {
    Refusal::new(rule, detail)
}

impl State {
    /// The contract of a lot, once the supplier has stamped it.
    pub fn contract(&self, lot: &str) -> Option<&Contract> {
        self.work(lot)?.contract.as_ref()
    }

    /// The clocks of a lot that is awarded: contract, publication, filing (PL art. 46, 47; Reg art. 50).
    pub fn contract_clocks(&self, lot: &str, now: Time, calendar: &Calendar) -> Vec<Clock> {
        let Some(awarded) = self.work(lot).and_then(|work| work.awarded) else {
            return Vec::new();
        };
        let contract = self.contract(lot);
        let signed = contract.and_then(|c| Some(c.buyer.as_ref()?.at));
        let published = contract.and_then(|c| Some(c.published.as_ref()?.0));
        let filed = contract.and_then(|c| Some(c.filed.as_ref()?.0));
        let mut clocks = vec![("contract-signed", awarded, signed)];
        // Works under the law of tendering know the thirty days alone (TL art. 46).
        let procurement = self.profile().regime == Regime::Procurement;
        if let Some(signed) = signed.filter(|_| procurement) {
            clocks.push(("contract-published", signed, published));
            clocks.push(("contract-filed", signed, filed));
        }
        clocks
            .into_iter()
            .filter_map(|(id, from, done)| clock(id, from, done, now, calendar))
            .collect()
    }

    pub(crate) fn contract_stamp(
        &mut self,
        data: &ContractStamp,
        act: &Act<'_>,
    ) -> Result<(), Refusal> {
        let (notice, _) = self.evaluating(&data.lot)?;
        let buyer = notice.buyer.cert;
        let award = self.awards.get(&data.lot);
        let award = award.ok_or_else(|| {
            no(
                &refusal::WRONG_STAGE,
                format!("lot {} is not awarded", data.lot),
            )
        })?;
        if data.price != award.price {
            let detail = format!(
                "the award says {}, the contract {}",
                award.price, data.price
            );
            return Err(no(&refusal::CONTRACT_TEXT, detail));
        }
        let party = match act.record.actor() == buyer {
            true => Party::Buyer,
            false if act.code.as_deref() == Some(award.bidder.as_str()) => Party::Supplier,
            false => {
                let detail = "the contract is stamped by its winner and by the buyer";
                return Err(no(&refusal::NOT_AUTHORISED, detail));
            }
        };
        let stamping = self.stamping(data, act)?;
        let known = self.contract(&data.lot);
        match (party, known) {
            (_, Some(known)) if known.buyer.is_some() => {
                return Err(no(
                    &refusal::CONTRACT_ORDER,
                    "the contract is signed by both",
                ));
            }
            (Party::Buyer, None) => {
                let detail = "the supplier stamps first, then the buyer";
                return Err(no(&refusal::CONTRACT_ORDER, detail));
            }
            (Party::Buyer, Some(known)) if known.text != data.contract => {
                let detail = format!("the supplier stamped {}", known.text);
                return Err(no(&refusal::CONTRACT_TEXT, detail));
            }
            (Party::Buyer, Some(_)) => {
                if let Some(contract) = &mut self.work_mut(&data.lot).contract {
                    contract.buyer = Some(stamping);
                }
            }
            // Until the buyer stamps, the supplier may stamp another text instead.
            (Party::Supplier, _) => {
                let contract = Contract {
                    text: data.contract,
                    price: data.price.clone(),
                    supplier: stamping,
                    buyer: None,
                    filed: None,
                    published: None,
                };
                self.work_mut(&data.lot).contract = Some(contract);
                self.contract_texts.insert(data.contract);
            }
        }
        Ok(())
    }

    /// Checks the seals of one party.
    fn stamping(&self, data: &ContractStamp, act: &Act<'_>) -> Result<Stamping, Refusal> {
        let mut stamping = Stamping {
            at: act.record.time(),
            kinds: Vec::new(),
            names: Vec::new(),
        };
        if self.suite.hash() != HashAlg::Sm3 {
            if data.stamps.is_empty() && data.certs.is_empty() {
                return Ok(stamping);
            }
            let detail = "the standards of seals know SM2 alone: intl-1 has none";
            return Err(no(&refusal::CONTRACT_SEAL, detail));
        }
        if data.stamps.len() > STAMPS_MAX || data.certs.len() > CERTS_MAX {
            return Err(no(
                &refusal::MALFORMED,
                "at most 4 seals and 8 certificates",
            ));
        }
        let between = certificates(data, act)?;
        for text in &data.stamps {
            let signature = self.seal_signature(text, data, act, &between)?;
            stamping.kinds.push(signature.seal().kind());
            stamping.names.push(signature.seal().name().to_owned());
        }
        let binding = [SealKind::UNIT, SealKind::CONTRACT];
        if !stamping.kinds.iter().any(|kind| binding.contains(kind)) {
            let detail = match stamping.kinds.is_empty() {
                true => "no stamp".to_owned(),
                false => format!("only {}", stamping.names.join(", ")),
            };
            return Err(no(&refusal::CONTRACT_SEAL, detail));
        }
        Ok(stamping)
    }

    /// One seal signature: its values, its seal in force, over this contract, by this party.
    fn seal_signature(
        &self,
        text: &str,
        data: &ContractStamp,
        act: &Act<'_>,
        between: &[Certificate],
    ) -> Result<SealSignature, Refusal> {
        let bad = |e: mifeng_stamp::Error| no(&refusal::CONTRACT_SEAL, e.to_string());
        let der = BASE64_STANDARD
            .decode(text)
            .map_err(|_| no(&refusal::MALFORMED, "stamps: not base64"))?;
        let signature = SealSignature::parse(&der).map_err(bad)?;
        let seal = signature.seal();
        if seal.version() == Version::V1 {
            return Err(no(&refusal::CONTRACT_SEAL, "a seal of version 1"));
        }
        let mut deviations = [signature.deviations(), seal.deviations()].concat();
        signature.check_version().map_err(bad)?;
        signature.verify(&mut deviations).map_err(bad)?;
        signature.check_listed().map_err(bad)?;
        signature.check_extensions().map_err(bad)?;
        seal.verify(&mut deviations).map_err(bad)?;
        seal.check_extensions().map_err(bad)?;
        // What a reader of other people's files overlooks is not made in a new contract.
        if let Some(found) = deviations.first() {
            return Err(no(&refusal::CONTRACT_SEAL, found.code()));
        }
        if *signature.data_hash() != data.contract {
            return Err(no(
                &refusal::CONTRACT_SEAL,
                "the seal is on another document",
            ));
        }
        let SignedTime::Claimed(at) = signature.time() else {
            return Err(no(&refusal::CONTRACT_SEAL, "no readable signing time"));
        };
        if *at > act.record.time().plus_millis(AHEAD_MAX_MS) {
            let detail = format!("dated {at}, its record {}", act.record.time());
            return Err(no(&refusal::CONTRACT_SEAL, detail));
        }
        seal.check_in_force(*at).map_err(bad)?;
        seal.check_in_force(act.record.time()).map_err(bad)?;
        let signer = signature.signer().map_err(bad)?;
        let maker = seal.maker().map_err(bad)?;
        let recognition = self
            .recognition(act.trust)
            .ok_or_else(|| no(&refusal::WRONG_STAGE, "there is no notice yet"))?;
        let instants = (act.at, act.taken);
        recognition.judge_taken((&maker, between), &[Usage::SealMaking], instants, None)?;
        let judged =
            recognition.judge_taken((&signer, between), &[Usage::SealUse], instants, None)?;
        let own = match (&judged.code, &act.code) {
            (Some(code), Some(own)) => code == own,
            // Without a code on both sides only the party's own certificate is known to be the party's.
            _ => act
                .record
                .signer()
                .is_some_and(|own| own.der() == signer.der()),
        };
        if !own {
            let detail = format!("sealed by {}, who is not this party", signer.subject_name());
            return Err(no(&refusal::CONTRACT_SEAL, detail));
        }
        Ok(signature)
    }

    /// Buyer or agency, about a contract that both have stamped.
    fn signed_contract(&mut self, lot: &str, act: &Act<'_>) -> Result<&mut Contract, Refusal> {
        let (notice, _) = self.evaluating(lot)?;
        let (buyer, agency) = (notice.buyer.cert, notice.agency.cert);
        if ![buyer, agency].contains(&act.record.actor()) {
            let detail = "filing and publication are the buyer's or the agency's";
            return Err(no(&refusal::NOT_AUTHORISED, detail));
        }
        let contract = self.work_mut(lot).contract.as_mut();
        contract
            .filter(|contract| contract.buyer.is_some())
            .ok_or_else(|| {
                no(
                    &refusal::CONTRACT_ORDER,
                    "the contract is not signed by both",
                )
            })
    }

    pub(crate) fn contract_file(
        &mut self,
        data: &ContractFile,
        act: &Act<'_>,
    ) -> Result<(), Refusal> {
        check_text("receipt", &data.receipt)?;
        check_text("system", &data.system)?;
        let contract = self.signed_contract(&data.lot, act)?;
        if contract.filed.is_some() {
            return Err(no(&refusal::DUPLICATE, "the contract is filed"));
        }
        contract.filed = Some((act.record.time(), data.clone()));
        Ok(())
    }

    pub(crate) fn contract_publish(
        &mut self,
        data: &ContractPublish,
        act: &Act<'_>,
    ) -> Result<(), Refusal> {
        check_text("place", &data.place)?;
        let contract = self.signed_contract(&data.lot, act)?;
        if contract.published.is_some() {
            return Err(no(&refusal::DUPLICATE, "the contract is published"));
        }
        contract.published = Some((act.record.time(), data.clone()));
        Ok(())
    }
}

/// The certificates that came along: those named, and those with the record's own signature.
fn certificates(data: &ContractStamp, act: &Act<'_>) -> Result<Vec<Certificate>, Refusal> {
    let one = |text: &String| {
        let der = BASE64_STANDARD.decode(text).ok();
        der.and_then(|der| Certificate::parse(&der).ok())
            .ok_or_else(|| no(&refusal::MALFORMED, "certs: not a certificate in base64"))
    };
    let mut all = data.certs.iter().map(one).collect::<Result<Vec<_>, _>>()?;
    all.extend(act.record.chain().iter().cloned());
    Ok(all)
}

fn clock(
    id: &str,
    from: Time,
    done: Option<Time>,
    now: Time,
    calendar: &Calendar,
) -> Option<Clock> {
    let step = calendar::step(id)?;
    let day = |time| -> Option<calendar::Date> { day_of(time)?.as_str().parse().ok() };
    let due = step.end(calendar, day(from)?, true).ok();
    let state = match (due, done) {
        (None, _) => ClockState::UnknownYear,
        (Some(due), Some(done)) if day(done)? <= due => ClockState::InTime,
        (Some(_), Some(_)) => ClockState::Late,
        (Some(due), None) if day(now)? <= due => ClockState::Running,
        (Some(_), None) => ClockState::Overdue,
    };
    Some(Clock {
        step,
        from,
        due,
        done,
        state,
    })
}
