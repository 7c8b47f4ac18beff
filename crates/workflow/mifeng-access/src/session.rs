//! What follows a sign-in: a token for a while.
//!
//! Who signed in and who signed out is a list that all replicas of a host read in one order, so that each of them knows
//! the same sessions, and which challenges were used.

use mifeng_crypto::{Digest, HashAlg, Time, jcs};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use zeroize::Zeroizing;

/// A session lasts so long: a sitting of the committee, then sign in again.
pub const SESSION_MILLIS: i64 = 2 * 3_600_000;
/// Sessions of one certificate: a few windows and programs; the oldest goes.
const OF_ONE_MAX: usize = 8;
/// Sessions of one tender: 2,000 bidders and everybody else.
const SESSIONS_MAX: usize = 20_000;
/// Challenges that were used and have not expired: each took a signature of a recognised certificate.
const USED_MAX: usize = 65_536;
/// Of one certificate: each is good for one session, and a few are going on. It keeps nobody else out.
const USED_OF_ONE_MAX: usize = 64;
/// A used challenge is known for so long after nobody could answer it any more: clocks of replicas differ by less, and one
/// that is set back by less does not bring it to life.
const USED_SLACK_MILLIS: i64 = 60_000;
/// Characters of a name that a session shows.
const NAME_LEN_MAX: usize = 200;
/// Bytes of an entry: hashes, times and a name.
const ENTRY_LEN_MAX: usize = 4_096;

/// A secret that stands for a session, and the host's mark on it. It is shown once, to whom it belongs.
pub struct Token {
    pub(crate) secret: Zeroizing<[u8; 32]>,
    pub(crate) mark: Digest,
}

impl Token {
    /// As it travels: 128 hex digits.
    pub fn reveal(&self) -> String {
        format!("{}{}", Digest::from_bytes(*self.secret), self.mark)
    }

    /// What the host keeps of it.
    pub fn id(&self) -> Digest {
        hashed(&self.secret)
    }
}

/// Name of the session that a secret stands for: who reads it cannot tell the secret.
pub(crate) fn hashed(secret: &[u8; 32]) -> Digest {
    HashAlg::Sha256.digest(secret)
}

/// Who is signed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Fingerprint of the certificate.
    pub cert: Digest,
    /// The name in it.
    pub name: String,
    /// Until when.
    pub expires: Time,
}

/// That somebody signed in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Begin {
    /// Fingerprint of the certificate.
    pub cert: Digest,
    /// Until when the session lasts.
    pub expires: Time,
    /// The name in the certificate.
    pub name: String,
    /// Of the challenge that was signed.
    pub nonce: Digest,
    /// Name of the session.
    pub session: Digest,
    /// Until when the challenge could be answered.
    pub until: Time,
}

/// One entry of the list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SessionEntry {
    /// Somebody signed in.
    Begin(Begin),
    /// The session of this name ended.
    End(Digest),
}

impl SessionEntry {
    /// A session of somebody who signed the challenge of this nonce, which could be answered until `until`.
    pub fn begin(
        (cert, name): (Digest, &str),
        session: Digest,
        (nonce, until): (Digest, Time),
        now: Time,
    ) -> Self {
        SessionEntry::Begin(Begin {
            cert,
            expires: now.trunc_millis().plus_millis(SESSION_MILLIS),
            name: name.chars().take(NAME_LEN_MAX).collect(),
            nonce,
            session,
            until,
        })
    }

    /// As a line of canonical JSON, without its end.
    ///
    /// # Errors
    /// None that plain data of bounded length could have.
    pub fn to_line(&self) -> Result<Vec<u8>, mifeng_crypto::Error> {
        jcs::to_vec(self)
    }

    /// Reads such a line.
    ///
    /// # Errors
    /// What was expected and what was found.
    pub fn from_line(line: &[u8]) -> Result<Self, mifeng_crypto::Error> {
        jcs::from_slice(line, ENTRY_LEN_MAX)
    }
}

/// The sessions of one tender, as its list tells.
#[derive(Default)]
pub struct Sessions {
    by_id: BTreeMap<Digest, Session>,
    by_end: BTreeSet<(Time, Digest)>,
    /// Of one certificate, the oldest first.
    of_one: BTreeMap<Digest, VecDeque<Digest>>,
    /// Whose they were.
    used: BTreeMap<Digest, Digest>,
    used_by: BTreeMap<Digest, usize>,
    used_until: BTreeSet<(Time, Digest)>,
    /// Entries of the list: their sessions, and until when their challenges are known.
    entries: VecDeque<(u64, Option<(Digest, Time)>)>,
}

impl Sessions {
    /// Takes the next entry of the list, which has this number.
    pub fn take(&mut self, number: u64, entry: &SessionEntry, now: Time) {
        self.forget_old(now);
        match entry {
            SessionEntry::Begin(begin) => {
                self.entries
                    .push_back((number, Some((begin.session, known_until(begin)))));
                self.begin(begin, now);
            }
            SessionEntry::End(session) => {
                self.entries.push_back((number, None));
                self.remove(session);
            }
        }
        self.drop_needless(now);
    }

    fn begin(&mut self, begin: &Begin, now: Time) {
        let known = known_until(begin);
        if now < known && !self.used.contains_key(&begin.nonce) {
            self.used.insert(begin.nonce, begin.cert);
            *self.used_by.entry(begin.cert).or_default() += 1;
            self.used_until.insert((known, begin.nonce));
        }
        if now >= begin.expires || self.by_id.contains_key(&begin.session) {
            return;
        }
        let own = self.of_one.get(&begin.cert);
        if let Some(oldest) = own.filter(|own| own.len() >= OF_ONE_MAX)
            && let Some(oldest) = oldest.front().copied()
        {
            self.remove(&oldest);
        }
        if self.by_id.len() >= SESSIONS_MAX
            && let Some((_, oldest)) = self.by_end.first().copied()
        {
            self.remove(&oldest);
        }
        let own = self.of_one.entry(begin.cert).or_default();
        own.push_back(begin.session);
        self.by_end.insert((begin.expires, begin.session));
        let session = Session {
            cert: begin.cert,
            name: begin.name.clone(),
            expires: begin.expires,
        };
        self.by_id.insert(begin.session, session);
    }

    fn remove(&mut self, id: &Digest) {
        let Some(session) = self.by_id.remove(id) else {
            return;
        };
        self.by_end.remove(&(session.expires, *id));
        if let Some(own) = self.of_one.get_mut(&session.cert) {
            own.retain(|one| one != id);
            if own.is_empty() {
                self.of_one.remove(&session.cert);
            }
        }
    }

    fn forget_old(&mut self, now: Time) {
        while let Some((end, id)) = self.by_end.first().copied()
            && end <= now
        {
            self.remove(&id);
        }
        while let Some((until, nonce)) = self.used_until.first().copied()
            && until <= now
        {
            self.used_until.pop_first();
            let Some(cert) = self.used.remove(&nonce) else {
                continue;
            };
            if let Some(count) = self.used_by.get_mut(&cert) {
                *count -= 1;
                if *count == 0 {
                    self.used_by.remove(&cert);
                }
            }
        }
    }

    /// The list is read again from its beginning, which may be another one: what was used stays used.
    pub fn begin_anew(&mut self) {
        *self = Sessions {
            used: std::mem::take(&mut self.used),
            used_by: std::mem::take(&mut self.used_by),
            used_until: std::mem::take(&mut self.used_until),
            ..Sessions::default()
        };
    }

    /// Whether nobody can sign in with the challenge of this nonce any more: somebody did.
    pub fn is_used(&mut self, nonce: &Digest, now: Time) -> bool {
        self.forget_old(now);
        self.used.contains_key(nonce) || self.used.len() >= USED_MAX
    }

    /// Whether this certificate signed in so often lately that it waits.
    pub fn is_hasty(&mut self, cert: &Digest, now: Time) -> bool {
        self.forget_old(now);
        self.used_by.get(cert).copied().unwrap_or(0) >= USED_OF_ONE_MAX
    }

    /// The session of this name, if it lasts.
    pub fn find(&self, id: &Digest, now: Time) -> Option<&Session> {
        let session = self.by_id.get(id)?;
        (now < session.expires).then_some(session)
    }

    /// Number of the first entry that is still needed; `None` if none is.
    pub fn needed(&self) -> Option<u64> {
        self.entries.front().map(|(number, _)| *number)
    }

    /// An end is older than no beginning that is left.
    fn drop_needless(&mut self, now: Time) {
        while let Some((_, entry)) = self.entries.front() {
            match entry {
                Some((id, until)) if self.by_id.contains_key(id) || now < *until => return,
                _ => self.entries.pop_front(),
            };
        }
    }
}

fn known_until(begin: &Begin) -> Time {
    begin.until.plus_millis(USED_SLACK_MILLIS)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Time {
        Time::from_unix_seconds(seconds)
    }

    fn id(number: u64) -> Digest {
        HashAlg::Sha256.digest(&number.to_be_bytes())
    }

    /// Session `number` of a certificate, begun with a challenge of five minutes.
    fn begin(number: u64, cert: u64, now: i64) -> SessionEntry {
        let nonce = (id(1_000_000 + number), at(now + 300));
        SessionEntry::begin((id(cert), "张三"), id(number), nonce, at(now))
    }

    #[test]
    fn a_session_lasts_until_its_end_or_the_sign_out() {
        let mut sessions = Sessions::default();
        sessions.take(0, &begin(1, 9, 1_000), at(1_000));
        sessions.take(1, &begin(2, 9, 1_000), at(1_000));
        let end = 1_000 + SESSION_MILLIS / 1_000;
        let found = sessions.find(&id(1), at(end - 1)).map(|one| &*one.name);
        assert_eq!(found, Some("张三"));
        assert_eq!(sessions.find(&id(1), at(end)), None);
        assert_eq!(sessions.find(&id(3), at(1_000)), None);
        sessions.take(2, &SessionEntry::End(id(1)), at(1_001));
        assert_eq!(sessions.find(&id(1), at(1_001)), None);
        assert!(sessions.find(&id(2), at(1_001)).is_some());
        // The same entry again, as a list that was read twice would have it.
        sessions.take(2, &SessionEntry::End(id(1)), at(1_001));
        // One that is over when it is read begins nothing.
        let mut later = Sessions::default();
        later.take(0, &begin(1, 9, 1_000), at(end));
        assert_eq!(later.find(&id(1), at(1_000)), None);
    }

    #[test]
    fn a_challenge_is_used_until_nobody_could_answer_it() {
        let mut sessions = Sessions::default();
        let nonce = id(1_000_001);
        assert!(!sessions.is_used(&nonce, at(0)));
        sessions.take(0, &begin(1, 9, 0), at(0));
        sessions.take(1, &SessionEntry::End(id(1)), at(1));
        sessions.take(2, &begin(2, 8, 359), at(359));
        assert!(sessions.is_used(&nonce, at(359)));
        assert_eq!(sessions.needed(), Some(0));
        // Read once more, as far as the list still goes: it is known all the same, and counted once.
        sessions.begin_anew();
        assert!(sessions.is_used(&nonce, at(359)));
        assert_eq!((sessions.by_id.len(), sessions.needed()), (0, None));
        sessions.take(2, &begin(2, 8, 359), at(359));
        assert_eq!(sessions.used_by.get(&id(8)), Some(&1));
        sessions.take(3, &begin(3, 8, 360), at(360));
        assert!(!sessions.is_used(&nonce, at(360)) && !sessions.used_by.contains_key(&id(9)));
        assert_eq!(sessions.needed(), Some(2));
        // What was ended is needed as long as its challenge is known.
        let later = 420 + SESSION_MILLIS / 1_000;
        sessions.take(4, &SessionEntry::End(id(3)), at(later));
        assert_eq!(sessions.needed(), None);
        assert!(sessions.by_id.is_empty() && sessions.used.is_empty());
        assert!(sessions.used_by.is_empty() && sessions.used_until.is_empty());
    }

    #[test]
    fn who_signs_in_without_end_waits_alone() {
        let mut sessions = Sessions::default();
        for number in 0..USED_OF_ONE_MAX as u64 {
            assert!(!sessions.is_hasty(&id(1), at(0)));
            sessions.take(number, &begin(number, 1, 0), at(0));
        }
        assert!(sessions.is_hasty(&id(1), at(359)) && !sessions.is_hasty(&id(2), at(359)));
        // It waits for nothing but the time.
        assert!(!sessions.is_hasty(&id(1), at(360)));
    }

    #[test]
    fn one_person_has_a_few_and_keeps_nobody_out() {
        let mut sessions = Sessions::default();
        sessions.take(0, &begin(100, 2, 0), at(0));
        for number in 0..10 {
            sessions.take(1 + number, &begin(number, 1, 0), at(0));
        }
        assert!(sessions.find(&id(100), at(20)).is_some());
        let left: Vec<bool> = (0..10)
            .map(|number| sessions.find(&id(number), at(20)).is_some())
            .collect();
        assert_eq!(left, [vec![false; 2], vec![true; OF_ONE_MAX]].concat());
        // One that was ended makes room.
        sessions.take(11, &SessionEntry::End(id(5)), at(20));
        sessions.take(12, &begin(10, 1, 20), at(20));
        assert!(sessions.find(&id(2), at(20)).is_some());
        for number in 0..SESSIONS_MAX as u64 {
            sessions.take(20 + number, &begin(200 + number, 200 + number, 30), at(30));
        }
        assert_eq!(sessions.by_id.len(), SESSIONS_MAX);
        assert!(sessions.find(&id(100), at(30)).is_none());
        let last = id(199 + SESSIONS_MAX as u64);
        assert!(sessions.find(&last, at(30)).is_some());
        assert_eq!(sessions.of_one.len(), SESSIONS_MAX);
        assert_eq!(sessions.by_end.len(), SESSIONS_MAX);
    }

    #[test]
    fn an_entry_is_one_canonical_line() {
        let entry = begin(1, 9, 1_000);
        let line = entry.to_line().unwrap_or_else(|e| unreachable!("{e}"));
        assert!(!line.contains(&b'\n'));
        assert_eq!(SessionEntry::from_line(&line).ok(), Some(entry));
        let long = SessionEntry::begin((id(1), &"名".repeat(9_000)), id(2), (id(3), at(1)), at(0));
        let line = long.to_line().unwrap_or_else(|e| unreachable!("{e}"));
        assert_eq!(SessionEntry::from_line(&line).ok(), Some(long));
        let text = String::from_utf8_lossy(&line).replace("\"begin\":{", "\"begin\":{\"also\":1,");
        for wrong in [&b""[..], b"{}", b"{\"end\":\"00\"}", text.as_bytes()] {
            assert!(SessionEntry::from_line(wrong).is_err());
        }
    }
}
