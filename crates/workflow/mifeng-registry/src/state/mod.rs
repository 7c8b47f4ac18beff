//! What the records amount to, and the one function that takes the next one.

mod making;
mod using;

use crate::error::AUTHORITY;
use crate::events::{Apply, Config, Event, Revoke, Use};
use crate::{Error, Expiring};
use mifeng_crypto::{Digest, GM, Suite, Time};
use mifeng_pki::{Anchors, Certificate, Material, Policy, Purpose, RevocationRule, judge_path};
use mifeng_record::Record;
use mifeng_stamp::{Register, Revoked, Signers};
use std::collections::BTreeMap;

/// Records of one register: a maker for a province enters some hundred uses a day for years; another
/// register is begun with every maker's certificate.
pub const RECORDS_MAX: u64 = 1 << 20;
/// By how many milliseconds a record may be older than one before it: files are carried over, and clocks
/// differ (ten minutes, as in a tender's log).
pub const SLACK_MS: i64 = 600_000;

/// Whom whoever applies records trusts.
#[derive(Clone, Copy, Debug)]
pub struct Trust<'a> {
    /// The CAs trusted for makers of seals.
    pub makers: &'a Anchors,
    /// The CAs trusted for units and persons. The maker needs them, to take records in; who reads the log
    /// leaves this to the maker, as with the seals themselves.
    pub people: Option<&'a Anchors>,
    /// Certificates in between, revocation lists, OCSP responses.
    pub material: Material<'a>,
    /// What must be known about revocation.
    pub revocation: RevocationRule,
}

/// How an application ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Not yet.
    Pending,
    /// This seal was made (SM3 of its DER).
    Made(Digest),
    /// The maker said no.
    Declined(String),
}

/// An application.
#[derive(Clone, Debug)]
pub struct Application {
    /// What it asks for.
    pub data: Apply,
    /// The fingerprint of the applicant's certificate.
    pub applicant: Digest,
    /// When it was signed.
    pub at: Time,
    /// How it ended.
    pub fate: Fate,
}

/// A seal that was made.
#[derive(Clone, Debug)]
pub struct Made {
    /// Its number.
    pub number: String,
    /// What stands on it.
    pub name: String,
    /// Its kind.
    pub kind: u64,
    /// From when it is in force.
    pub valid_from: Time,
    /// Until when.
    pub valid_until: Time,
    /// The application that it follows.
    pub application: Digest,
    /// Whether its uses need consent.
    pub dual: bool,
    /// Who may sign with it.
    signers: Signers,
    /// SM3 of its picture.
    picture: Digest,
}

/// A number: one seal in all its editions.
#[derive(Clone, Debug)]
pub struct Number {
    /// The editions, the latest last: SM3 of their DER.
    pub editions: Vec<Digest>,
    /// Whether and from when it is revoked.
    pub revoked: Option<Revoke>,
}

/// A use of a seal.
#[derive(Clone, Debug)]
pub struct Entered {
    /// Its place among all uses, from 0.
    pub nth: u64,
    /// What was entered.
    pub data: Use,
    /// The number of the seal.
    pub number: String,
    /// When.
    pub at: Time,
    /// Whose certificate asked.
    pub by: Digest,
    /// Under dual control: when the keeper consented.
    pub approved: Option<Time>,
    /// Whether it needs consent.
    pub dual: bool,
}

impl Entered {
    /// Whether the seal may be put on the document.
    #[must_use]
    pub fn is_free(&self) -> bool {
        !self.dual || self.approved.is_some()
    }
}

struct Authority {
    cert: Digest,
    der: Vec<u8>,
}

/// The register as its records so far make it.
pub struct State {
    origin: String,
    authority: Option<Authority>,
    config: Option<Config>,
    applications: BTreeMap<Digest, Application>,
    seals: BTreeMap<Digest, Made>,
    numbers: BTreeMap<String, Number>,
    uses: BTreeMap<Digest, Entered>,
    seqs: BTreeMap<Digest, u64>,
    latest: Option<Time>,
    records: u64,
}

/// The suite of every register: the standards of seals know SM2 and SM3 alone.
fn suite() -> &'static Suite {
    &GM
}

impl State {
    /// The state of an empty log.
    #[must_use]
    pub fn new(origin: &str) -> Self {
        State {
            origin: origin.to_owned(),
            authority: None,
            config: None,
            applications: BTreeMap::new(),
            seals: BTreeMap::new(),
            numbers: BTreeMap::new(),
            uses: BTreeMap::new(),
            seqs: BTreeMap::new(),
            latest: None,
            records: 0,
        }
    }

    /// Takes the next record; on an error nothing has changed.
    ///
    /// # Errors
    /// [`Error`] of the first rule that says no.
    pub fn apply(&mut self, record: &Record, trust: &Trust<'_>) -> Result<(), Error> {
        if self.records >= RECORDS_MAX {
            return Err(Error::Full {
                found: self.records,
                max: RECORDS_MAX,
            });
        }
        if record.origin() != self.origin {
            return Err(Error::Origin {
                expected: self.origin.clone(),
                found: record.origin().chars().take(200).collect(),
            });
        }
        let event = Event::read(record)?;
        let expected = self.next_seq(&record.actor());
        if record.seq() < expected || record.seq() >= RECORDS_MAX {
            return Err(Error::Replay {
                expected,
                found: record.seq(),
            });
        }
        if let Some(latest) = self.latest
            && record.time() < latest.plus_millis(-SLACK_MS)
        {
            return Err(Error::Backdated {
                found: record.time(),
                latest,
            });
        }
        let by = self.judge(record, trust)?;
        self.dispatch(event, record, &by)?;
        self.seqs.insert(record.actor(), record.seq() + 1);
        self.latest = self.latest.max(Some(record.time()));
        self.records += 1;
        Ok(())
    }

    /// The signer of a record, with its path where somebody has to vouch for it.
    fn judge(&self, record: &Record, trust: &Trust<'_>) -> Result<Certificate, Error> {
        let signer = record.signer().cloned().ok_or(Error::NotAuthorised {
            kind: "a record",
            expected: "somebody",
        })?;
        let by_maker = match &self.authority {
            Some(authority) => authority.cert == record.actor(),
            None => true,
        };
        let (anchors, purpose) = match (by_maker, trust.people) {
            (true, _) => (trust.makers, Purpose::SealMaking),
            (false, Some(people)) => (people, Purpose::Signing),
            (false, None) => return Ok(signer),
        };
        let between: Vec<Certificate> = record
            .chain()
            .iter()
            .chain(trust.material.intermediates)
            .cloned()
            .collect();
        let material = Material {
            intermediates: &between,
            ..trust.material
        };
        let mut policy = Policy::new(purpose, suite());
        policy.revocation = trust.revocation;
        judge_path(&signer, &material, anchors, record.time(), &policy).map_err(|why| {
            Error::Certificate {
                who: signer.subject_name(),
                why,
            }
        })?;
        Ok(signer)
    }

    fn dispatch(&mut self, event: Event, record: &Record, by: &Certificate) -> Result<(), Error> {
        match event {
            Event::Config(data) => self.start(data, record, by),
            _ if self.config.is_none() => Err(Error::Config),
            Event::Apply(data) => self.take_application(*data, record, by),
            Event::Make(data) => self.make(&data, record),
            Event::Decline(data) => self.decline(data, record),
            Event::Use(data) => self.enter(data, record, by),
            Event::Approve(data) => self.approve(&data, record),
            Event::Revoke(data) => self.revoke(data, record),
        }
    }

    fn start(&mut self, data: Config, record: &Record, by: &Certificate) -> Result<(), Error> {
        if self.config.is_some() {
            return Err(Error::Config);
        }
        if data.suite != suite().id() || data.key_sm3.is_none() {
            return Err(Error::malformed(
                "log.config",
                "expected suite gm-1 with its two keys",
            ));
        }
        self.authority = Some(Authority {
            cert: record.actor(),
            der: by.der().to_vec(),
        });
        self.config = Some(data);
        Ok(())
    }

    fn require_authority(&self, kind: &'static str, record: &Record) -> Result<(), Error> {
        match &self.authority {
            Some(authority) if authority.cert == record.actor() => Ok(()),
            _ => Err(Error::NotAuthorised {
                kind,
                expected: AUTHORITY,
            }),
        }
    }

    fn made(&self, seal: &Digest) -> Result<&Made, Error> {
        self.seals
            .get(seal)
            .ok_or_else(|| Error::unknown("seal", seal))
    }

    fn application_of(&self, made: &Made) -> &Application {
        self.applications.get(&made.application).expect(
            "a seal is only entered for an application that is there, and none is taken out",
        )
    }

    fn require_not_revoked(&self, number: &str, at: Time) -> Result<(), Error> {
        let revoked = self.numbers.get(number).and_then(|n| n.revoked.as_ref());
        match revoked {
            Some(revoke) if at >= revoke.from => Err(Error::Revoked {
                number: number.to_owned(),
                from: revoke.from,
            }),
            _ => Ok(()),
        }
    }

    /// The log's name.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The keys of the log.
    #[must_use]
    pub fn config(&self) -> Option<&Config> {
        self.config.as_ref()
    }

    /// The number that the next record of `actor` must carry.
    #[must_use]
    pub fn next_seq(&self, actor: &Digest) -> u64 {
        self.seqs.get(actor).copied().unwrap_or(0)
    }

    /// The latest instant among the records.
    #[must_use]
    pub fn latest(&self) -> Option<Time> {
        self.latest
    }

    /// Applications by the commitment of their record.
    #[must_use]
    pub fn applications(&self) -> &BTreeMap<Digest, Application> {
        &self.applications
    }

    /// Seals by the SM3 of their DER.
    #[must_use]
    pub fn seals(&self) -> &BTreeMap<Digest, Made> {
        &self.seals
    }

    /// Seals by number.
    #[must_use]
    pub fn numbers(&self) -> &BTreeMap<String, Number> {
        &self.numbers
    }

    /// Uses by the commitment of their record.
    #[must_use]
    pub fn uses(&self) -> &BTreeMap<Digest, Entered> {
        &self.uses
    }

    /// The uses entered for a document with a seal, in the order in which they were.
    #[must_use]
    pub fn uses_of(&self, seal: &Digest, document: &Digest) -> Vec<&Entered> {
        let of = |one: &&Entered| one.data.seal == *seal && one.data.document == *document;
        let mut found: Vec<&Entered> = self.uses.values().filter(of).collect();
        found.sort_by_key(|one| one.nth);
        found
    }

    /// Seals that end soon, or have ended, the first to end first; revoked ones are none of them.
    #[must_use]
    pub fn expiring(&self, at: Time) -> Vec<Expiring> {
        let current = |number: &Number| {
            let revoked = number.revoked.as_ref().is_some_and(|r| r.from <= at);
            number.editions.last().copied().filter(|_| !revoked)
        };
        let mut found: Vec<Expiring> = self
            .numbers
            .values()
            .filter_map(current)
            .filter_map(|seal| Expiring::of(seal, self.seals.get(&seal)?, at))
            .collect();
        found.sort_by_key(|one| (one.until, one.seal));
        found
    }

    /// What a checker of documents needs to know.
    #[must_use]
    pub fn register(&self) -> Register {
        let as_of = self.latest.unwrap_or(Time::from_unix_seconds(0));
        let mut register = Register::new(as_of);
        if let Some(authority) = &self.authority {
            register.add_maker(&authority.der);
        }
        for (seal, made) in &self.seals {
            register.add_seal(*seal, &made.number);
        }
        for (name, number) in &self.numbers {
            if let Some(revoke) = &number.revoked {
                let (zh, en) = revoke.reason.names();
                let revoked = Revoked {
                    from: revoke.from,
                    zh: zh.to_owned(),
                    en: en.to_owned(),
                };
                register.revoke(name, revoked);
            }
        }
        register
    }
}
