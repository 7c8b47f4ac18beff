//! Uses of seals, consents, and the end of a seal.

use super::{Entered, State};
use crate::Error;
use crate::error::{ANY_OF_THEM, KEEPER, SIGNER};
use crate::events::{Approve, Revoke, Use};
use crate::form::check_text;
use mifeng_pki::Certificate;
use mifeng_record::Record;

impl State {
    pub(super) fn enter(
        &mut self,
        data: Use,
        record: &Record,
        by: &Certificate,
    ) -> Result<(), Error> {
        for (what, text) in [
            ("why", &data.reason),
            ("who", &data.person),
            ("what", &data.title),
        ] {
            if text.trim().is_empty() {
                return Err(Error::NoReason { what });
            }
            check_text("seal.use", text, true)?;
        }
        let made = self.made(&data.seal)?;
        if !made.signers.allows(by.der()) {
            return Err(Error::NotAuthorised {
                kind: "seal.use",
                expected: SIGNER,
            });
        }
        self.require_not_revoked(&made.number, record.time())?;
        let at = record.time().as_unix_seconds();
        let (from, until) = (made.valid_from, made.valid_until);
        if at < from.as_unix_seconds() || at > until.as_unix_seconds() {
            return Err(Error::Stamp(mifeng_stamp::Error::NotInForce {
                from,
                until,
                at: record.time(),
            }));
        }
        let entered = Entered {
            nth: self.uses.len() as u64,
            number: made.number.clone(),
            dual: made.dual,
            data,
            at: record.time(),
            by: record.actor(),
            approved: None,
        };
        self.uses.insert(record.commitment(), entered);
        Ok(())
    }

    pub(super) fn approve(&mut self, data: &Approve, record: &Record) -> Result<(), Error> {
        let entered = self.uses.get(&data.using);
        let entered = entered.ok_or_else(|| Error::unknown("use", &data.using))?;
        let made = self.made(&entered.data.seal)?;
        let keeper = self.application_of(made).data.form.keeper.cert;
        if keeper != Some(record.actor()) {
            return Err(Error::NotAuthorised {
                kind: "seal.approve",
                expected: KEEPER,
            });
        }
        if entered.by == record.actor() {
            return Err(Error::SamePerson);
        }
        if entered.approved.is_some() {
            return Err(Error::Duplicate {
                what: "consent",
                name: data.using.to_string(),
            });
        }
        self.require_not_revoked(&entered.number, record.time())?;
        if let Some(entered) = self.uses.get_mut(&data.using) {
            entered.approved = Some(record.time());
        }
        Ok(())
    }

    pub(super) fn revoke(&mut self, data: Revoke, record: &Record) -> Result<(), Error> {
        check_text("note", &data.note, false)?;
        let number = self
            .numbers
            .get(&data.number)
            .ok_or_else(|| Error::Unknown {
                what: "number",
                name: data.number.chars().take(200).collect(),
            })?;
        let of_unit = number.editions.iter().any(|edition| {
            self.seals.get(edition).is_some_and(|made| {
                let application = self.application_of(made);
                application.applicant == record.actor()
                    || application.data.form.keeper.cert == Some(record.actor())
            })
        });
        if !of_unit && self.require_authority("seal.revoke", record).is_err() {
            return Err(Error::NotAuthorised {
                kind: "seal.revoke",
                expected: ANY_OF_THEM,
            });
        }
        // It can turn out later that a key was lost earlier; never the other way round.
        if let Some(known) = &number.revoked
            && data.from >= known.from
        {
            return Err(Error::Revoked {
                number: data.number,
                from: known.from,
            });
        }
        if let Some(number) = self.numbers.get_mut(&data.number) {
            number.revoked = Some(data);
        }
        Ok(())
    }
}
