//! What was granted, as the list of grants tells it, and what the roles of its signers make of it.

use crate::parties::Parties;
use mifeng::crypto::{Digest, Suite, Time};
use mifeng::record::{Record, SignedRecord};
use mifeng_access::{
    Action, DELEGATE, Delegate, EMERGENCY, Emergency, GrantError, Grants, REVOKE, Revoke, Role,
    Signer,
};
use std::collections::{BTreeMap, BTreeSet};

/// What a record says.
#[derive(Clone)]
enum Said {
    Delegate(Delegate),
    Emergency(Emergency),
    Revoke(Revoke),
}

/// A record that grants something or ends it, and when the host took it.
#[derive(Clone)]
pub(super) struct Word {
    /// Hash of its body: whoever changes the form of a signature would else have another record.
    id: Digest,
    by: (Digest, String),
    at: Time,
    said: Said,
}

impl Word {
    pub(super) fn of(record: &Record, at: Time) -> Result<Self, GrantError> {
        let content = |_| GrantError::Content;
        let said = match record.kind() {
            DELEGATE => Said::Delegate(record.data().map_err(content)?),
            EMERGENCY => Said::Emergency(record.data().map_err(content)?),
            REVOKE => Said::Revoke(record.data().map_err(content)?),
            _ => return Err(GrantError::Content),
        };
        Ok(Word {
            id: record.body_digest(),
            by: (record.actor(), record.signer_name()),
            at,
            said,
        })
    }

    /// Ends a grant: there is room for every end of what there was room for.
    pub(super) fn is_end(&self) -> bool {
        matches!(self.said, Said::Revoke(_))
    }
}

/// An entry of the list: when it was taken, in nanoseconds since 1970, and the record's transport file.
pub(super) fn entry(signed: &SignedRecord, at: Time) -> Result<Vec<u8>, mifeng::record::Error> {
    let mut entry = format!("{} ", at.as_unix_nanos()).into_bytes();
    entry.extend(signed.to_file()?);
    Ok(entry)
}

/// Reads an entry; one without a time, of an older version, counts as taken `now`. What does not hold is no word.
pub(super) fn read(
    entry: &[u8],
    (suite, origin): (&'static Suite, &str),
    now: Time,
) -> Option<Word> {
    let (at, record) = record(entry, suite).ok()?;
    // The list may be that of an earlier tender of the same name.
    (record.origin() == origin)
        .then(|| Word::of(&record, at.unwrap_or(now)).ok())
        .flatten()
}

/// The record of an entry, whose signature holds, and the time at which it was taken.
fn record(entry: &[u8], suite: &'static Suite) -> Result<(Option<Time>, Record), String> {
    let is_dated = entry.first().is_some_and(u8::is_ascii_digit);
    let (at, file) = match entry.iter().position(|byte| *byte == b' ') {
        Some(end) if is_dated => {
            let at = std::str::from_utf8(&entry[..end]).ok();
            let at = at.and_then(|at| at.parse().ok());
            let at = at.ok_or("expected the time at which it was taken, in nanoseconds")?;
            (Some(Time::from_unix_nanos(at)), &entry[end + 1..])
        }
        _ => (None, entry),
    };
    let signed = SignedRecord::from_file(file).map_err(|e| e.to_string())?;
    let record = Record::verify(signed, suite).map_err(|e| e.to_string())?;
    Ok((at, record))
}

/// What is wrong with an entry, if anything is. One of an earlier tender of the same name is another's, and not damaged.
pub(crate) fn fault(entry: &[u8], (suite, origin): (&'static Suite, &str)) -> Option<String> {
    match record(entry, suite) {
        Err(why) => Some(why),
        Ok((_, record)) if record.origin() != origin => None,
        Ok((_, record)) => Word::of(&record, record.time())
            .err()
            .map(|e| e.to_string()),
    }
}

/// A grant of a list that nobody ended and that is not over yet. Whether it counts is for the roles of its signer to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunningGrant {
    /// Hash of the body of its record: by it its signer ends it.
    pub id: Digest,
    /// Who signed it: fingerprint of the certificate.
    pub by: Digest,
    /// The name in that.
    pub name: String,
    /// Who may act.
    pub to: Digest,
    /// What for.
    pub actions: Vec<Action>,
    /// Until when.
    pub until: Time,
}

/// What runs at this time, as the entries of a list tell.
pub(crate) fn running<'a>(
    entries: impl Iterator<Item = &'a Vec<u8>>,
    of: (&'static Suite, &str),
    now: Time,
) -> Vec<RunningGrant> {
    let mut running = Vec::<RunningGrant>::new();
    for word in entries.filter_map(|entry| read(entry, of, now)) {
        let (id, (by, name)) = (word.id, word.by);
        let (to, actions, until) = match word.said {
            Said::Delegate(given) => (given.to, given.actions, given.until),
            Said::Emergency(given) => (given.to, vec![given.action], given.until),
            Said::Revoke(end) => {
                running.retain(|one| one.id != end.grant || one.by != by);
                continue;
            }
        };
        if now < until {
            running.push(RunningGrant {
                id,
                by,
                name,
                to,
                actions,
                until,
            });
        }
    }
    running
}

/// All of it, in the order of the list, which is the same for every replica.
#[derive(Clone, Default)]
pub(super) struct Given {
    words: Vec<Word>,
    /// The roles of signers by which the words were judged.
    roles: BTreeMap<Digest, BTreeSet<Role>>,
    grants: Grants,
}

fn judge(grants: &mut Grants, word: &Word, roles: &BTreeSet<Role>) -> Result<(), GrantError> {
    let by = Signer {
        cert: word.by.0,
        name: word.by.1.clone(),
        roles: roles.clone(),
    };
    match &word.said {
        Said::Delegate(given) => grants.delegate(word.id, &by, given, word.at),
        Said::Emergency(given) => grants.break_glass(word.id, &by, given, word.at),
        Said::Revoke(given) => grants.revoke(&by, given),
    }
}

impl Given {
    /// Takes the next word of the list. What its signer may not grant now may count when the log has told more.
    pub(super) fn add(&mut self, word: Word, parties: &Parties) {
        let roles = self.roles.entry(word.by.0);
        let roles = roles.or_insert_with(|| parties.person(&word.by.0).roles);
        let _ = judge(&mut self.grants, &word, roles);
        self.words.push(word);
    }

    /// Whether a new word would be taken, and whether it counts already.
    ///
    /// # Errors
    /// The rule that says no.
    pub(super) fn judge(&mut self, word: &Word, parties: &Parties) -> Result<bool, GrantError> {
        let is_known = self.grants(parties).contains(&word.id);
        let roles = parties.person(&word.by.0).roles;
        judge(&mut self.grants.clone(), word, &roles).map(|()| is_known)
    }

    /// What counts now. Whoever has no part any more grants nothing, and whoever has one now does.
    pub(super) fn grants(&mut self, parties: &Parties) -> &Grants {
        let changed =
            |(cert, roles): (&Digest, &BTreeSet<Role>)| parties.person(cert).roles != *roles;
        if self.roles.iter().any(changed) {
            let words = std::mem::take(&mut self.words);
            *self = Given::default();
            for word in words {
                self.add(word, parties);
            }
        }
        &self.grants
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mifeng::sign_record;
    use mifeng_testkit::world::{Cast, Kind, Tender, secs};

    #[test]
    fn a_word_is_of_this_log_and_whole_or_it_is_none() {
        use mifeng::crypto::{INTL, SeededEntropy};
        let cast = Cast::new(&INTL, "given");
        let origin = "host/t/1";
        let word = |of: &Tender<'_>, kind: &str| {
            let data = Revoke {
                grant: Digest::from_bytes([7; 32]),
            };
            let rng = &mut SeededEntropy::new(kind.as_bytes());
            let (state, signer) = (of.host.state(), &cast.buyer.signer);
            let record = sign_record(state, kind, &data, signer, secs(9), rng).expect("signed");
            entry(&record, secs(10)).expect("an entry")
        };
        let own = word(&Tender::new(&cast, origin, Kind::Board), REVOKE);
        let read = |bytes: &[u8]| read(bytes, (&INTL, origin), secs(99));
        let known = read(&own).expect("a word");
        assert!(known.is_end());
        assert_eq!(known.at, secs(10));
        // Of a tender of the same name in another log; of a kind that grants nothing; of another suite; changed or cut off.
        let other = Tender::new(&cast, "host/t/2", Kind::Board);
        assert!(read(&word(&other, REVOKE)).is_none());
        let kindless = word(&Tender::new(&cast, origin, Kind::Board), "access.sign-in");
        assert!(read(&kindless).is_none());
        assert!(super::read(&own, (&mifeng::crypto::GM, origin), secs(99)).is_none());
        let mut broken = own.clone();
        let last = broken.len() - 40;
        broken[last] ^= 1;
        assert!(read(&broken).is_none() && read(&own[..own.len() / 2]).is_none());
        // An entry of an older version says no time.
        let blank = own.iter().position(|byte| *byte == b' ').expect("a blank");
        assert_eq!(read(&own[blank + 1..]).map(|word| word.at), Some(secs(99)));
    }
}
