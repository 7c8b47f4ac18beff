//! The verifier: V1 to V14 over a dossier (PROTOCOL 5), each with what it saw.

mod seen;
mod unreadable;

use crate::bundle::Files;
use crate::opening::{Opened, open_bid};
use crate::replay::Replay;
use crate::report::{Check, Report, Trusted, Verdict};
use crate::trustee::{cosigned_after, round_closed_at, stamps};
use crate::{Error, dossier, layout};
use mifeng_crypto::{Digest, Time};
use mifeng_envelope::{NoSink, SealedFile};
use mifeng_pki::trust::TrustChain;
use mifeng_tender::{BidLife, BidOutcome, BidStatus, rules};
use seen::{bidder_shares, board, board_shares, draw, events, minutes, scores};
use std::collections::BTreeSet;

pub use unreadable::unreadable;

const TITLES: [(&str, &str, &str); 14] = [
    ("V1", "档案完整", "completeness"),
    ("V2", "日志", "log"),
    ("V3", "证书", "certificates"),
    ("V4", "事件", "events"),
    ("V5", "开标委员会密钥", "board key"),
    ("V6", "公告与规则", "tender"),
    ("V7", "投标", "bids"),
    ("V8", "投标人解密份额", "bidder shares"),
    ("V9", "委员会解密份额", "board shares"),
    ("V10", "开标", "openings"),
    ("V11", "未开标原因", "fail reasons"),
    ("V12", "开标记录", "minutes and price list"),
    ("V13", "专家抽取", "draw"),
    ("V14", "评分与定标", "scores and award"),
];

/// What a check says that was not reached.
const NOT_RUN: (&str, &str) = ("未进行", "not run");

type Saw = (u64, String, String);

struct Run<'a> {
    files: &'a dyn Files,
    checks: Vec<Check>,
}

impl Run<'_> {
    fn pass(&mut self, (count, zh, en): Saw) {
        self.push(Verdict::Pass, count, zh, en, None);
    }

    fn push(
        &mut self,
        verdict: Verdict,
        count: u64,
        saw_zh: String,
        saw_en: String,
        code: Option<String>,
    ) {
        let (id, zh, en) = TITLES[self.checks.len()];
        self.checks.push(Check {
            id,
            zh,
            en,
            verdict,
            count,
            saw_zh,
            saw_en,
            code,
            revocation_unknown: None,
        });
    }
}

/// Runs every check. A dossier that cannot even be replayed fails the check that saw it first.
///
/// # Errors
/// [`Error::Unavailable`] only: everything else is a failed check in the report.
pub fn verify(files: &dyn Files, trusted: &Trusted) -> Result<Report, Error> {
    let mut run = Run {
        files,
        checks: Vec::new(),
    };
    let mut report = Report {
        tender: None,
        suite: None,
        root: None,
        checks: Vec::new(),
    };
    let ended = match Replay::of(files) {
        Ok(replay) => {
            report.tender = replay
                .state
                .notice()
                .map(|(_, notice)| notice.tender.clone());
            report.suite = Some(replay.suite().id());
            report.root = Some(replay.tree.root());
            run.all(&replay, trusted)
        }
        Err(e) => Err(e),
    };
    if let Err(e) = ended {
        if matches!(e, Error::Unavailable { .. }) {
            return Err(e);
        }
        run.fail(&e);
    }
    report.checks = run.checks;
    Ok(report)
}

impl Run<'_> {
    /// Marks the check that the error names as failed, and those after it as not run. Checks before
    /// it that were not finished are not run either: nothing is said to hold that was not seen.
    fn fail(&mut self, error: &Error) {
        let (check, code) = match error {
            Error::Failed { check, code, .. } => (*check, *code),
            other => ("V1", other.code()),
        };
        let at = TITLES
            .iter()
            .position(|(id, _, _)| *id == check)
            .unwrap_or(0);
        self.checks.truncate(at);
        let skipped = |run: &mut Self| {
            run.push(
                Verdict::NotRun,
                0,
                NOT_RUN.0.to_owned(),
                NOT_RUN.1.to_owned(),
                None,
            );
        };
        while self.checks.len() < at {
            skipped(self);
        }
        let detail = match error {
            Error::Failed { detail, .. } => detail.clone(),
            other => other.to_string(),
        };
        self.push(
            Verdict::Fail,
            0,
            detail.clone(),
            detail,
            Some(code.to_owned()),
        );
        while self.checks.len() < TITLES.len() {
            skipped(self);
        }
    }

    fn all(&mut self, replay: &Replay, trusted: &Trusted) -> Result<(), Error> {
        let seen = self.completeness(replay)?;
        self.pass(seen);
        let seen = self.log(replay, trusted)?;
        self.pass(seen);
        let seen = self.certificates(replay, trusted)?;
        self.pass(seen);
        if let Some(check) = self.checks.last_mut() {
            check.revocation_unknown = Some(replay.state.revocation_unknown().len() as u64);
        }
        self.pass(events(replay));
        self.pass(board(replay)?);
        let seen = self.tender(replay)?;
        self.pass(seen);
        let seen = self.bids(replay)?;
        self.pass(seen);
        self.pass(bidder_shares(replay));
        self.pass(board_shares(replay)?);
        let (opened, failed) = self.openings(replay)?;
        self.pass(opened);
        self.pass(failed);
        self.pass(minutes(replay)?);
        self.pass(draw(replay)?);
        self.pass(scores(replay)?);
        Ok(())
    }

    fn completeness(&self, replay: &Replay) -> Result<Saw, Error> {
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
        let found = dossier::files_digest(replay.suite(), self.files, &archive)?;
        let body = self.files.read(&archive[0])?;
        let fixed = archived_digest(&body)
            .ok_or_else(|| fail("record.data", "archive.close".to_owned()))?;
        if found != fixed {
            return Err(fail("dossier.files", self.odd_file(replay)));
        }
        if let Some(name) = self.unexpected(replay) {
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
        Ok((
            files,
            format!("{files} 个文件齐全，{withheld} 份撤回或被替换的投标只留摘要"),
            format!(
                "{files} files, all there; {withheld} withdrawn or replaced bids withheld, their hashes kept"
            ),
        ))
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
                && self
                    .files
                    .read(name)
                    .is_ok_and(|bytes| alg.digest(&bytes) != hash)
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
        let checked = ["certs/", "crl/", "docs/", "log/", "tsr/"];
        self.files
            .index()
            .keys()
            .find(|name| {
                !known.contains(*name)
                    && *name != layout::README
                    && !checked.iter().any(|prefix| name.starts_with(prefix))
            })
            .cloned()
    }

    fn log(&self, replay: &Replay, trusted: &Trusted) -> Result<Saw, Error> {
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
        let size = replay.tree.size();
        let (beats, heads) = (replay.beats, replay.heads.len());
        Ok((
            size,
            format!(
                "{size} 条日志、{beats} 个节拍全部重算一致；{heads} 个共签日志头，{} 个时间戳",
                stamps.len()
            ),
            format!(
                "{size} entries and {beats} beats recomputed; {heads} cosigned heads, {} time stamps",
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

    fn certificates(&self, replay: &Replay, trusted: &Trusted) -> Result<Saw, Error> {
        let listed = replay.state.recognised_roots();
        let lists = replay.state.trust_lists();
        let alg = replay.suite().hash();
        // An auditor trusts roots, or the operator who vouches for every root on the list.
        let operator = lists.map(|lists| lists.versions()[0].operator().fingerprint(alg));
        let by_operator = operator.is_some_and(|operator| trusted.roots.contains(&operator));
        if let Some(root) = listed
            .iter()
            .find(|root| !trusted.roots.is_empty() && !by_operator && !trusted.roots.contains(root))
        {
            return Err(Error::Failed {
                check: "V3",
                code: "cert.untrusted-root",
                detail: format!("the tender recognises root {root}, which you do not trust"),
            });
        }
        let (_, notice) = replay.state.notice().unzip();
        let unlisted = |root: &&mifeng_pki::Certificate| {
            notice.is_none_or(|notice| !notice.trust.contains(&root.fingerprint(alg)))
        };
        if let Some(root) = replay.roots.iter().find(unlisted) {
            return Err(Error::Failed {
                check: "V3",
                code: "file.unexpected",
                detail: format!(
                    "certs holds {}, which the notice does not list",
                    root.subject_name()
                ),
            });
        }
        let (list_zh, list_en) = lists.map(list_in_words).unwrap_or_default();
        let signers: BTreeSet<Digest> = replay.records.iter().map(|r| r.actor).collect();
        let (count, crls) = (signers.len() as u64, replay.crls.len());
        let (unknown_zh, unknown_en) = match replay.state.revocation_unknown().len() {
            0 => (String::new(), String::new()),
            n => (
                format!("（其中 {n} 名的证书链吊销情况未知）"),
                format!(" (for {n} of them revocation was unknown somewhere on the path)"),
            ),
        };
        Ok((
            count,
            format!(
                "{count} 名签名人的证书链在其签名时间有效{unknown_zh}，{} 个根{list_zh}，{crls} 份吊销列表",
                listed.len()
            ),
            format!(
                "the chains of {count} signers valid at their times{unknown_en}; {} roots{list_en}, {crls} revocation lists",
                listed.len()
            ),
        ))
    }

    fn tender(&self, replay: &Replay) -> Result<Saw, Error> {
        let fail = |code, detail: String| Error::Failed {
            check: "V6",
            code,
            detail,
        };
        let (_, notice) = replay
            .state
            .notice()
            .ok_or_else(|| fail("notice.missing", "no notice".to_owned()))?;
        for document in &notice.documents {
            let bytes = self.files.read(&layout::document(&document.hash))?;
            if bytes.len() as u64 != document.size
                || replay.suite().hash().digest(&bytes) != document.hash
            {
                return Err(fail(
                    "file.hash",
                    format!("tender document {}", document.name),
                ));
            }
        }
        let close = replay.records.iter().find(|r| r.kind == "submission.close");
        let close =
            close.ok_or_else(|| fail("close.missing", "submission was never closed".to_owned()))?;
        let cosigned = close_witnessed(replay, close.index, notice.deadline)?;
        for lot in &notice.lots {
            let round = replay.state.round(&lot.id);
            if let (Some(round), Some(index)) = (round, round_closed_at(replay, &lot.id)) {
                close_witnessed(replay, index, round.deadline)?;
            }
        }
        let lots = notice.lots.len() as u64;
        let policy = notice.policy.name().unwrap_or("own formula");
        let profile = notice.procedure.profile();
        let (mark_zh, mark_en) = match notice.rehearsal {
            true => ("（演练）", " (rehearsal)"),
            false => ("", ""),
        };
        Ok((
            lots,
            format!(
                "{}{mark_zh}，{lots} 个标段，开标策略 {policy}，截止 {}，截标由 {cosigned} 名见证人共签",
                profile.zh, notice.deadline
            ),
            format!(
                "{}{mark_en}, {lots} lots, opening policy {policy}, deadline {}, close cosigned by {cosigned} witnesses",
                profile.en, notice.deadline
            ),
        ))
    }

    fn bids(&self, replay: &Replay) -> Result<Saw, Error> {
        for id in replay.state.outcomes().keys() {
            let fail = |e: mifeng_envelope::Error| Error::Failed {
                check: "V7",
                code: e.code(),
                detail: format!("seal/{id}.bid: {e}"),
            };
            let bid = &replay.state.bids()[id];
            let name = layout::seal(id);
            let missing = |e: Error| Error::Failed {
                check: "V1",
                code: "file.missing",
                detail: e.to_string(),
            };
            let mut file = self.files.open(&name).map_err(missing)?;
            let sealed = SealedFile::read(&mut *file).map_err(fail)?;
            if !sealed.record().is_of(&bid.seal) {
                return Err(Error::Failed {
                    check: "V7",
                    code: "bid.other-seal",
                    detail: format!("{name} holds another seal than the log"),
                });
            }
            mifeng_envelope::check_body(&mut *file, &bid.seal).map_err(fail)?;
        }
        let bids = replay.state.bids();
        let (all, live) = (
            bids.len() as u64,
            bids.values().filter(|b| b.life == BidLife::Live).count(),
        );
        Ok((
            all,
            format!("收到 {all} 份密封投标，有效 {live} 份，均在截止前、绑定本项目、无重复"),
            format!(
                "{all} sealed bids received, {live} live; all on time, bound to this tender, none twice"
            ),
        ))
    }

    fn openings(&self, replay: &Replay) -> Result<(Saw, Saw), Error> {
        let (mut opened, mut failed) = (0_u64, 0_u64);
        for (id, outcome) in replay.state.outcomes() {
            let name = layout::seal(id);
            let mut file = self.files.open(&name)?;
            let again = match (
                outcome,
                open_bid(&replay.state, id, &mut *file, &mut NoSink),
            ) {
                // Too few trustees released: another's cause, and nothing to open it with.
                (BidOutcome::Failed(logged), Err(Error::Refused(no)))
                    if logged.status == BidStatus::WithdrawnOtherCause
                        && no.code() == rules::QUORUM.code =>
                {
                    failed += 1;
                    continue;
                }
                (_, again) => again?,
            };
            let (check, same) = match (outcome, &again) {
                (BidOutcome::Opened(logged), Opened::Bid(found)) => ("V10", logged == found),
                (BidOutcome::Opened(_), Opened::Fault(_)) => ("V10", false),
                (BidOutcome::Failed(logged), Opened::Fault(found)) => ("V11", logged == found),
                (BidOutcome::Failed(_), Opened::Bid(_)) => ("V11", false),
            };
            if !same {
                return Err(Error::Failed {
                    check,
                    code: "result.differs",
                    detail: format!("{name} opens to something else than the log says"),
                });
            }
            match again {
                Opened::Bid(_) => opened += 1,
                Opened::Fault(_) => failed += 1,
            }
        }
        let due = (replay.state.to_open().len() + replay.state.offers_due().len()) as u64;
        if opened + failed != due && !replay.state.is_halted() {
            return Err(Error::Failed {
                check: "V10",
                code: "opening.incomplete",
                detail: format!(
                    "{due} bids are to be opened, {} have an outcome",
                    opened + failed
                ),
            });
        }
        Ok((
            (
                opened,
                format!("{opened} 份投标由份额重新解密，封头逐字节一致，内外签名与文件摘要相符"),
                format!(
                    "{opened} bids decrypted again from the shares; headers byte-equal, inner signatures and file hashes hold"
                ),
            ),
            (
                failed,
                format!("{failed} 份未能开标，原因均由记录推出"),
                format!("{failed} bids could not be opened, each cause follows from the records"),
            ),
        ))
    }
}

/// At least t witnesses of the board must have cosigned one head over the close at or after the
/// deadline, and none such a head before it.
fn close_witnessed(replay: &Replay, index: u64, deadline: Time) -> Result<usize, Error> {
    let fail = |code, detail: String| Error::Failed {
        check: "V6",
        code,
        detail,
    };
    let needed = replay
        .state
        .board()
        .map_or(1, |board| usize::from(board.threshold()));
    let cosigned = cosigned_after(replay, index, deadline);
    if cosigned < needed {
        return Err(fail(
            "close.not-witnessed",
            format!(
                "the close is cosigned by {cosigned} witnesses after the deadline, {needed} are needed"
            ),
        ));
    }
    // A witness that cosigned a head without the close bounds the host's clock from the other side.
    let early = replay.heads.iter().filter(|head| head.size > index);
    if let Some((name, time)) = early
        .flat_map(|head| &head.cosigned)
        .find(|(_, time)| *time < deadline)
    {
        return Err(fail(
            "close.early",
            format!("{name} saw the close at {time}, before the deadline"),
        ));
    }
    Ok(cosigned)
}

/// Which versions of the trust list ruled this tender.
fn list_in_words(lists: &TrustChain) -> (String, String) {
    let (first, last) = (lists.versions()[0].list(), lists.last().list());
    let (name, from, to) = (&first.name, first.version, last.version);
    let cas = last.cas.len();
    (
        format!("（信任名单《{name}》第 {from} 至 {to} 版，{cas} 家CA）"),
        format!(" (trust list \"{name}\", versions {from} to {to}, {cas} CAs)"),
    )
}

fn archived_digest(body: &[u8]) -> Option<Digest> {
    let body: serde_json::Value = serde_json::from_slice(body).ok()?;
    body.pointer("/data/files")?.as_str()?.parse().ok()
}
