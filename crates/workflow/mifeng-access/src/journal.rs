//! The journal of refusals: lines in a chain of hashes, each of which names the one before it.
//!
//! What strangers do is counted, not written line by line: nobody fills it by being refused.

use mifeng_crypto::{Digest, HashAlg, Time, jcs};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Refusals of one person for one reason are one line in so long.
const GATHER_MILLIS: i64 = 60_000;
/// Kinds of refusals that are gathered at a time; beyond it they are counted as "others".
const GATHERED_MAX: usize = 4_096;
/// Bytes of one line.
const LINE_LEN_MAX: usize = 4_096;

/// One line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Line {
    /// What was asked for: an action, or the type of a record; `*` for others.
    pub act: String,
    /// How often in the minute after `time`.
    pub count: u64,
    /// Hash of the line before, zeros for the first.
    pub prev: Digest,
    /// Code of the rule that said no, or of the emergency that said yes.
    pub rule: String,
    /// Stage of the tender.
    pub stage: String,
    /// When it came, the first of them.
    pub time: Time,
    /// Fingerprint of the certificate; none for a stranger.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub who: Option<Digest>,
}

/// What is wrong with a journal.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("journal, line {line}: {detail}")]
pub struct JournalError {
    /// Where, from 1.
    pub line: usize,
    /// What was expected and what was found.
    pub detail: String,
}

type Key = (Option<Digest>, String, String, String);

/// Gathers refusals until their lines are due.
#[derive(Default)]
pub struct Journal {
    gathered: BTreeMap<Key, (Time, u64)>,
}

/// What is to be written, the oldest first.
#[derive(Default)]
pub struct Due(Vec<(Key, (Time, u64))>);

/// The hash of a line without its end, which the next line names.
pub fn line_hash(line: &[u8]) -> Digest {
    HashAlg::Sha256.digest(line)
}

impl Journal {
    /// Takes note of a refusal: who, what for, by which rule, at which stage.
    pub fn note(&mut self, who: Option<Digest>, act: &str, rule: &str, stage: &str, now: Time) {
        let cut = |text: &str| text.chars().take(64).collect::<String>();
        self.gather((who, cut(act), cut(rule), cut(stage)), (now, 1));
    }

    fn gather(&mut self, mut key: Key, (since, count): (Time, u64)) {
        if self.gathered.len() >= GATHERED_MAX && !self.gathered.contains_key(&key) {
            key = (None, "*".to_owned(), "*".to_owned(), key.3);
        }
        let all = self.gathered.entry(key).or_insert((since, 0));
        *all = (all.0.min(since), all.1.saturating_add(count));
    }

    /// Makes one count of all that was gathered, for a journal that has no room for more.
    pub fn fold(&mut self) {
        self.fold_if(|_| true);
    }

    /// The same for what strangers did alone: they take no room from those who signed.
    pub fn fold_strangers(&mut self) {
        self.fold_if(|(who, ..)| who.is_none());
    }

    fn fold_if(&mut self, is_folded: impl Fn(&Key) -> bool) {
        let gathered = std::mem::take(&mut self.gathered).into_iter();
        let (folded, kept): (Vec<_>, Vec<_>) = gathered.partition(|(key, _)| is_folded(key));
        self.gathered = kept.into_iter().collect();
        let counts = folded.into_iter().map(|(_, counted)| counted);
        let all = counts
            .reduce(|(since, count), (other, more)| (since.min(other), count.saturating_add(more)));
        if let Some(all) = all {
            let others = || "*".to_owned();
            self.gathered
                .insert((None, others(), others(), others()), all);
        }
    }

    /// Takes out what is due: what has been gathered for a minute, or everything.
    pub fn take_due(&mut self, now: Time, all: bool) -> Due {
        let is_due = |since: Time| all || now >= since.plus_millis(GATHER_MILLIS);
        let gathered = std::mem::take(&mut self.gathered);
        let (due, later) = gathered
            .into_iter()
            .partition(|(_, (since, _))| is_due(*since));
        self.gathered = later;
        let due: BTreeMap<Key, (Time, u64)> = due;
        let mut due: Vec<(Key, (Time, u64))> = due.into_iter().collect();
        due.sort_by_key(|(_, (since, _))| *since);
        Due(due)
    }

    /// Takes back what could not be written: it is due again.
    pub fn take_back(&mut self, due: Due) {
        for (key, counted) in due.0 {
            self.gather(key, counted);
        }
    }
}

impl Due {
    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The lines, without their ends, that follow the one of this hash; and the hash of the last one.
    pub fn lines(&self, mut last: Digest) -> (Vec<Vec<u8>>, Digest) {
        let mut lines = Vec::with_capacity(self.0.len());
        for ((who, act, rule, stage), (time, count)) in &self.0 {
            let line = Line {
                act: act.clone(),
                count: *count,
                prev: last,
                rule: rule.clone(),
                stage: stage.clone(),
                time: *time,
                who: *who,
            };
            // Plain data of bounded length: it always has a canonical form.
            if let Ok(bytes) = jcs::to_vec(&line) {
                last = line_hash(&bytes);
                lines.push(bytes);
            }
        }
        (lines, last)
    }
}

/// Whether a line is of whoever did not sign with a certificate that counts.
pub fn is_of_strangers(line: &[u8]) -> bool {
    jcs::from_slice(line, LINE_LEN_MAX).is_ok_and(|line: Line| line.who.is_none())
}

/// Reads a journal and checks its chain; the hash of its last line, which stands for all of it.
///
/// # Errors
/// [`JournalError`].
pub fn check_journal(lines: &[u8]) -> Result<Digest, JournalError> {
    let mut last = Digest::default();
    let mut rest = lines;
    let mut number = 0;
    while !rest.is_empty() {
        number += 1;
        let bad = |detail: &str| JournalError {
            line: number,
            detail: detail.to_owned(),
        };
        let end = rest.iter().position(|byte| *byte == b'\n');
        let end = end.ok_or_else(|| bad("expected a whole line, found a part of one"))?;
        let line: Line = jcs::from_slice(&rest[..end], LINE_LEN_MAX)
            .map_err(|e| bad(&format!("expected a canonical line: {e}")))?;
        if line.prev != last {
            return Err(bad(&format!(
                "expected to follow {last}, found {}",
                line.prev
            )));
        }
        last = line_hash(&rest[..end]);
        rest = &rest[end + 1..];
    }
    Ok(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Time {
        Time::from_unix_seconds(seconds)
    }

    /// What is due, as it stands behind these lines.
    fn due(journal: &mut Journal, before: &[u8], now: Time, all: bool) -> Vec<u8> {
        let last = check_journal(before).unwrap_or_else(|e| unreachable!("{e}"));
        let (lines, _) = journal.take_due(now, all).lines(last);
        let lines = lines.into_iter().map(|line| [line, vec![b'\n']].concat());
        lines.collect::<Vec<_>>().concat()
    }

    fn written() -> Vec<u8> {
        let mut journal = Journal::default();
        let who = Some(Digest::from_bytes([7; 32]));
        for _ in 0..1_000 {
            journal.note(None, "opened.read", "access.sign-in", "open", at(1));
        }
        journal.note(
            who,
            "sheets.read",
            "access.not-allowed",
            "evaluation",
            at(2),
        );
        assert!(journal.take_due(at(60), false).is_empty());
        let mut lines = due(&mut journal, b"", at(62), false);
        journal.note(
            who,
            "sheets.read",
            "access.not-allowed",
            "evaluation",
            at(62),
        );
        let more = due(&mut journal, &lines, at(63), true);
        lines.extend(more);
        lines
    }

    #[test]
    fn strangers_are_counted_and_the_chain_holds() {
        let lines = written();
        let text = String::from_utf8_lossy(&lines);
        assert_eq!(text.lines().count(), 3);
        assert!(text.contains("\"count\":1000") && !text.contains("null"));
        let last = text.lines().next_back().unwrap_or_default();
        assert_eq!(check_journal(&lines), Ok(line_hash(last.as_bytes())));
        // It goes on where it was left.
        let mut journal = Journal::default();
        journal.note(None, "x", "y", "open", at(100));
        let more = due(&mut journal, &lines, at(100), true);
        assert!(check_journal(&[lines, more].concat()).is_ok());
    }

    #[test]
    fn a_line_that_is_changed_taken_out_or_cut_is_found() {
        let lines = written();
        let ends: Vec<usize> = (0..lines.len()).filter(|at| lines[*at] == b'\n').collect();
        for at in 0..ends[1] {
            let mut changed = lines.clone();
            changed[at] ^= 1;
            assert!(check_journal(&changed).is_err(), "byte {at}");
        }
        let without_first = check_journal(&lines[ends[0] + 1..]).map_err(|e| e.line);
        assert_eq!(without_first, Err(1));
        let without_second = [&lines[..=ends[0]], &lines[ends[1] + 1..]].concat();
        assert_eq!(check_journal(&without_second).map_err(|e| e.line), Err(2));
        let cut = check_journal(&lines[..lines.len() - 2]).map_err(|e| e.line);
        assert_eq!(cut, Err(3));
    }

    #[test]
    fn what_is_folded_is_one_line_of_all() {
        let mut journal = Journal::default();
        journal.fold();
        assert!(journal.take_due(at(1), true).is_empty());
        for number in 0..10 {
            journal.note(
                None,
                &format!("act {number}"),
                "rule",
                "open",
                at(10 - number),
            );
        }
        journal.fold();
        journal.fold();
        let lines = due(&mut journal, b"", at(61), false);
        let text = String::from_utf8_lossy(&lines);
        assert_eq!(text.lines().count(), 1);
        assert!(text.contains("\"count\":10") && text.contains("1970-01-01T00:00:01"));
    }

    #[test]
    fn strangers_are_folded_and_who_signed_is_not() {
        let mut journal = Journal::default();
        let who = Digest::from_bytes([7; 32]);
        for number in 0..10 {
            let act = format!("act {number}");
            journal.note(None, &act, "rule", "open", at(20 - number));
            journal.note(Some(who), &act, "rule", "open", at(30));
        }
        journal.fold_strangers();
        journal.fold_strangers();
        let lines = due(&mut journal, b"", at(91), false);
        let lines: Vec<&[u8]> = lines.split(|byte| *byte == b'\n').collect();
        let strangers = lines.iter().filter(|line| is_of_strangers(line)).count();
        // The last one is what follows the last end.
        assert_eq!((lines.len(), strangers), (12, 1));
        let folded = String::from_utf8_lossy(lines[0]).into_owned();
        assert!(
            folded.contains("\"count\":10") && folded.contains("00:00:11"),
            "{folded}"
        );
    }

    #[test]
    fn many_kinds_are_gathered_under_one() {
        let mut journal = Journal::default();
        for number in 0..2 * GATHERED_MAX {
            journal.note(None, &format!("act {number}"), "rule", "open", at(1));
        }
        let lines = due(&mut journal, b"", at(1), true);
        let text = String::from_utf8_lossy(&lines);
        assert_eq!(text.lines().count(), GATHERED_MAX + 1);
        assert!(text.contains(&format!("\"count\":{GATHERED_MAX}")));
        assert!(check_journal(&lines).is_ok());
    }

    #[test]
    fn what_could_not_be_written_is_counted_on() {
        let mut journal = Journal::default();
        for (act, time) in [("one", 3), ("two", 4)] {
            journal.note(None, act, "rule", "open", at(time));
        }
        let due_now = journal.take_due(at(100), true);
        journal.note(None, "one", "rule", "open", at(100));
        journal.take_back(due_now);
        let lines = due(&mut journal, b"", at(64), false);
        let text = String::from_utf8_lossy(&lines);
        let seen: Vec<(bool, bool)> = text
            .lines()
            .map(|line| (line.contains("\"count\":2"), line.contains("00:00:03")))
            .collect();
        assert_eq!(seen, [(true, true), (false, false)], "{text}");
    }
}
