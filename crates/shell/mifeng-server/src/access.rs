//! Signing in and being allowed to: one desk for each tender.
//!
//! What may be seen by whom is `mifeng-access`'s table; who is what comes from the tender's own records. Who signed in and
//! out, what was granted and what was refused are lists that all replicas of the host share; the key by which a host
//! knows its own challenges and tokens is one of one entry. What is in them is kept in memory too: before something is
//! decided, what others added is read.

mod given;
mod written;

use crate::clock::Clock;
use crate::limits::{GRANTS_LEN_MAX, SESSIONS_CUT_EVERY};
use crate::names::Names;
use crate::problem::{Fail, Problem};
use crate::view::View;
use crate::words::Fault;
pub use given::RunningGrant;
use given::{Given, Word};
pub(crate) use given::{fault as word_fault, running as running_grants};
use mifeng::Error;
use mifeng::crypto::{Digest, Suite, SystemEntropy, Time};
use mifeng::record::{Record, SignedRecord};
use mifeng::tender::Event;
use mifeng_access::{
    Action, Ask, Basis, Challenge, DELEGATE, Denial, EMERGENCY, GrantError, Journal, Key, Matrix,
    Mint, REVOKE, SIGN_IN, Session, SessionEntry, Sessions, SignInError, Stage, Token,
    check_journal, decide, is_of_strangers, line_hash,
};
use mifeng_store::{Entry, Lists};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;
use written::Doubt;
use zeroize::{Zeroize, Zeroizing};

/// The key of challenges and tokens.
const KEY: &str = "key";
/// Who signed in and out.
const SESSIONS: &str = "sessions";
/// Records that granted something.
pub(crate) const GRANTS: &str = "grants";
/// The journal of refusals.
pub(crate) const JOURNAL: &str = "journal";
/// Tries to add something where another replica was faster. Each time one of them gets its own in, so that this is far
/// more than replicas there are.
const TRIES: usize = 64;

/// What is known of the lists; never held while one is read or written.
#[derive(Default)]
struct Inner {
    sessions: Sessions,
    given: Given,
    journal: Journal,
}

/// How far a list was read.
#[derive(Clone, Copy, Default)]
struct End {
    /// Number of the entry that comes next.
    next: u64,
    /// Hash of the last one, which is never cut off.
    last: Digest,
}

/// How far the lists were read; held while they are.
#[derive(Default)]
struct Ends {
    sessions: End,
    grants: End,
    journal: End,
    /// Bytes of the entries.
    grants_len: u64,
    journal_len: u64,
    /// Those of them that are of strangers.
    strangers_len: u64,
    /// Lines of the journal of which nobody could tell yet whether they are there.
    doubt: Option<Doubt>,
}

impl End {
    fn of((number, entry): &Entry) -> Self {
        End::at(*number, entry)
    }

    fn at(number: u64, entry: &[u8]) -> Self {
        End {
            next: number + 1,
            last: line_hash(entry),
        }
    }
}

/// Entries of a list that were not read before.
struct News {
    entries: Vec<Entry>,
    /// These are all that there are, and what was read before counts for nothing: the list was cut off further than that, or
    /// is another one (put back to an older state, set aside).
    anew: bool,
}

/// When the lists were last looked at, and whether they could be.
pub(crate) type Looked = Option<(Instant, bool)>;

/// The desk of one tender.
pub(crate) struct Access {
    tender: String,
    lists: Arc<dyn Lists>,
    matrix: Matrix,
    suite: &'static Suite,
    mint: Mint,
    inner: Mutex<Inner>,
    ends: Mutex<Ends>,
    /// One thread at a time is at the lists, however slow they are; who waits for a look shares it.
    pub(crate) gate: Arc<tokio::sync::Mutex<Looked>>,
    /// Where a journal is that was broken at the start.
    broken: Option<String>,
}

fn failed(what: &'static str, detail: impl std::fmt::Display) -> Error {
    Error::Unavailable {
        what: what.to_owned(),
        detail: detail.to_string(),
    }
}

fn crowded() -> io::Error {
    io::Error::new(
        io::ErrorKind::TimedOut,
        "other replicas were faster each time",
    )
}

/// The key of a tender's host: whoever comes first makes it.
fn key(lists: &dyn Lists, tender: &str) -> Result<Key, Error> {
    let failed = |e| failed("key of sign-ins", e);
    for _ in 0..2 {
        if let Some((_, line)) = lists.read(tender, KEY, 0).map_err(failed)?.pop() {
            let key = Key::read(&Zeroizing::new(line));
            return key.ok_or_else(|| failed(io::ErrorKind::InvalidData.into()));
        }
        let key = Key::random(&mut SystemEntropy::new())?;
        let mut entry = [key.reveal().as_bytes().to_vec()];
        let added = lists.add(tender, KEY, 0, &entry);
        entry[0].zeroize();
        if added.map_err(failed)? {
            return Ok(key);
        }
    }
    Err(failed(crowded()))
}

impl Access {
    /// Takes up what is in the lists.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if they cannot be read.
    pub(crate) fn open(
        lists: Arc<dyn Lists>,
        tender: &str,
        view: &View,
        clock: &dyn Clock,
    ) -> Result<Self, Error> {
        let suite = Suite::by_id(&view.suite)?;
        let matrix = Matrix::parse(Matrix::SHIPPED).map_err(|e| failed("roles", e))?;
        let mint = Mint::new(suite, &view.origin, key(&*lists, tender)?);
        let mut access = Access {
            tender: tender.to_owned(),
            lists,
            matrix,
            suite,
            mint,
            inner: Mutex::default(),
            ends: Mutex::default(),
            gate: Arc::default(),
            broken: None,
        };
        access.broken = access
            .open_journal(view, clock.now())
            .map_err(|e| failed("journal", e))?;
        access
            .learn(view, clock.now())
            .map_err(|e| failed("sessions and grants", e))?;
        Ok(access)
    }

    /// Takes up the journal. A broken one is kept under another name, for whoever looks into it, and stops nobody:
    /// where it is.
    fn open_journal(&self, view: &View, now: Time) -> io::Result<Option<String>> {
        let stage = view.parties.stage(view.stage);
        let mut journal = Journal::default();
        journal.note(None, "*", "access.journal-broken", stage.word(), now);
        let (first, _) = journal.take_due(now, true).lines(Digest::default());
        let ends = &mut *self.ends();
        for _ in 0..TRIES {
            let mut lines = self.lists.read(&self.tender, JOURNAL, 0)?;
            if check_journal(&joined(&lines)).is_ok() {
                ends.journal_len = len_of(lines.iter().map(|(_, line)| line));
                ends.strangers_len = strangers_len_of(lines.iter().map(|(_, line)| line));
                ends.journal = lines.last().map(End::of).unwrap_or_default();
                return Ok(None);
            }
            let Some(seen) = lines.pop() else { break };
            // Another replica may have added to it meanwhile, or set it aside.
            let aside = self.lists.set_aside(&self.tender, JOURNAL, &seen, &first)?;
            if aside.is_some() {
                return Ok(aside);
            }
        }
        Err(crowded())
    }

    /// Where a journal is that was broken at the start.
    pub(crate) fn broken(&self) -> Option<&str> {
        self.broken.as_deref()
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ends(&self) -> MutexGuard<'_, Ends> {
        self.ends.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads what others added to the lists of sessions and grants.
    ///
    /// # Errors
    /// What the system says.
    pub(crate) fn learn(&self, view: &View, now: Time) -> io::Result<()> {
        let ends = &mut *self.ends();
        self.learn_sessions(ends, now)?;
        self.learn_grants(ends, view, now)
    }

    /// What others added to a list. The last entry that is known here is read again: where it is not what it was, what was
    /// cut off may have ended something that counts here, or an older state of the list is back.
    fn news(&self, list: &str, end: &mut End) -> io::Result<News> {
        let known = end.next.saturating_sub(1);
        let mut entries = self.lists.read(&self.tender, list, known)?;
        let mut anew = false;
        if end.next > 0 {
            let is_known = |(at, entry): &Entry| *at == known && line_hash(entry) == end.last;
            anew = !entries.first().is_some_and(is_known);
            match anew {
                true => entries = self.lists.read(&self.tender, list, 0)?,
                false => drop(entries.remove(0)),
            }
        }
        if anew {
            *end = End::default();
        }
        if let Some(last) = entries.last() {
            *end = End::of(last);
        }
        Ok(News { entries, anew })
    }

    fn learn_sessions(&self, ends: &mut Ends, now: Time) -> io::Result<()> {
        let news = self.news(SESSIONS, &mut ends.sessions)?;
        let inner = &mut *self.inner();
        if news.anew {
            inner.sessions.begin_anew();
        }
        for (number, line) in news.entries {
            // What cannot be read is nobody's session.
            if let Ok(entry) = SessionEntry::from_line(&line) {
                inner.sessions.take(number, &entry, now);
            }
        }
        Ok(())
    }

    fn learn_grants(&self, ends: &mut Ends, view: &View, now: Time) -> io::Result<()> {
        let news = self.news(GRANTS, &mut ends.grants)?;
        let entries = news.entries.iter().map(|(_, entry)| entry);
        let len: u64 = entries.clone().map(|entry| entry.len() as u64).sum();
        let of = (self.suite, &*view.origin);
        let words: Vec<Word> = entries.filter_map(|e| given::read(e, of, now)).collect();
        // All at once: nobody is judged by a half of them.
        let inner = &mut *self.inner();
        if news.anew {
            ends.grants_len = 0;
            inner.given = Given::default();
        }
        ends.grants_len += len;
        for word in words {
            inner.given.add(word, &view.parties);
        }
        Ok(())
    }

    fn learn_journal(&self, ends: &mut Ends) -> io::Result<()> {
        let news = self.news(JOURNAL, &mut ends.journal)?;
        if news.anew {
            (ends.journal_len, ends.strangers_len) = (0, 0);
        }
        ends.journal_len += len_of(news.entries.iter().map(|(_, line)| line));
        ends.strangers_len += strangers_len_of(news.entries.iter().map(|(_, line)| line));
        Ok(())
    }

    pub(crate) fn challenge(&self, host: &str, now: Time) -> Result<Challenge, Error> {
        Ok(self.mint.challenge(host, now, &mut SystemEntropy::new())?)
    }

    /// Signs in whoever signed the statement; the certificate was judged before.
    pub(crate) fn sign_in(
        &self,
        record: &Record,
        names: &Names,
        now: Time,
    ) -> Result<(Token, Session), Fail> {
        let no = |no: SignInError| Problem::coded(Fault::BadStatement, no.code(), &no.to_string());
        let is_own = |host: &str| names.contain(host);
        let said = self.mint.judge(record, &is_own, now).map_err(no)?;
        let token = self.mint.token(&mut SystemEntropy::new());
        let token = token.map_err(Error::from)?;
        let (cert, name) = (record.actor(), record.signer_name());
        let used = (said.nonce, said.expires);
        let entry = SessionEntry::begin((cert, &name), token.id(), used, now);
        let may = |sessions: &mut Sessions| match sessions.is_used(&said.nonce, now) {
            true => Err(no(SignInError::Used)),
            false if sessions.is_hasty(&cert, now) => Err(Fault::TooOften.into()),
            false => Ok(true),
        };
        self.add_session(&entry, now, &may)?;
        let begun = self.inner().sessions.find(&token.id(), now).cloned();
        Ok((token, begun.ok_or(Fault::Internal)?))
    }

    /// Signs out, everywhere; whether there was a session.
    pub(crate) fn sign_out(&self, token: &str, now: Time) -> Result<bool, Fail> {
        let Some(session) = self.mint.session(token) else {
            return Ok(false);
        };
        let entry = SessionEntry::End(session);
        let may = |sessions: &mut Sessions| Ok(sessions.find(&session, now).is_some());
        self.add_session(&entry, now, &may)
    }

    /// Adds an entry to the list of sessions, if what the list says before it allows that.
    fn add_session(
        &self,
        entry: &SessionEntry,
        now: Time,
        may: &dyn Fn(&mut Sessions) -> Result<bool, Fail>,
    ) -> Result<bool, Fail> {
        let io = |e: io::Error| Problem::io("sessions", &e);
        let line = [entry.to_line().map_err(Error::from)?];
        let ends = &mut *self.ends();
        for _ in 0..TRIES {
            self.learn_sessions(ends, now).map_err(io)?;
            if !may(&mut self.inner().sessions)? {
                return Ok(false);
            }
            let number = ends.sessions.next;
            let added = self.lists.add(&self.tender, SESSIONS, number, &line);
            if added.map_err(io)? {
                let mut inner = self.inner();
                inner.sessions.take(number, entry, now);
                ends.sessions = End::at(number, &line[0]);
                let needed = inner.sessions.needed().unwrap_or(ends.sessions.next);
                drop(inner);
                if ends.sessions.next.is_multiple_of(SESSIONS_CUT_EVERY) {
                    // What is not cut now is cut later.
                    let _ = self.lists.cut(&self.tender, SESSIONS, needed);
                }
                return Ok(true);
            }
        }
        Err(io(crowded()))
    }

    /// Whether the host made this token: only then the lists are asked about it.
    pub(crate) fn made(&self, token: &str) -> bool {
        self.mint.session(token).is_some()
    }

    /// Who holds a token, as far as the lists were read.
    pub(crate) fn session(&self, token: &str, now: Time) -> Option<Session> {
        let session = self.mint.session(token)?;
        self.inner().sessions.find(&session, now).cloned()
    }

    /// Takes a record that grants something, or ends it, durably and for all replicas. Of two that come at once, one is
    /// judged after the other.
    pub(crate) fn grant(
        &self,
        (signed, record): (&SignedRecord, &Record),
        view: &View,
        now: Time,
    ) -> Result<Option<bool>, Fail> {
        if record.origin() != view.origin {
            return Err(Fault::BadStatement.into());
        }
        let no = |no: GrantError| Problem::coded(Fault::BadGrant, no.code(), &no.to_string());
        let io = |e: io::Error| Problem::io("grants", &e);
        let word = Word::of(record, now).map_err(no)?;
        let entry = [given::entry(signed, now).map_err(Error::from)?];
        let len = entry[0].len() as u64;
        let ends = &mut *self.ends();
        for _ in 0..TRIES {
            self.learn_grants(ends, view, now).map_err(io)?;
            // Nobody fills the list with the same record over and over.
            if self.inner().given.judge(&word, &view.parties).map_err(no)? {
                return Ok(self.is_opened(record, view));
            }
            if !word.is_end() && ends.grants_len + len > GRANTS_LEN_MAX {
                return Err(io(io::ErrorKind::StorageFull.into()));
            }
            let number = ends.grants.next;
            let added = self.lists.add(&self.tender, GRANTS, number, &entry);
            if added.map_err(io)? {
                ends.grants = End::at(number, &entry[0]);
                ends.grants_len += len;
                self.inner().given.add(word, &view.parties);
                return Ok(self.is_opened(record, view));
            }
        }
        Err(io(crowded()))
    }

    /// Whether the emergency of a record counts already, which takes two persons; none if it is no emergency.
    fn is_opened(&self, record: &Record, view: &View) -> Option<bool> {
        let inner = &mut *self.inner();
        inner
            .given
            .grants(&view.parties)
            .is_opened(&record.body_digest())
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
            return Err(Problem::denied(&mifeng_access::rules::SIGN_IN, true).noted());
        };
        let person = view.parties.person(&session.cert);
        let ask = Ask {
            action,
            stage,
            own,
            now,
        };
        let cert = Some(session.cert);
        let grants = inner.given.grants(&view.parties);
        match decide(&self.matrix, grants, &person, &ask) {
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
                Err(Problem::denied(rule, false).noted())
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
}

/// Bytes of lines with their ends.
fn len_of<'a>(lines: impl IntoIterator<Item = &'a Vec<u8>>) -> u64 {
    lines.into_iter().map(|line| line.len() as u64 + 1).sum()
}

/// The same of those that are of strangers.
fn strangers_len_of<'a>(lines: impl IntoIterator<Item = &'a Vec<u8>>) -> u64 {
    len_of(lines.into_iter().filter(|line| is_of_strangers(line)))
}

/// Lines with their ends.
pub(crate) fn joined(lines: &[Entry]) -> Vec<u8> {
    let all = lines
        .iter()
        .flat_map(|(_, line)| [line.as_slice(), b"\n"])
        .collect::<Vec<_>>();
    all.concat()
}
