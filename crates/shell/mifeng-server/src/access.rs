//! Signing in and being allowed to: one desk for each tender.
//!
//! What may be seen by whom is `mifeng-access`'s table; who is what comes from the tender's own records. Grants and the journal
//! of refusals are files in the tender's working folder.

use crate::clock::Clock;
use crate::limits::{GRANTS_LEN_MAX, JOURNAL_LEN_MAX};
use crate::lines;
use crate::names::Names;
use crate::parties::Parties;
use crate::problem::{Fail, Problem};
use crate::view::View;
use crate::words::Fault;
use mifeng::Error;
use mifeng::crypto::{Digest, Suite, SystemEntropy, Time};
use mifeng::record::{Record, SignedRecord};
use mifeng::tender::Event;
use mifeng_access::{
    Action, Ask, Basis, Challenge, Challenger, DELEGATE, Denial, EMERGENCY, GrantError, Grants,
    Journal, Matrix, REVOKE, SIGN_IN, Session, Sessions, Signer, Stage, Token, decide,
};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Records that granted something, one transport file a line.
const GRANTS: &str = "grants";
/// The journal of refusals.
const JOURNAL: &str = "journal";
/// Broken journals that are kept.
const BROKEN_MAX: u32 = 1_000;

struct Inner {
    challenger: Challenger,
    sessions: Sessions,
    grants: Grants,
    journal: Journal,
    /// Bytes of the journal's file.
    written: u64,
}

/// The desk of one tender.
pub(crate) struct Access {
    folder: PathBuf,
    matrix: Matrix,
    suite: &'static Suite,
    inner: Mutex<Inner>,
    /// A journal that was broken at the start, set aside.
    broken: Option<PathBuf>,
}

fn failed(what: &'static str, detail: impl std::fmt::Display) -> Error {
    Error::Unavailable {
        what: what.to_owned(),
        detail: detail.to_string(),
    }
}

impl Access {
    /// Takes up what the last run left in the working folder.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if the files cannot be read.
    pub(crate) fn open(folder: &Path, view: &View, clock: &dyn Clock) -> Result<Self, Error> {
        let suite = Suite::by_id(&view.suite)?;
        let matrix = Matrix::parse(Matrix::SHIPPED).map_err(|e| failed("roles", e))?;
        let (journal, written, broken) = journal(folder, view, clock.now())?;
        let entropy = &mut SystemEntropy::new();
        let access = Access {
            folder: folder.to_owned(),
            matrix,
            suite,
            inner: Mutex::new(Inner {
                challenger: Challenger::new(suite, &view.origin, entropy)?,
                sessions: Sessions::default(),
                grants: Grants::default(),
                journal,
                written,
            }),
            broken,
        };
        let grants = lines::open(&folder.join(GRANTS)).map_err(|e| failed("grants", e))?;
        for line in grants.split(|byte| *byte == b'\n') {
            access.grant_again(line, view, clock.now());
        }
        Ok(access)
    }

    /// Where a journal is that was broken at the start.
    pub(crate) fn broken(&self) -> Option<&Path> {
        self.broken.as_deref()
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One that was over by now, or whose signer has no part any more, grants nothing.
    fn grant_again(&self, line: &[u8], view: &View, now: Time) {
        let record = SignedRecord::from_file(line)
            .ok()
            .and_then(|signed| Record::verify(signed, self.suite).ok());
        if let Some(record) = record {
            let _ = take_grant(&mut self.inner().grants, &record, &view.parties, now);
        }
    }

    pub(crate) fn challenge(&self, host: &str, now: Time) -> Result<Challenge, Error> {
        let entropy = &mut SystemEntropy::new();
        Ok(self.inner().challenger.challenge(host, now, entropy)?)
    }

    /// Signs in whoever signed the statement; the certificate was judged before.
    pub(crate) fn sign_in(
        &self,
        record: &Record,
        names: &Names,
        now: Time,
    ) -> Result<(Token, Session), Fail> {
        let inner = &mut *self.inner();
        let is_own = |host: &str| names.contain(host);
        inner.challenger.judge(record, &is_own, now).map_err(|no| {
            let fault = Fault::BadStatement;
            Problem::coded(fault, no.code(), &no.to_string())
        })?;
        let (cert, name) = (record.actor(), record.signer_name());
        let begun = inner
            .sessions
            .begin(cert, &name, now, &mut SystemEntropy::new());
        Ok(begun.map_err(Error::from)?)
    }

    pub(crate) fn sign_out(&self, token: &str) -> bool {
        self.inner().sessions.end(token)
    }

    /// Who holds a token.
    pub(crate) fn session(&self, token: Option<&str>, now: Time) -> Option<Session> {
        self.inner().sessions.find(token?, now).cloned()
    }

    /// Takes a record that grants something, or ends it, durably.
    pub(crate) fn grant(
        &self,
        (signed, record): (&SignedRecord, &Record),
        view: &View,
        now: Time,
    ) -> Result<(), Fail> {
        if record.origin() != view.origin {
            return Err(Fault::BadStatement.into());
        }
        let inner = &mut *self.inner();
        let mut grants = inner.grants.clone();
        take_grant(&mut grants, record, &view.parties, now).map_err(|no| {
            let fault = Fault::BadGrant;
            Problem::coded(fault, no.code(), &no.to_string())
        })?;
        // Nobody fills the file with the same record over and over.
        if inner.grants.contains(&record.body_digest()) {
            return Ok(());
        }
        let mut line = signed.to_file().map_err(Error::from)?;
        line.push(b'\n');
        let path = self.folder.join(GRANTS);
        // There is room for every end of what there was room for.
        let len_max = match record.kind() {
            REVOKE => u64::MAX,
            _ => GRANTS_LEN_MAX,
        };
        lines::append(&path, &line, len_max).map_err(|e| Problem::io("grants", &e))?;
        inner.grants = grants;
        Ok(())
    }

    /// Whether somebody may do something. A "no" is noted, and so is a "yes" in an emergency.
    pub(crate) fn require(
        &self,
        (session, view): (Option<&Session>, &View),
        (action, own): (Action, bool),
        now: Time,
    ) -> Result<Basis, Fail> {
        let stage = view.parties.stage(view.stage);
        let inner = &mut *self.inner();
        let Some(session) = session else {
            let code = mifeng_access::rules::SIGN_IN.code;
            inner
                .journal
                .note(None, action.word(), code, stage.word(), now);
            return Err(Problem::denied(&mifeng_access::rules::SIGN_IN, true));
        };
        let person = view.parties.person(&session.cert);
        let ask = Ask {
            action,
            stage,
            own,
            now,
        };
        let cert = Some(session.cert);
        match decide(&self.matrix, &inner.grants, &person, &ask) {
            Ok(basis) => {
                if let Basis::Emergency(..) = basis {
                    let rule = "access.emergency-used";
                    inner
                        .journal
                        .note(cert, action.word(), rule, stage.word(), now);
                }
                Ok(basis)
            }
            Err(Denial { rule, .. }) => {
                inner
                    .journal
                    .note(cert, action.word(), rule.code, stage.word(), now);
                Err(Problem::denied(rule, false))
            }
        }
    }

    /// Whether whoever signs a record of this kind may do so beside what the engine judges: evaluators do not attend
    /// the opening.
    pub(crate) fn require_duty(
        &self,
        who: &Digest,
        kind: &str,
        view: &View,
        now: Time,
    ) -> Result<(), Fail> {
        let person = view.parties.person(who);
        if kind != "opening.sign" || !person.roles.contains(&mifeng_access::Role::Expert) {
            return Ok(());
        }
        let session = Session {
            cert: *who,
            name: String::new(),
            expires: now,
        };
        let asked = (Action::OpeningAttend, true);
        self.require((Some(&session), view), asked, now).map(|_| ())
    }

    /// Notes that a record was refused. Its signer and type are its own words: a stranger is none, and a type that
    /// nobody knows is just a record.
    pub(crate) fn refused_record(
        &self,
        (record, is_known): (&Record, bool),
        code: &str,
        view: &View,
        now: Time,
    ) {
        let kind = record.kind();
        let own = [SIGN_IN, DELEGATE, EMERGENCY, REVOKE, crate::writer::ORDER];
        let is_kind = || own.contains(&kind) || !matches!(Event::read(record), Ok(None));
        let (who, act) = match is_known {
            true if is_kind() => (Some(record.actor()), kind),
            true => (Some(record.actor()), "record"),
            false => (None, "record"),
        };
        self.refused(who, act, code, view, now);
    }

    /// Notes a refusal of the engine's, or of the door's.
    pub(crate) fn refused(
        &self,
        who: Option<Digest>,
        act: &str,
        code: &str,
        view: &View,
        now: Time,
    ) {
        let stage: Stage = view.parties.stage(view.stage);
        self.inner().journal.note(who, act, code, stage.word(), now);
    }

    /// Writes the lines that are due, or all that there is to write.
    ///
    /// # Errors
    /// What the system says: then they are due again.
    pub(crate) fn write_down(&self, now: Time, all: bool) -> std::io::Result<()> {
        let inner = &mut *self.inner();
        // A journal that is full goes on as a count: one line a minute at most.
        if inner.written >= JOURNAL_LEN_MAX {
            inner.journal.fold();
        }
        let mut journal = inner.journal.clone();
        let lines = journal.due(now, all);
        if lines.is_empty() {
            return Ok(());
        }
        lines::append(&self.folder.join(JOURNAL), &lines, u64::MAX)?;
        inner.journal = journal;
        inner.written += lines.len() as u64;
        Ok(())
    }

    /// The whole journal.
    pub(crate) fn journal(&self, now: Time) -> std::io::Result<Vec<u8>> {
        self.write_down(now, true)?;
        lines::open(&self.folder.join(JOURNAL))
    }
}

fn take_grant(
    grants: &mut Grants,
    record: &Record,
    parties: &Parties,
    now: Time,
) -> Result<(), GrantError> {
    let by = Signer {
        cert: record.actor(),
        name: record.signer_name(),
        roles: parties.person(&record.actor()).roles,
    };
    // Not the commitment: whoever changes the form of a signature would have another record.
    let id = record.body_digest();
    match record.kind() {
        DELEGATE => {
            let given = record.data().map_err(|_| GrantError::Content)?;
            grants.delegate(id, &by, &given, now)
        }
        EMERGENCY => {
            let given = record.data().map_err(|_| GrantError::Content)?;
            grants.break_glass(id, &by, &given, now)
        }
        REVOKE => {
            let given = record.data().map_err(|_| GrantError::Content)?;
            grants.revoke(&by, &given)
        }
        _ => Err(GrantError::Content),
    }
}

/// Takes up the journal. A broken one is kept under another name, for whoever looks into it, and stops nobody: its
/// bytes, and where it is.
fn journal(
    folder: &Path,
    view: &View,
    now: Time,
) -> Result<(Journal, u64, Option<PathBuf>), Error> {
    let path = folder.join(JOURNAL);
    let lines = lines::open(&path).map_err(|e| failed("journal", e))?;
    if let Ok(journal) = Journal::after(&lines) {
        return Ok((journal, lines.len() as u64, None));
    }
    let mut names =
        (1..=BROKEN_MAX).map(|number| folder.join(format!("{JOURNAL}.broken-{number}")));
    let aside = names.find(|name| !name.exists());
    let aside = aside.ok_or_else(|| failed("journal", "broken too often"))?;
    std::fs::rename(&path, &aside).map_err(|e| failed("journal", e))?;
    let mut journal = Journal::default();
    let stage = view.parties.stage(view.stage);
    journal.note(None, "*", "access.journal-broken", stage.word(), now);
    Ok((journal, 0, Some(aside)))
}
