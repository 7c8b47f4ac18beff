//! The verifier: V1 to V14 over a dossier (PROTOCOL 5), each with what it saw.

mod audit;
mod files;
mod sealed;
mod seen;
mod unreadable;

use crate::bundle::Files;
use crate::dossier::{LeftOut, Withheld};
use crate::replay::Replay;
use crate::report::{Check, Report, Trusted, Verdict};
use crate::trustee::{round_closed_at, witnesses};
use crate::{Error, dossier, layout};
use audit::Audited;
use mifeng_crypto::{Digest, Time};
use mifeng_pki::trust::TrustChain;
use mifeng_tender::BidOutcome;
use seen::{bidder_shares, board, board_shares, draw, events, minutes, scores};
use std::collections::{BTreeMap, BTreeSet};

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
    files: &'a (dyn Files + Sync),
    /// What a public export leaves out.
    withheld: Withheld,
    /// What was found of each sealed bid that is there.
    sealed: BTreeMap<Digest, Audited>,
    checks: Vec<Check>,
}

impl Run<'_> {
    fn pass(&mut self, (count, zh, en): Saw) {
        self.push(Verdict::Pass, count, zh, en, None);
    }

    /// A check over sealed bids, of which an export withholds some.
    fn pass_seen(&mut self, (count, zh, en): Saw, withheld: usize) {
        if withheld == 0 {
            return self.pass((count, zh, en));
        }
        let zh = format!("{zh}；{withheld} 份密封投标未公开，未查");
        let en = format!("{en}; {withheld} sealed bids withheld and not checked");
        self.push(Verdict::Part, count, zh, en, None);
    }

    /// A check that rests on signatures, of which an export withholds those of experts.
    fn pass_unsigned(&mut self, (count, zh, en): Saw, withheld: usize) {
        if withheld == 0 {
            return self.pass((count, zh, en));
        }
        let zh = format!("{zh}；{withheld} 份评审专家签名未公开，未查");
        let en = format!("{en}; {withheld} signatures of experts withheld and not checked");
        self.push(Verdict::Part, count, zh, en, None);
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
pub fn verify(files: &(dyn Files + Sync), trusted: &Trusted) -> Result<Report, Error> {
    let mut run = Run {
        files,
        withheld: Withheld::new(),
        sealed: BTreeMap::new(),
        checks: Vec::new(),
    };
    let mut report = Report {
        tender: None,
        suite: None,
        root: None,
        checks: Vec::new(),
        keeping: None,
    };
    let ended = match Replay::of(files) {
        Ok(replay) => {
            report.tender = replay
                .state
                .notice()
                .map(|(_, notice)| notice.tender.clone());
            report.suite = Some(replay.suite().id());
            report.root = Some(replay.tree.root());
            let all = run.all(&replay, trusted);
            if all.is_ok() {
                report.keeping = replay.keeping(LeftOut::of(&run.withheld).bids != 0);
            }
            all
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
        self.withheld = replay.withheld.clone();
        self.sealed = audit::audit(self.files, replay, &self.withheld)?;
        let left = LeftOut::of(&self.withheld);
        let seen = self.completeness(replay)?;
        self.pass(seen);
        let seen = self.log(replay, trusted)?;
        self.pass(seen);
        let seen = self.certificates(replay, trusted)?;
        self.pass_unsigned(seen, left.signatures);
        if let Some(check) = self.checks.last_mut() {
            check.revocation_unknown = Some(replay.state.revocation_unknown().len() as u64);
        }
        self.pass_unsigned(events(replay), left.signatures);
        self.pass(board(replay)?);
        let seen = self.tender(replay)?;
        self.pass(seen);
        let seen = self.bids(replay)?;
        self.pass_seen(seen, left.bids);
        self.pass(bidder_shares(replay));
        self.pass(board_shares(replay)?);
        let (opened, failed) = self.openings(replay)?;
        let unseen = |opened| {
            let outcomes = replay.state.outcomes().iter();
            let of_kind = outcomes.filter(|(_, o)| matches!(o, BidOutcome::Opened(_)) == opened);
            of_kind
                .filter(|(id, _)| self.withheld.contains_key(&layout::seal(id)))
                .count()
        };
        let (unopened, unfailed) = (unseen(true), unseen(false));
        self.pass_seen(opened, unopened);
        self.pass_seen(failed, unfailed);
        self.pass(minutes(replay)?);
        self.pass(draw(replay)?);
        self.contracts(replay)?;
        self.pass_unsigned(scores(replay)?, left.signatures);
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
        let pinned = lists.map(|lists| lists.versions()[0].list().version);
        if let Some(least) = trusted.trust_list_least
            && pinned.is_none_or(|pinned| pinned < least)
        {
            let found = pinned.map_or("none".to_owned(), |n| format!("version {n}"));
            return Err(Error::Failed {
                check: "V3",
                code: "trust.list-old",
                detail: format!(
                    "version {least} of the trust list or a later one expected, the tender pins {found}"
                ),
            });
        }
        let (list_zh, list_en) = lists
            .map(|lists| list_in_words(lists, trusted.trust_list_least))
            .unwrap_or_default();
        let signed = replay.records.iter().filter(|r| r.signed);
        let signers: BTreeSet<Digest> = signed.map(|r| r.actor).collect();
        let (count, crls) = (signers.len() as u64, replay.crls.len());
        let (answers_zh, answers_en) = match replay.state.answers_taken().len() {
            0 => (String::new(), String::new()),
            n => (format!("，{n} 份OCSP应答"), format!(", {n} OCSP answers")),
        };
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
                "{count} 名签名人的证书链在其签名时间有效{unknown_zh}，{} 个根{list_zh}，{crls} 份吊销列表{answers_zh}",
                listed.len()
            ),
            format!(
                "the chains of {count} signers valid at their times{unknown_en}; {} roots{list_en}, {crls} revocation lists{answers_en}",
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
        for document in replay.state.documents() {
            let name = layout::document(&document.hash);
            let what = || format!("tender document {}, {name}", document.name);
            if !self.files.index().contains_key(&name) {
                return Err(fail("file.missing", what()));
            }
            let found = dossier::hash_file(replay.suite().hash(), self.files, &name)?;
            if found != document.hash {
                return Err(Error::Failed {
                    check: "V1",
                    code: "file.hash",
                    detail: what(),
                });
            }
            if self.files.index().get(&name) != Some(&document.size) {
                return Err(fail("file.hash", what()));
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
        let name = notice.policy.name();
        let (policy_zh, policy_en) = (name.unwrap_or("自定公式"), name.unwrap_or("own formula"));
        let profile = notice.procedure.profile();
        let (mark_zh, mark_en) = match notice.rehearsal {
            true => ("（演练）", " (rehearsal)"),
            false => ("", ""),
        };
        let (moved_zh, moved_en) = moved(replay);
        let (amended_zh, amended_en) = match replay.state.amendments().len() {
            0 => Default::default(),
            n => (
                format!("，澄清或修改 {n} 次"),
                format!(", amended {n} times"),
            ),
        };
        Ok((
            lots,
            format!(
                "{}{mark_zh}，{lots} 个标段，开标策略 {policy_zh}，截止 {}（北京时间）{moved_zh}{amended_zh}，截标由 {cosigned} 名见证人共签",
                profile.zh,
                notice.deadline.in_china()
            ),
            format!(
                "{}{mark_en}, {lots} lots, opening policy {policy_en}, deadline {}{moved_en}{amended_en}, close cosigned by {cosigned} witnesses",
                profile.en, notice.deadline
            ),
        ))
    }
}

/// How the deadline was moved, and how many witnesses of the board had cosigned a head over that in time: nothing demands
/// that, but who compares sees whether the host's word stands alone.
fn moved(replay: &Replay) -> (String, String) {
    let state = &replay.state;
    let Some(first) = state.postponements().first() else {
        return Default::default();
    };
    let mut logged = replay.records.iter();
    let moves = state.postponements().iter();
    let least = moves
        .filter_map(|moved| {
            let record = logged.find(|r| r.commitment == moved.record)?;
            Some(witnesses(replay, record.index, |at| at < moved.from))
        })
        .min();
    let (times, least) = (state.postponements().len(), least.unwrap_or(0));
    (
        format!(
            "（延期 {times} 次，原为 {}（北京时间），延期记录在原截止前已由至少 {least} 名见证人共签）",
            first.from.in_china()
        ),
        format!(
            " (postponed {times} times, {} at first; cosigned before the old deadline by at least {least} witnesses)",
            first.from
        ),
    )
}

/// At least t witnesses of the board must have cosigned heads over the close at or after the deadline, and none such a
/// head before it.
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
    let cosigned = witnesses(replay, index, |at| at >= deadline);
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
fn list_in_words(lists: &TrustChain, least: Option<u64>) -> (String, String) {
    let (first, last) = (lists.versions()[0].list(), lists.last().list());
    let (name, from, to) = (&first.name, first.version, last.version);
    let cas = last.cas.len();
    let (held_zh, held_en) = match least {
        Some(_) => ("", ""),
        None => (
            "，未给出最低版本：未核对所用名单是否过旧",
            "; no least version given: not checked whether the one it pins is an old one",
        ),
    };
    (
        format!("（信任名单《{name}》第 {from} 至 {to} 版，{cas} 家CA{held_zh}）"),
        format!(" (trust list \"{name}\", versions {from} to {to}, {cas} CAs{held_en})"),
    )
}
