//! Applications, and what the maker answers.

use super::{Application, Fate, Made, Number, SLACK_MS, State};
use crate::Error;
use crate::error::APPLICANT;
use crate::events::{Apply, Decline, Make};
use crate::form::check_text;
use mifeng_crypto::{Digest, HashAlg};
use mifeng_pki::Certificate;
use mifeng_record::Record;
use mifeng_stamp::{Seal, Signers};

impl State {
    pub(super) fn take_application(
        &mut self,
        data: Apply,
        record: &Record,
        by: &Certificate,
    ) -> Result<(), Error> {
        data.check(by)?;
        if let Some(seal) = &data.extends {
            let made = self.made(seal)?;
            self.require_not_revoked(&made.number, record.time())?;
            let former = self.application_of(made);
            let keeper = former.data.form.keeper.cert;
            if former.applicant != record.actor() && keeper != Some(record.actor()) {
                // A renewed certificate is vouched for by its code.
                let code = by.uscc();
                if code.as_deref() != Some(former.data.form.unit.uscc.as_str()) {
                    return Err(Error::NotAuthorised {
                        kind: "seal.apply",
                        expected: APPLICANT,
                    });
                }
            }
        }
        let application = Application {
            data,
            applicant: record.actor(),
            at: record.time(),
            fate: Fate::Pending,
        };
        self.applications.insert(record.commitment(), application);
        Ok(())
    }

    fn pending(&self, commitment: &Digest) -> Result<&Application, Error> {
        let found = self.applications.get(commitment);
        let found = found.ok_or_else(|| Error::unknown("application", commitment))?;
        match found.fate {
            Fate::Pending => Ok(found),
            _ => Err(Error::Duplicate {
                what: "application",
                name: commitment.to_string(),
            }),
        }
    }

    pub(super) fn make(&mut self, data: &Make, record: &Record) -> Result<(), Error> {
        self.require_authority("seal.make", record)?;
        let application = self.pending(&data.application)?;
        let seal = data.seal()?;
        seal.verify(&mut Vec::new())?;
        let differs = |field| Err(Error::Differs { field });
        let maker = self.authority.as_ref().map(|authority| &authority.der[..]);
        if maker != Some(seal.maker_der()) {
            return differs("maker");
        }
        let asked = &application.data;
        let picture = asked.picture.import()?;
        let certificates = asked.certificates()?;
        let listed = [
            Signers::certificates(&certificates),
            Signers::digests(&certificates),
        ];
        if seal.name() != asked.name {
            return differs("name");
        }
        if seal.kind().0 != asked.kind {
            return differs("kind");
        }
        if *seal.picture() != picture {
            return differs("picture");
        }
        if !listed.contains(seal.signers()) {
            return differs("signers");
        }
        if seal.valid_until() > asked.until || seal.valid_from() > seal.valid_until() {
            return differs("valid_until");
        }
        if seal.valid_from().as_unix_seconds() < application.at.as_unix_seconds() {
            return differs("valid_from");
        }
        if seal.created() > record.time().plus_millis(SLACK_MS) {
            return differs("created");
        }
        self.check_number(&seal, asked)?;
        let digest = HashAlg::Sm3.digest(seal.der());
        if self.seals.contains_key(&digest) {
            return Err(Error::Duplicate {
                what: "seal",
                name: digest.to_string(),
            });
        }
        let made = Made {
            number: seal.id().to_owned(),
            name: seal.name().to_owned(),
            kind: seal.kind().0,
            valid_from: seal.valid_from(),
            valid_until: seal.valid_until(),
            application: data.application,
            dual: asked.dual,
            signers: seal.signers().clone(),
            picture: HashAlg::Sm3.digest(&picture.data),
        };
        self.seals.insert(digest, made);
        let number = self.numbers.entry(seal.id().to_owned()).or_insert(Number {
            editions: Vec::new(),
            revoked: None,
        });
        number.editions.push(digest);
        if let Some(application) = self.applications.get_mut(&data.application) {
            application.fate = Fate::Made(digest);
        }
        Ok(())
    }

    /// A new seal has a number of its own; a new edition has that of the seal it follows, its name, kind
    /// and picture, and nothing else may follow a revoked one.
    fn check_number(&self, seal: &Seal, asked: &Apply) -> Result<(), Error> {
        let taken = self.numbers.contains_key(seal.id());
        let Some(former) = &asked.extends else {
            return match taken {
                true => Err(Error::Duplicate {
                    what: "number",
                    name: seal.id().to_owned(),
                }),
                false => Ok(()),
            };
        };
        let former = self.made(former)?;
        let differs = |field| Err(Error::Differs { field });
        if former.number != seal.id() {
            return differs("number");
        }
        if former.name != seal.name() || former.kind != seal.kind().0 {
            return differs("name and kind of the former edition");
        }
        if former.picture != HashAlg::Sm3.digest(&seal.picture().data) {
            return differs("picture of the former edition");
        }
        self.require_not_revoked(&former.number, seal.created())
    }

    pub(super) fn decline(&mut self, data: Decline, record: &Record) -> Result<(), Error> {
        self.require_authority("seal.decline", record)?;
        self.pending(&data.application)?;
        check_text("reason", &data.reason, true)?;
        if let Some(application) = self.applications.get_mut(&data.application) {
            application.fate = Fate::Declined(data.reason);
        }
        Ok(())
    }
}
