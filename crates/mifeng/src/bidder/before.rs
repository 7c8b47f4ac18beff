//! What is still missing, said before the key is asked for.

use super::{Content, What, sealed_against};
use crate::{Error, Replay};
use mifeng_crypto::{Digest, Time};
use mifeng_envelope::{FileEntry, Manifest, Opening, check_path};
use mifeng_pki::Certificate;
use mifeng_pki::trust::Usage;
use mifeng_record::amount;
use mifeng_score::Money;

/// Days after the opening in which a certificate that ends is worth a word.
const SOON_DAYS: i64 = 30;

/// The line of a price that is missing in digits, in Chinese and English.
pub const NO_PRICE: (&str, &str) = ("报价（数字）", "the price in digits");

/// The line of a price that is missing in words.
pub const NO_WORDS: (&str, &str) = ("报价大写", "the price in words");

/// How a thing stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// As it must be.
    Good,
    /// Sealing can go on; the bidder should know.
    Note,
    /// Sealing can go on once the bidder says so: the bid would not count as it was meant.
    Doubt,
    /// Sealing cannot go on.
    Missing,
}

/// One line of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// How it stands.
    pub mark: Mark,
    /// In Chinese.
    pub zh: String,
    /// In English.
    pub en: String,
}

/// The certificates that a bid is sealed with.
pub struct Certificates<'a> {
    /// Signs; or why it cannot be had, in Chinese and English.
    pub signing: Result<Certificate, (String, String)>,
    /// What is sealed to the bidder itself is sealed to this; or why it cannot be had.
    pub encryption: Result<Certificate, (String, String)>,
    /// What stands above both.
    pub chain: &'a [Certificate],
}

/// The list of what was looked at.
#[derive(Default)]
struct Before {
    lines: Vec<Line>,
}

impl Before {
    fn add(&mut self, mark: Mark, zh: impl Into<String>, en: impl Into<String>) {
        let (zh, en) = (zh.into(), en.into());
        self.lines.push(Line { mark, zh, en });
    }

    fn missing(&mut self, error: &Error, what: (&str, &str)) {
        let (zh, en) = error.in_words();
        let (zh, en) = (format!("{}{zh}", what.0), format!("{}{en}", what.1));
        self.add(Mark::Missing, zh, en);
    }
}

/// Looks at everything that needs no key.
pub fn look(
    tender: &Replay,
    what: What,
    content: &Content<'_>,
    certificates: &Certificates<'_>,
    now: Time,
) -> Vec<Line> {
    let mut before = Before::default();
    let deadline = match sealed_against(tender, what, content.lot) {
        Ok((_, deadline)) => deadline,
        Err(e) => {
            before.missing(&e, ("", ""));
            return before.lines;
        }
    };
    lot(&mut before, tender, content.lot, (deadline, now));
    asked(&mut before, tender);
    amended(&mut before, tender);
    files(&mut before, content);
    price(&mut before, tender, content);
    declarations(&mut before, tender, content);
    recognised(&mut before, tender, certificates, (deadline, now));
    before.lines
}

fn lot(before: &mut Before, tender: &Replay, lot: &str, (deadline, now): (Time, Time)) {
    let local = deadline.in_china();
    let left = (deadline.as_unix_nanos() - now.as_unix_nanos()) / 1_000_000_000;
    let tender = tender.state.notice().map(|(_, n)| n.tender.clone());
    let tender = tender.unwrap_or_default();
    if left <= 0 {
        before.add(
            Mark::Missing,
            format!("已过截止时间 {local}（北京时间）"),
            format!("the deadline {deadline} has passed"),
        );
        return;
    }
    let (hours, minutes) = (left / 3600, left / 60 % 60);
    before.add(
        Mark::Good,
        format!(
            "项目 {tender}，标段 {lot}，截止 {local}（北京时间，还有 {hours} 小时 {minutes} 分）"
        ),
        format!("tender {tender}, lot {lot}, deadline {deadline} ({hours} h {minutes} min left)"),
    );
}

/// Who seals has to come back after the deadline, where the policy needs its leaf.
fn asked(before: &mut Before, tender: &Replay) {
    let notice = tender.state.notice();
    if let Some((zh, en)) = notice.and_then(|(_, notice)| notice.asks_of_bidders()) {
        before.add(Mark::Note, zh, en);
    }
}

/// Who read the tender document before it was changed would bid for another one.
fn amended(before: &mut Before, tender: &Replay) {
    let all = tender.state.amendments();
    let Some(last) = all.last() else { return };
    let (count, at) = (all.len(), last.at);
    let (zh, en) = match all.iter().any(|one| one.affects) {
        true => (
            "，其中有可能影响投标文件编制的",
            ", in ways that may affect how bids are made",
        ),
        false => ("", ""),
    };
    before.add(
        Mark::Note,
        format!(
            "招标文件已澄清或者修改 {count} 次{zh}，最近一次 {}（北京时间）：请按更正后的文件编制",
            at.in_china()
        ),
        format!("the tender document was clarified or changed {count} times{en}, last at {at}: go by the files as they are now"),
    );
}

fn files(before: &mut Before, content: &Content<'_>) {
    if content.files.is_empty() {
        before.add(Mark::Missing, "没有投标文件", "there are no files");
        return;
    }
    let mut entries: Vec<FileEntry> = content
        .files
        .iter()
        .map(|file| FileEntry {
            hash: Digest::from_bytes([0; 32]),
            path: file.path().to_owned(),
            size: file.size(),
        })
        .collect();
    entries.sort_by(|a, b| a.path.as_bytes().cmp(b.path.as_bytes()));
    for file in entries.iter().filter(|file| file.size == 0) {
        before.add(
            Mark::Note,
            format!("文件 {} 是空的", file.path),
            format!("file {} is empty", file.path),
        );
    }
    for file in &entries {
        if let Err(e) = check_path(&file.path) {
            before.add(
                Mark::Missing,
                format!("文件名 {} 不可用：{e}", file.path),
                format!("file name {}: {e}", file.path),
            );
        }
    }
    let (count, bytes) = (
        entries.len(),
        entries
            .iter()
            .fold(0u64, |sum, f| sum.saturating_add(f.size)),
    );
    let manifest = Manifest {
        context: Digest::from_bytes([0; 32]),
        declarations: content.declarations.clone(),
        detail: content.detail.clone(),
        files: entries,
        // The price is looked at for itself.
        opening: Opening {
            fields: content.opening.fields.clone(),
            ..Opening::default()
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

fn price(before: &mut Before, tender: &Replay, content: &Content<'_>) {
    let (price, price_cn) = (&*content.opening.price, &*content.opening.price_cn);
    let wanted = [(price, NO_PRICE), (price_cn, NO_WORDS)];
    let mut missing = false;
    for (_, (zh, en)) in wanted.iter().filter(|(given, _)| given.is_empty()) {
        before.add(Mark::Missing, *zh, *en);
        missing = true;
    }
    if missing {
        return;
    }
    let digits = match Money::parse(price) {
        Ok(digits) => digits,
        Err(e) => {
            let (zh, en) = (
                format!("报价 {price:?} 不是金额：{e}"),
                format!("price {price:?}: {e}"),
            );
            before.add(Mark::Missing, zh, en);
            return;
        }
    };
    let words = match amount::parse(price_cn) {
        Ok(words) => words,
        Err(e) => {
            let (zh, en) = (
                format!("大写 {price_cn:?} 读不出金额：{e}"),
                format!("price in words {price_cn:?}: {e}"),
            );
            before.add(Mark::Missing, zh, en);
            return;
        }
    };
    let (fen, shown) = (words.fen(), yuan(words.fen()));
    if digits.fen() == fen {
        before.add(
            Mark::Good,
            format!("报价 {price} 元（{price_cn}）"),
            format!("price {price} CNY ({price_cn})"),
        );
    } else {
        before.add(
            Mark::Doubt,
            format!("大写与数字不一致：数字 {digits} 元，大写 {shown} 元；开标后以大写为准（87号令 59条）"),
            format!("words and digits differ: {digits} CNY in digits, {shown} CNY in words; the words will rule (order 87 art. 59)"),
        );
    }
    let notice = tender.state.notice();
    let rules = notice
        .and_then(|(_, notice)| notice.lot(content.lot))
        .map(|lot| &lot.rules);
    let ceiling = rules
        .filter(|rules| !rules.highest_wins)
        .and_then(|rules| rules.ceiling.as_ref().or(rules.budget.as_ref()))
        .and_then(|ceiling| Money::parse(ceiling).ok());
    if let Some(ceiling) = ceiling.filter(|ceiling| fen > ceiling.fen()) {
        before.add(
            Mark::Doubt,
            format!("报价 {shown} 元超过最高限价 {ceiling} 元，将被否决"),
            format!("the price of {shown} CNY is above the ceiling of {ceiling} CNY and will be rejected"),
        );
    }
}

/// Hundredths as yuan, in digits.
fn yuan(fen: i128) -> String {
    format!("{}.{:02}", fen / 100, fen % 100)
}

fn declarations(before: &mut Before, tender: &Replay, content: &Content<'_>) {
    let notice = tender.state.notice();
    let Some(lot) = notice.and_then(|(_, notice)| notice.lot(content.lot)) else {
        return;
    };
    let counts = |rate: &str| rate.bytes().any(|digit| matches!(digit, b'1'..=b'9'));
    let (rules, said) = (&lot.rules, &content.declarations);
    if rules.reserved && !said.sme {
        before.add(
            Mark::Note,
            "本标段专门面向中小企业，未作小微企业声明",
            "the lot is reserved for small and medium enterprises; not declared small",
        );
    } else if (counts(&rules.sme_rate) || counts(&rules.sme_bonus_rate)) && !said.sme {
        before.add(
            Mark::Note,
            format!("未声明小微企业：没有 {} 的价格扣除", rules.sme_rate),
            format!("not declared small: no deduction of {}", rules.sme_rate),
        );
    }
    if counts(&rules.domestic_rate) && !said.domestic {
        before.add(
            Mark::Note,
            format!("未声明本国产品：没有 {} 的价格扣除", rules.domestic_rate),
            format!(
                "not declared domestic: no deduction of {}",
                rules.domestic_rate
            ),
        );
    }
    if rules.same_brand == Some(true) && said.brand.is_none() {
        before.add(
            Mark::Note,
            "本标段同品牌只计一家，未写品牌",
            "bids of one brand count once in this lot; no brand given",
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
fn recognised(
    before: &mut Before,
    tender: &Replay,
    certificates: &Certificates<'_>,
    (deadline, now): (Time, Time),
) {
    let trust = tender.trust();
    let pairs = [
        (
            &certificates.signing,
            "签名证书",
            "signing certificate",
            Usage::BidSigning,
        ),
        (
            &certificates.encryption,
            "加密证书",
            "encryption certificate",
            Usage::BidEncryption,
        ),
    ];
    for (found, zh, en, usage) in pairs {
        let certificate = match found {
            Ok(certificate) => certificate,
            Err((why_zh, why_en)) => {
                let (zh, en) = (format!("{zh}：{why_zh}"), format!("{en}: {why_en}"));
                before.add(Mark::Missing, zh, en);
                continue;
            }
        };
        let fault =
            kind(certificate, usage).or_else(|| expiry(tender, certificate, (deadline, now)));
        if let Some((fault_zh, fault_en)) = fault {
            before.add(
                Mark::Missing,
                format!("{zh}：{fault_zh}"),
                format!("{en}: {fault_en}"),
            );
            continue;
        }
        let code = tender
            .state
            .organisation(certificate, certificates.chain, usage, now, &trust);
        match code {
            Ok(code) => before.add(
                Mark::Good,
                format!("{zh}：{code}，有效至 {}", certificate.not_after()),
                format!("{en}: {code}, valid until {}", certificate.not_after()),
            ),
            Err(refusal) => {
                let what = (format!("{zh}："), format!("{en}: "));
                before.missing(&refusal.into(), (&what.0, &what.1));
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
fn expiry(
    tender: &Replay,
    certificate: &Certificate,
    (deadline, now): (Time, Time),
) -> Option<(String, String)> {
    let window = tender
        .state
        .notice()
        .map_or(0, |(_, notice)| notice.window_ms);
    let opening = deadline.as_unix_nanos() + i128::from(window) * 1_000_000;
    let (from, until) = (certificate.not_before(), certificate.not_after());
    if from > now {
        return Some((
            format!("{}（北京时间）起才有效", from.in_china()),
            format!("valid only from {from}"),
        ));
    }
    (until.as_unix_nanos() <= opening).then(|| {
        (
            format!(
                "{}（北京时间）到期，早于开标；请先换发证书再密封",
                until.in_china()
            ),
            format!("ends {until}, before the opening: renew it, then seal"),
        )
    })
}
