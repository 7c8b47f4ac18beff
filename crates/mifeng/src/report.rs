//! A verifier's answer.

use crate::bundle::Files;
use mifeng_crypto::Digest;
use mifeng_tender::Keeping;
use serde::Serialize;

/// How one check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Everything it looks at is as it must be.
    Pass,
    /// What is there is as it must be; a public export withholds the rest.
    Part,
    /// Something is not.
    Fail,
    /// It was not reached, because a check before it failed.
    NotRun,
}

/// One numbered check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    /// `V1` to `V14`.
    pub id: &'static str,
    /// Title in Chinese.
    pub zh: &'static str,
    /// Title in English.
    pub en: &'static str,
    /// How it ended.
    pub verdict: Verdict,
    /// Number of things looked at.
    pub count: u64,
    /// What it saw, in Chinese.
    pub saw_zh: String,
    /// What it saw, in English.
    pub saw_en: String,
    /// Stable code of the failure, if any.
    pub code: Option<String>,
    /// V3 only: signers at one of whose records no list said anything about revocation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revocation_unknown: Option<u64>,
}

/// A verifier's answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[must_use]
pub struct Report {
    /// The tender, as the notice names it.
    pub tender: Option<String>,
    /// The suite.
    pub suite: Option<&'static str>,
    /// The head of the log: hex of its root.
    pub root: Option<Digest>,
    /// All fourteen checks.
    pub checks: Vec<Check>,
    /// What the law wants kept of this procurement and for how long, once every check was made
    /// (spec/keeping.md). No check fails for what is not there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keeping: Option<Keeping>,
}

impl Report {
    /// Whether every check passed, as far as what it looks at is there.
    pub fn is_valid(&self) -> bool {
        let good = [Verdict::Pass, Verdict::Part];
        self.checks.iter().all(|c| good.contains(&c.verdict))
    }

    /// The checks that saw a part only: those of a public export.
    pub fn in_part(&self) -> Vec<&'static str> {
        let part = self.checks.iter().filter(|c| c.verdict == Verdict::Part);
        part.map(|check| check.id).collect()
    }

    /// The verdict in one sentence, in Chinese and in English.
    pub fn conclusion(&self) -> (String, String) {
        if !self.is_valid() {
            return ("结论：无效。".to_owned(), "verdict: NOT valid.".to_owned());
        }
        let words = |chinese| {
            self.root
                .map(|root| crate::words::fingerprint(&root, chinese))
                .unwrap_or_default()
        };
        let part = self.in_part();
        let (how_zh, how_en) = match part.len() {
            0 => ("有效".to_owned(), "valid".to_owned()),
            _ => (
                format!(
                    "就公开部分而言有效（{} 只查了一部分：其余未公开，只留摘要）",
                    part.join("、")
                ),
                format!(
                    "valid as far as it is public ({} in part: the rest is withheld, its hashes kept)",
                    part.join(", ")
                ),
            ),
        };
        (
            format!("结论：{how_zh}。日志根 {}", words(true)),
            format!("verdict: {how_en}. log root {}", words(false)),
        )
    }

    /// The first check that failed.
    pub fn failure(&self) -> Option<&Check> {
        self.checks
            .iter()
            .find(|check| check.verdict == Verdict::Fail)
    }
}

/// What an auditor adds to what the dossier says.
#[derive(Default)]
pub struct Trusted {
    /// Fingerprints of roots; if not empty, every root that the tender recognised must be among
    /// them, or the operator who signed its trust list.
    pub roots: Vec<Digest>,
    /// The least version of the trust list that a tender may pin, if one is known: an older one may
    /// recognise a CA that was taken off since. Without it any version that its operator signed is
    /// believed, and V3 says so.
    pub trust_list_least: Option<u64>,
    /// An earlier bundle of the same tender, of which nothing may have been rewritten.
    pub earlier: Option<Box<dyn Files>>,
}

/// Something that a report does not say, because the auditor gave nothing to hold the dossier against.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct NotChecked {
    /// Stable code.
    pub code: &'static str,
    /// In Chinese.
    pub zh: &'static str,
    /// In English.
    pub en: &'static str,
}

/// What a report over these leaves open, for every program that shows one.
#[must_use]
pub fn not_checked(trusted: &Trusted, with_receipt: bool) -> Vec<NotChecked> {
    let mut open = Vec::new();
    if trusted.roots.is_empty() {
        open.push(NotChecked {
            code: "not-checked.roots",
            zh: "未给出信任的根证书：证书链只按公告所列的根核对",
            en: "no trusted roots given: chains are held against the roots that the notice lists",
        });
    }
    if trusted.earlier.is_none() {
        open.push(NotChecked {
            code: "not-checked.earlier",
            zh: "未给出较早的档案：未证明其后无改写",
            en: "no earlier bundle given: not proved that nothing was rewritten since",
        });
    }
    if !with_receipt {
        open.push(NotChecked {
            code: "not-checked.receipt",
            zh: "未给出回执：未核对平台对某一份投标的承诺",
            en: "no receipt given: no promise of the host to a bidder was held against the dossier",
        });
    }
    open
}
