//! V1 and V2: the files of the dossier, and those of the log among them.

use super::{Run, Saw};
use crate::replay::Replay;
use crate::report::Trusted;
use crate::trustee::stamps;
use crate::{Error, anchor, dossier, layout};
use mifeng_crypto::Digest;
use mifeng_tender::BidLife;
use std::collections::{BTreeSet, HashMap};

impl Run<'_> {
    pub(super) fn completeness(&self, replay: &Replay) -> Result<Saw, Error> {
        let fail = |code, detail: String| Error::Failed {
            check: "V1",
            code,
            detail,
        };
        if self.files.read(layout::README)? != layout::README_TEXT.as_bytes() {
            return Err(fail(
                "file.changed",
                "VERIFY.txt is not the fixed text".to_owned(),
            ));
        }
        let last = replay.records.last().filter(|r| r.kind == "archive.close");
        let Some(last) = last else {
            return Err(fail(
                "dossier.open",
                "the log is not closed: no archive.close at its end".to_owned(),
            ));
        };
        let archive = [layout::body(&last.body), layout::signature(&last.signature)];
        let (suite, left) = (replay.suite(), &self.withheld);
        let known = self.known(replay);
        let known = |name: &str| known.get(name).copied();
        let found = dossier::files_digest(suite, self.files, left, &known, &archive)?;
        let body = self.files.read(&archive[0])?;
        let fixed = archived_digest(&body)
            .ok_or_else(|| fail("record.data", "archive.close".to_owned()))?;
        if found != fixed {
            return Err(fail("dossier.files", self.odd_file(replay)));
        }
        let unexplained = |name: &&String| !may_be_withheld(replay, name);
        let stray = self.withheld.keys().find(unexplained).cloned();
        if let Some(name) = self.unexpected(replay).or(stray) {
            return Err(fail(
                "file.unexpected",
                format!("{name} belongs to no record"),
            ));
        }
        let withheld = replay
            .state
            .bids()
            .values()
            .filter(|bid| bid.life != BidLife::Live)
            .count();
        let files = self.files.index().len() as u64;
        let left = dossier::LeftOut::of(&self.withheld);
        let (public_zh, public_en) = match self.withheld.is_empty() {
            true => (String::new(), String::new()),
            false => (
                format!(
                    "；公开版：{} 份密封投标、{} 份评审专家签名只留摘要",
                    left.bids, left.signatures
                ),
                format!(
                    "; public export: {} sealed bids and {} signatures of experts left out, their hashes kept",
                    left.bids, left.signatures
                ),
            ),
        };
        Ok((
            files,
            format!("{files} 个文件齐全，{withheld} 份撤回或被替换的投标只留摘要{public_zh}"),
            format!(
                "{files} files, all there; {withheld} withdrawn or replaced bids withheld, their hashes kept{public_en}"
            ),
        ))
    }

    /// The hashes of files that were hashed before: sealed bids, and what the replay compared with its name.
    fn known(&self, replay: &Replay) -> HashMap<String, Digest> {
        let sealed = self.sealed.iter();
        let mut known: HashMap<_, _> = sealed
            .map(|(id, found)| (layout::seal(id), found.hash))
            .collect();
        for record in &replay.records {
            known.insert(layout::body(&record.body), record.body);
            if record.signed {
                known.insert(layout::signature(&record.signature), record.signature);
            }
        }
        known
    }

    /// Names the file that is not what `archive.close` fixed, as far as its own name tells.
    fn odd_file(&self, replay: &Replay) -> String {
        let alg = replay.suite().hash();
        for name in self.files.index().keys() {
            let Some(hash) = name
                .split(['/', '.'])
                .nth(1)
                .and_then(|h| h.parse::<Digest>().ok())
            else {
                continue;
            };
            let named_by_content = !name.starts_with("seal/");
            if named_by_content
                && dossier::hash_file(alg, self.files, name).is_ok_and(|found| found != hash)
            {
                return format!("{name} does not have the hash in its name");
            }
        }
        "the files are not those that archive.close fixed".to_owned()
    }

    fn unexpected(&self, replay: &Replay) -> Option<String> {
        let mut known: BTreeSet<String> = BTreeSet::new();
        for record in &replay.records {
            known.insert(layout::body(&record.body));
            known.insert(layout::signature(&record.signature));
        }
        known.extend(replay.state.outcomes().keys().map(layout::seal));
        known.extend(layout::taken(&replay.state));
        known.extend(layout::named_documents(&replay.state));
        let mut checked = vec!["certs/", "crl/", "log/", layout::RENEWALS, "tsr/"];
        let config = replay.state.host().map(|(_, config)| config);
        // Without an anchor log nothing says what a proof is worth.
        if config.is_some_and(|config| config.anchor.is_some()) {
            checked.push(layout::ANCHORS);
        }
        self.files
            .index()
            .keys()
            .find(|name| {
                !known.contains(*name)
                    && *name != layout::README
                    && (*name != layout::WITHHELD || self.withheld.is_empty())
                    && !checked.iter().any(|prefix| name.starts_with(prefix))
            })
            .cloned()
    }

    /// The text of every contract that was stamped is in `docs/`.
    pub(super) fn contracts(&self, replay: &Replay) -> Result<(), Error> {
        let lots = replay.state.notice().map(|(_, notice)| &notice.lots);
        for lot in lots.into_iter().flatten() {
            let Some(contract) = replay.state.contract(&lot.id) else {
                continue;
            };
            let name = layout::document(&contract.text);
            let fail = |code| Error::Failed {
                check: "V14",
                code,
                detail: format!("the contract of lot {}: {name}", lot.id),
            };
            if !self.files.index().contains_key(&name) {
                return Err(fail("file.missing"));
            }
            if dossier::hash_file(replay.suite().hash(), self.files, &name)? != contract.text {
                return Err(fail("file.hash"));
            }
        }
        Ok(())
    }

    pub(super) fn log(&self, replay: &Replay, trusted: &Trusted) -> Result<Saw, Error> {
        let fail = |code, detail: String| Error::Failed {
            check: "V2",
            code,
            detail,
        };
        self.only_log_files(replay)?;
        if replay.hidden_beats != 0 {
            return Err(fail(
                "log.beats",
                format!("{} beats were not revealed", replay.hidden_beats),
            ));
        }
        let stamps = stamps(replay, self.files)?;
        if let Some(earlier) = &trusted.earlier {
            let old = Replay::of(&**earlier)?;
            let root = replay.tree.tree().root_at(old.tree.size()).ok();
            if root != Some(old.tree.root()) || old.state.origin() != replay.state.origin() {
                return Err(fail(
                    "log.fork",
                    "not a continuation of the earlier bundle".to_owned(),
                ));
            }
        }
        let (anchored_zh, anchored_en) = match anchor::check(replay, self.files)? {
            0 => (String::new(), String::new()),
            n => (
                format!("；{n} 个日志头见于平台锚定日志"),
                format!("; {n} heads in the host's anchor log"),
            ),
        };
        let size = replay.tree.size();
        let (beats, heads) = (replay.beats, replay.heads.len());
        let renewals = dossier::renewals(replay, self.files, trusted)?;
        let (renewed_zh, renewed_en) = renewals.last().map(renewed_in_words).unwrap_or_default();
        Ok((
            size,
            format!(
                "{size} 条日志、{beats} 个节拍全部重算一致；{heads} 个共签日志头，{} 个时间戳{anchored_zh}{renewed_zh}",
                stamps.len()
            ),
            format!(
                "{size} entries and {beats} beats recomputed; {heads} cosigned heads, {} time stamps{anchored_en}{renewed_en}",
                stamps.len()
            ),
        ))
    }

    fn only_log_files(&self, replay: &Replay) -> Result<(), Error> {
        let heads: BTreeSet<String> = replay
            .heads
            .iter()
            .map(|head| layout::head(head.size))
            .collect();
        let sm3 = replay.suite().hash() == mifeng_crypto::HashAlg::Sm3;
        for name in self
            .files
            .index()
            .keys()
            .filter(|name| name.starts_with("log/"))
        {
            let known = name == layout::CHECKPOINT
                || name == layout::BEATS
                || name.starts_with("log/tile/")
                || (sm3 && (name == layout::CHECKPOINT_SM3 || name.starts_with("log/sm3/tile/")))
                || heads.contains(name);
            if !known {
                return Err(Error::Failed {
                    check: "V1",
                    code: "file.unexpected",
                    detail: name.clone(),
                });
            }
        }
        Ok(())
    }
}

/// A sealed bid with an outcome, or the signature of a record that the replay took without it.
fn may_be_withheld(replay: &Replay, name: &str) -> bool {
    let mut sealed = replay.state.outcomes().keys().map(layout::seal);
    let unsigned = replay.records.iter().filter(|record| !record.signed);
    let mut unsigned = unsigned.map(|record| layout::signature(&record.signature));
    sealed.any(|known| known == name) || unsigned.any(|known| known == name)
}

/// The last renewal, as the end of a sentence.
fn renewed_in_words(last: &dossier::Renewed) -> (String, String) {
    let (n, at, by, until) = (last.n, last.at, &last.authority, last.until);
    let (own_zh, own_en) = match last.root_is_carried {
        true => (
            "，其根证书为档案自带",
            ", its root is the dossier's own word",
        ),
        false => ("", ""),
    };
    (
        format!("；整档续期 {n} 次，最近一次 {at} 由 {by}（有效至 {until}{own_zh}）"),
        format!(
            "; renewed {n} times as a whole, last at {at} by {by} (renew again before {until}{own_en})"
        ),
    )
}

fn archived_digest(body: &[u8]) -> Option<Digest> {
    let body: serde_json::Value = serde_json::from_slice(body).ok()?;
    body.pointer("/data/files")?.as_str()?.parse().ok()
}
