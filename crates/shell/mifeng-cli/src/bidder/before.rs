//! What is still missing, said before the PIN is asked for.

use super::DiskFile;
use crate::bundle::Bundle;
use crate::clock;
use crate::identity;
use crate::ui::{Failure, Ui};
use mifeng::bidder::{What, sealed_against};
use mifeng::crypto::{Digest, Time};
use mifeng::envelope::{FileEntry, FileSource, Manifest};
use mifeng::pki::Certificate;
use mifeng::pki::trust::Usage;
use mifeng::score::Money;
use std::path::Path;

/// Days after the opening in which a certificate that ends is worth a word.
const SOON_DAYS: i64 = 30;

/// How a thing stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mark {
    Good,
    Note,
    Missing,
}

/// One line of the list.
pub(crate) struct Line {
    pub(crate) mark: Mark,
    pub(crate) zh: String,
    pub(crate) en: String,
}

/// The list of what was looked at.
#[derive(Default)]
pub(crate) struct Before {
    pub(crate) lines: Vec<Line>,
}

impl Before {
    fn add(&mut self, mark: Mark, zh: impl Into<String>, en: impl Into<String>) {
        let (zh, en) = (zh.into(), en.into());
        self.lines.push(Line { mark, zh, en });
    }

    /// Prints the list; fails if something is missing.
    pub(crate) fn tell(&self, ui: &Ui) -> Result<(), Failure> {
        for line in &self.lines {
            let mark = match line.mark {
                Mark::Good => "✔",
                Mark::Note => "!",
                Mark::Missing => "✘",
            };
            // Not the result of the command: that is one value with --json.
            ui.warn(
                format!("  {mark} {}", line.zh),
                format!("  {mark} {}", line.en),
            );
        }
        let missing: Vec<&Line> = self
            .lines
            .iter()
            .filter(|l| l.mark == Mark::Missing)
            .collect();
        let Some(first) = missing.first() else {
            return Ok(());
        };
        let mut failure = Failure::refused(
            "bid.incomplete",
            format!("{} missing: {}", missing.len(), first.en),
        );
        failure.zh = Some(format!("还缺 {} 项：{}", missing.len(), first.zh));
        Err(failure)
    }
}

/// Looks at everything that needs no key.
pub(crate) fn look(
    bundle: &Bundle,
    bid: &super::Bid<'_>,
    files: &[DiskFile],
    (what, id): (What, &Path),
) -> Before {
    let mut before = Before::default();
    let deadline = match sealed_against(&bundle.replay, what, bid.lot) {
        Ok((_, deadline)) => deadline,
        Err(e) => {
            let failure = Failure::from(e);
            let zh = failure.sentence(crate::ui::Lang::Zh).to_owned();
            before.add(Mark::Missing, zh, failure.text);
            return before;
        }
    };
    lot(&mut before, bundle, bid.lot, deadline);
    content(&mut before, bid, files);
    price(&mut before, bundle, bid);
    declarations(&mut before, bundle, bid);
    certificates(&mut before, bundle, id, deadline);
    before
}

fn lot(before: &mut Before, bundle: &Bundle, lot: &str, deadline: Time) {
    let left = (deadline.as_unix_nanos() - clock::now().as_unix_nanos()) / 1_000_000_000;
    let tender = bundle.replay.state.notice().map(|(_, n)| n.tender.clone());
    let tender = tender.unwrap_or_default();
    if left <= 0 {
        before.add(
            Mark::Missing,
            format!("已过截止时间 {deadline}"),
            format!("the deadline {deadline} has passed"),
        );
        return;
    }
    let (hours, minutes) = (left / 3600, left / 60 % 60);
    before.add(
        Mark::Good,
        format!("项目 {tender}，标段 {lot}，截止 {deadline}（还有 {hours} 小时 {minutes} 分）"),
        format!("tender {tender}, lot {lot}, deadline {deadline} ({hours} h {minutes} min left)"),
    );
}

fn content(before: &mut Before, bid: &super::Bid<'_>, files: &[DiskFile]) {
    if files.is_empty() {
        let folder = bid.folder.display();
        before.add(
            Mark::Missing,
            format!("投标文件：{folder} 里没有文件"),
            format!("files: none in {folder}"),
        );
        return;
    }
    let entry = |file: &DiskFile| FileEntry {
        hash: Digest::from_bytes([0; 32]),
        path: file.path().to_owned(),
        size: file.size(),
    };
    let mut entries: Vec<FileEntry> = files.iter().map(entry).collect();
    entries.sort_by(|a, b| a.path.as_bytes().cmp(b.path.as_bytes()));
    for file in entries.iter().filter(|file| file.size == 0) {
        before.add(
            Mark::Note,
            format!("文件 {} 是空的", file.path),
            format!("file {} is empty", file.path),
        );
    }
    for file in &entries {
        if let Err(e) = mifeng::envelope::check_path(&file.path) {
            before.add(
                Mark::Missing,
                format!("文件名 {} 不可用：{e}", file.path),
                format!("file name {}: {e}", file.path),
            );
        }
    }
    let (count, bytes) = (entries.len(), entries.iter().map(|f| f.size).sum::<u64>());
    let manifest = Manifest {
        context: Digest::from_bytes([0; 32]),
        declarations: bid.declarations.clone(),
        detail: bid.detail.clone(),
        files: entries,
        opening: mifeng::envelope::Opening {
            fields: bid.fields.clone(),
            ..mifeng::envelope::Opening::default()
        },
        v: 1,
    };
    match manifest.check() {
        Ok(()) => before.add(
            Mark::Good,
            format!("投标文件 {count} 个，共 {} MB", bytes / 1_000_000),
            format!("{count} files, {} MB", bytes / 1_000_000),
        ),
        Err(e) => before.add(
            Mark::Missing,
            format!("投标文件不合格式：{e}"),
            format!("the bid's files or texts: {e}"),
        ),
    }
}

fn price(before: &mut Before, bundle: &Bundle, bid: &super::Bid<'_>) {
    let wanted = [
        (
            bid.price,
            "报价（数字）：--price",
            "the price in digits: --price",
        ),
        (
            bid.price_cn,
            "报价大写：--price-cn",
            "the price in words: --price-cn",
        ),
    ];
    let mut missing = false;
    for (_, zh, en) in wanted.iter().filter(|(given, ..)| given.is_empty()) {
        before.add(Mark::Missing, *zh, *en);
        missing = true;
    }
    if missing {
        return;
    }
    let digits = match Money::parse(bid.price) {
        Ok(digits) => digits,
        Err(e) => {
            let (zh, en) = (
                format!("报价 {:?} 不是金额：{e}", bid.price),
                format!("--price {:?}: {e}", bid.price),
            );
            before.add(Mark::Missing, zh, en);
            return;
        }
    };
    let words = match mifeng::record::amount::parse(bid.price_cn) {
        Ok(words) => words,
        Err(e) => {
            let (zh, en) = (
                format!("大写 {:?} 读不出金额：{e}", bid.price_cn),
                format!("--price-cn {:?}: {e}", bid.price_cn),
            );
            before.add(Mark::Missing, zh, en);
            return;
        }
    };
    if digits.fen() == words.fen() {
        before.add(
            Mark::Good,
            format!("报价 {} 元（{}）", bid.price, bid.price_cn),
            format!("price {} CNY ({})", bid.price, bid.price_cn),
        );
    } else {
        before.add(
            Mark::Note,
            "大写与数字不一致，开标后以大写为准（87号令 59条）",
            "words and digits differ; the words will rule (order 87 art. 59)",
        );
    }
    let notice = bundle.replay.state.notice();
    let rules = notice
        .and_then(|(_, notice)| notice.lot(bid.lot))
        .map(|lot| &lot.rules);
    let ceiling = rules
        .filter(|rules| !rules.highest_wins)
        .and_then(|rules| rules.ceiling.as_ref().or(rules.budget.as_ref()))
        .and_then(|ceiling| Money::parse(ceiling).ok());
    if let Some(ceiling) = ceiling.filter(|ceiling| words.fen() > ceiling.fen()) {
        before.add(
            Mark::Note,
            format!("报价超过最高限价 {ceiling} 元，将被否决"),
            format!("the price is above the ceiling of {ceiling} CNY and will be rejected"),
        );
    }
}

fn declarations(before: &mut Before, bundle: &Bundle, bid: &super::Bid<'_>) {
    let notice = bundle.replay.state.notice();
    let Some(lot) = notice.and_then(|(_, notice)| notice.lot(bid.lot)) else {
        return;
    };
    let counts = |rate: &str| rate.bytes().any(|digit| matches!(digit, b'1'..=b'9'));
    let (rules, said) = (&lot.rules, &bid.declarations);
    if rules.reserved && !said.sme {
        before.add(
            Mark::Note,
            "本标段专门面向中小企业，未作小微企业声明（--small）",
            "the lot is reserved for small and medium enterprises; not declared small (--small)",
        );
    } else if (counts(&rules.sme_rate) || counts(&rules.sme_bonus_rate)) && !said.sme {
        before.add(
            Mark::Note,
            format!(
                "未声明小微企业（--small）：没有 {} 的价格扣除",
                rules.sme_rate
            ),
            format!(
                "not declared small (--small): no deduction of {}",
                rules.sme_rate
            ),
        );
    }
    if counts(&rules.domestic_rate) && !said.domestic {
        before.add(
            Mark::Note,
            format!(
                "未声明本国产品（--domestic）：没有 {} 的价格扣除",
                rules.domestic_rate
            ),
            format!(
                "not declared domestic (--domestic): no deduction of {}",
                rules.domestic_rate
            ),
        );
    }
    if rules.same_brand == Some(true) && said.brand.is_none() {
        before.add(
            Mark::Note,
            "本标段同品牌只计一家，未写品牌（--brand）",
            "bids of one brand count once in this lot; no brand given (--brand)",
        );
    }
    let list: Vec<&str> = [
        (said.sme, "小微企业"),
        (said.domestic, "本国产品"),
        (said.brand.is_some(), "品牌"),
    ]
    .into_iter()
    .filter_map(|(given, name)| given.then_some(name))
    .collect();
    before.add(
        Mark::Good,
        format!(
            "声明：{}",
            if list.is_empty() {
                "无".to_owned()
            } else {
                list.join("、")
            }
        ),
        format!(
            "declared: small {}, domestic {}, brand {}",
            said.sme,
            said.domestic,
            said.brand.as_deref().unwrap_or("-")
        ),
    );
}

/// Both certificates: kind, validity up to the opening, and whether the tender recognises them.
fn certificates(before: &mut Before, bundle: &Bundle, id: &Path, deadline: Time) {
    let chain = identity::load_certificates(&id.join("chain.cer")).unwrap_or_default();
    let pairs = [
        (
            "sign.cer",
            "签名证书",
            "signing certificate",
            Usage::BidSigning,
        ),
        (
            "enc.cer",
            "加密证书",
            "encryption certificate",
            Usage::BidEncryption,
        ),
    ];
    for (file, zh, en, usage) in pairs {
        let certificate = match identity::load_certificate(&id.join(file)) {
            Ok(certificate) => certificate,
            Err(e) => {
                before.add(
                    Mark::Missing,
                    format!("{zh}：{}", e.sentence(crate::ui::Lang::Zh)),
                    format!("{en}: {}", e.text),
                );
                continue;
            }
        };
        let fault = kind(&certificate, usage).or_else(|| expiry(bundle, &certificate, deadline));
        if let Some((fault_zh, fault_en)) = fault {
            before.add(
                Mark::Missing,
                format!("{zh}：{fault_zh}"),
                format!("{en}: {fault_en}"),
            );
            continue;
        }
        let trust = bundle.replay.trust();
        let state = &bundle.replay.state;
        match state.organisation(&certificate, &chain, usage, clock::now(), &trust) {
            Ok(code) => before.add(
                Mark::Good,
                format!("{zh}：{code}，有效至 {}", certificate.not_after()),
                format!("{en}: {code}, valid until {}", certificate.not_after()),
            ),
            Err(refusal) => {
                let failure = Failure::from(refusal);
                before.add(
                    Mark::Missing,
                    format!("{zh}：{}", failure.sentence(crate::ui::Lang::Zh)),
                    format!("{en}: {}", failure.text),
                );
            }
        }
        let soon = Time::from_unix_seconds(deadline.as_unix_seconds() + SOON_DAYS * 86_400);
        if certificate.not_after() < soon {
            before.add(
                Mark::Note,
                format!("{zh}在开标后 {SOON_DAYS} 天内到期；换发后的新密钥打不开已密封的文件，请留好份额备份"),
                format!("{en} ends within {SOON_DAYS} days of the opening; a renewed key does not open what is sealed now: keep the backup of the leaf"),
            );
        }
    }
}

fn kind(certificate: &Certificate, usage: Usage) -> Option<(String, String)> {
    let uses = certificate.key_usage()?;
    let (fits, zh, en) = match usage {
        Usage::BidEncryption => (uses.encrypts(), "不是加密证书", "not for encryption"),
        _ => (
            uses.signs() || uses.signs_digitally(),
            "不是签名证书",
            "not for signing",
        ),
    };
    (!fits).then(|| (zh.to_owned(), en.to_owned()))
}

/// It must last until the bidders' window after the deadline is over.
fn expiry(bundle: &Bundle, certificate: &Certificate, deadline: Time) -> Option<(String, String)> {
    let window = bundle
        .replay
        .state
        .notice()
        .map_or(0, |(_, notice)| notice.window_ms);
    let opening = deadline.as_unix_nanos() + i128::from(window) * 1_000_000;
    let (from, until) = (certificate.not_before(), certificate.not_after());
    if from > clock::now() {
        return Some((
            format!("{from} 起才有效"),
            format!("valid only from {from}"),
        ));
    }
    (until.as_unix_nanos() <= opening).then(|| {
        (
            format!("{until} 到期，早于开标；请先换发证书再密封"),
            format!("ends {until}, before the opening: renew it, then seal"),
        )
    })
}
