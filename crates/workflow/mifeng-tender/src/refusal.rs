//! A rule's "no": a normal, coded outcome with the clause it rests on.

use core::fmt;

/// Why a record was not accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    rule: &'static Rule,
    detail: String,
}

/// One rule that can say no.
#[derive(Debug, PartialEq, Eq)]
pub struct Rule {
    /// Stable code.
    pub code: &'static str,
    /// The clause it rests on.
    pub clause: &'static str,
    /// What it says, in Chinese.
    pub zh: &'static str,
    /// What it says, in English.
    pub en: &'static str,
}

impl Refusal {
    pub(crate) fn new(rule: &'static Rule, detail: impl Into<String>) -> Self {
        Refusal {
            rule,
            detail: detail.into(),
        }
    }

    /// A refusal by `rule` from outside the state machine (the host's door, the trustee's program).
    pub fn by(rule: &'static Rule, detail: impl Into<String>) -> Self {
        Self::new(rule, detail)
    }

    /// The stable code.
    pub fn code(&self) -> &'static str {
        self.rule.code
    }

    /// The clause of law, tender document or protocol that the rule rests on.
    pub fn clause(&self) -> &'static str {
        self.rule.clause
    }

    /// The rule in Chinese.
    pub fn zh(&self) -> &'static str {
        self.rule.zh
    }

    /// The rule in English.
    pub fn en(&self) -> &'static str {
        self.rule.en
    }

    /// What was expected and what was found here.
    pub fn detail(&self) -> &str {
        &self.detail
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} ({}; {})",
            self.rule.en, self.rule.clause, self.rule.code
        )?;
        if !self.detail.is_empty() {
            write!(f, ": {}", self.detail)?;
        }
        Ok(())
    }
}

impl core::error::Error for Refusal {}

macro_rules! rules {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $clause:literal, $zh:literal, $en:literal;)*) => {
        $($(#[$doc])* pub static $name: Rule = Rule { code: $code, clause: $clause, zh: $zh, en: $en };)*
        /// Every rule that can refuse.
        pub static RULES: &[&Rule] = &[$(&$name),*];
    };
}

rules! {
    /// A bid, replacement or withdrawal at or after the deadline.
    LATE = "bid.late", "财政部令第87号 33条 / order 87 art. 33",
        "投标截止后送达，应当拒收", "received at or after the deadline and must be refused";
    /// A body after its time, whose record came before the deadline.
    BODY_LATE = "bid.body-late", "财政部令第87号 33条 / order 87 art. 33",
        "投标记录按时收到，投标文件正文逾期送达，应当拒收", "the record came in time, and its body after the time that the notice gives for it";
    /// The submission was closed before its deadline, or opened before the close.
    EARLY = "opening.early", "财政部令第87号 39条 / order 87 art. 39",
        "未到投标截止时间，不得截标、解密或开标", "the deadline has not passed: no closing, no release, no opening";
    /// A postponement that comes too late, or to no later instant.
    POSTPONED_LATE = "tender.postponed-late", "财政部令第87号 27条 / order 87 art. 27",
        "延期须在原投标截止时间之前作出，新截止时间须晚于原截止时间",
        "a deadline is postponed before it has come, and to a later one";
    /// An amendment after the deadline, or one that leaves too little time to those who make bids.
    AMEND_LATE = "tender.amend-late", "财政部令第87号 27条 / order 87 art. 27",
        "澄清或者修改须在投标截止之前作出；可能影响投标文件编制的，须留足法定时间，不足的应当顺延截止时间",
        "the tender document is amended before the deadline; what may affect how bids are made leaves the time that the law gives, or moves the deadline";
    /// A record for another log.
    WRONG_ORIGIN = "record.wrong-origin", "PROTOCOL 2.4(4)",
        "记录属于另一个项目的日志", "the record was made for another log";
    /// A record out of its stage.
    WRONG_STAGE = "record.wrong-stage", "PROTOCOL 4",
        "当前阶段不接受此类记录", "records of this type are not accepted in this stage";
    /// An unknown event type, or data that does not fit it.
    MALFORMED = "record.data", "spec/events.md",
        "记录内容不符合该事件的格式", "the data does not fit the event's schema";
    /// The signer may not do this.
    NOT_AUTHORISED = "record.not-authorised", "spec/events.md",
        "签名人无权办理此事项", "the signer may not do this";
    /// The actor's count does not go on by one.
    REPLAY = "record.replay", "PROTOCOL 4",
        "记录序号不连续（重放、遗漏或乱序）", "the actor's count does not continue: replayed, missing or reordered";
    /// No path to a root that the notice recognises.
    UNLISTED_CA = "cert.unlisted-ca", "电子签名法 16条 / ESL art. 16",
        "签发机构不在本项目认可的CA名单内", "the issuing CA is not on this tender's trust list";
    /// The certificate was revoked before.
    REVOKED = "cert.revoked", "电子签名法 13条 / ESL art. 13",
        "证书在签名前已被吊销", "the certificate was revoked before the signature";
    /// A CA that is on the trust list, but not for this usage, kind of certificate or time.
    NOT_RECOGNISED = "cert.not-recognised", "电子签名法 16条 / ESL art. 16",
        "名单认可该CA，但未认可此用途、证书类别或时间", "the CA is on the trust list, but not for this use, kind of certificate or time";
    /// The certificate is invalid at that time for another reason.
    BAD_CERTIFICATE = "cert.invalid", "RFC 5280 6.1",
        "证书在该时间无效或用途不符", "the certificate is not valid at that time or for that use";
    /// A trust list that breaks a rule or does not follow the one in use.
    BAD_TRUST_LIST = "trust.list-invalid", "spec/trust.md",
        "CA信任名单不合规则、签名无效或未接续现行版本", "the trust list breaks a rule, is not signed by an operator, or does not follow the one in use";
    /// An OCSP answer that cannot be taken.
    BAD_ANSWER = "trust.answer-invalid", "spec/events.md",
        "OCSP应答无法读取、签名人无权答复、未作有效答复，或不晚于已收下的应答",
        "the OCSP response cannot be read, is not signed by who may answer, says nothing, or is no newer than one that was taken";
    /// A sealed bid that is not one.
    BAD_SEAL = "bid.malformed", "财政部令第87号 33条 / order 87 art. 33",
        "未按要求密封", "not sealed as required";
    /// A sealed bid whose context names another bidder, tender or lot.
    COPIED = "bid.bound-elsewhere", "PROTOCOL 2.4(4)",
        "密封内容绑定于其他投标人、标段或项目", "the seal is bound to another bidder, lot or tender";
    /// The same seal or part of it twice.
    DUPLICATE = "bid.duplicate", "PROTOCOL 2.4(4)",
        "重复提交或复制了他人密文", "already submitted, or parts copied from another seal";
    /// A second bid for a lot without replacing the first.
    SECOND_BID = "bid.second", "财政部令第87号 34条 / order 87 art. 34",
        "该标段已有投标，请使用替换", "there is a bid for this lot already: replace it instead";
    /// A seal that this log does not hold, or that is not the signer's, or no longer counts.
    UNKNOWN_SEAL = "bid.unknown", "PROTOCOL 4",
        "日志中没有此密封投标，或其已撤回、被替换", "no such live bid in this log";
    /// The tender is suspended or cancelled.
    HALTED = "tender.halted", "政府采购法 36条 / PL art. 36",
        "项目已暂停或终止", "the tender is suspended or cancelled";
    /// The notice breaks a rule.
    BAD_NOTICE = "notice.unlawful", "spec/notice.md",
        "公告内容不合规则", "the notice breaks a rule";
    /// Board formation failed.
    BAD_BOARD = "board.formation", "PROTOCOL 1.2",
        "开标委员会密钥生成未通过校验", "the board's key generation does not verify";
    /// A trustee's share that does not verify.
    BAD_SHARE = "board.share-invalid", "PROTOCOL 1.3",
        "解密份额证明不成立", "the share's proof does not hold";
    /// A release before close or for a bid that must stay shut.
    SHARE_EARLY = "board.share-early", "PROTOCOL 1.3",
        "尚不满足释放条件", "the release rule is not met";
    /// Fewer shares than the quorum.
    QUORUM = "board.quorum-short", "PROTOCOL 1.3",
        "有效份额不足门限", "fewer valid shares than the quorum";
    /// A share, key or beacon for bids whose opening is over.
    DECIDED = "opening.decided", "PROTOCOL 2.3",
        "所涉投标均已有开标结果，不再接受份额、密钥份额或信标", "every bid that it is for has its outcome: no share, key or beacon is taken any more";
    /// A bid ended for want of shares while a board may still release.
    GIVEN_UP_EARLY = "opening.given-up-early", "PROTOCOL 2.3",
        "受托人释放时段未满，不得以份额不足结束投标", "the trustees' time to release is not over: no bid ends for want of shares yet";
    /// A question of the opening that comes when the evaluation has begun.
    OPENING_OVER = "opening.over", "财政部令第87号 42条 / order 87 art. 42",
        "评审已经开始，开标现场询问和回避申请应当场提出", "the evaluation has begun: at the opening one asks on the spot";
    /// A record of the evaluation while a question of the opening is open.
    OPENING_UNANSWERED = "opening.unanswered", "财政部令第87号 42条 / order 87 art. 42",
        "开标现场的询问或回避申请尚未处理，不得开始评审", "a question or request of the opening has no answer yet: no evaluation begins";
    /// More questions of one bidder than are taken.
    OPENING_TOO_MANY = "opening.too-many", "spec/events.md",
        "该投标人在开标现场提出的询问已达上限", "this bidder has asked as often as one may at an opening";
    /// An answer to what nobody asked at the opening, or a second one.
    OPENING_NOT_ASKED = "opening.not-asked", "财政部令第87号 42条 / order 87 art. 42",
        "开标现场没有这一询问，或其已有答复", "nobody asked this at the opening, or it has its answer";
    /// A result that does not follow from the records.
    NOT_RECOMPUTED = "result.differs", "PROTOCOL 5",
        "与依记录重算的结果不一致", "differs from what the records give when recomputed";
    /// An expert who was not drawn, or whose seat was declined.
    NOT_DRAWN = "expert.not-drawn", "财库〔2016〕198号 12条 / 198 art. 12",
        "该专家未被抽中", "the expert was not drawn";
    /// A score sheet outside its bands, incomplete, or a second one.
    BAD_SHEET = "score.invalid", "财政部令第87号 64条 / order 87 art. 64",
        "评分表不完整、超出分值或重复", "the sheet is incomplete, out of its bands, or a second one";
    /// Too few bidders to open.
    TOO_FEW = "opening.too-few", "财政部令第87号 41条 / order 87 art. 41",
        "投标人不足，不得开标", "too few bidders: the bids stay sealed";
    /// A check that does not judge exactly the bids that are due, or fails one without a reason.
    BAD_CHECK = "check.invalid", "财政部令第87号 44、50条 / order 87 art. 44, 50",
        "审查表未逐一覆盖应审投标，或不通过而无理由和依据", "not every bid that is due is judged, or one fails without reason and article";
    /// Too few bidders are left to go on.
    TOO_FEW_LEFT = "evaluation.too-few", "财政部令第87号 43、44条 / order 87 art. 43, 44",
        "合格投标人不足，不得继续评审", "too few bidders are left to go on";
    /// A sheet without a commitment, or before everybody has committed.
    NOT_COMMITTED = "score.not-committed", "财政部令第87号 62条 / order 87 art. 62",
        "尚未全部封存评分表，不得揭示", "sheets are revealed together: not every expert has committed";
    /// A sheet that is not the one committed to.
    COMMITMENT_DIFFERS = "score.commitment-differs", "财政部令第87号 62条 / order 87 art. 62",
        "揭示的评分表与封存的承诺值不一致", "the sheet is not the one that was committed to";
    /// A seat whose link is lost.
    FROZEN = "seat.frozen", "RULES 10.1",
        "该席位连线中断，已冻结", "the link to this seat is lost and the seat is frozen";
    /// A seat that its supervisor has not cosigned.
    SEAT_NOT_OPEN = "seat.not-open", "RULES 10.1",
        "该席位尚未经现场监督人共签开启", "the seat was not opened, or not cosigned by the site's supervisor";
    /// An answer to a question that was not asked.
    NOT_ASKED = "clarify.not-asked", "财政部令第87号 51条 / order 87 art. 51",
        "评标委员会未提出此问题，不接受主动说明", "nobody asked: explanations of a bidder's own motion are not taken";
    /// An answer after its time, or too little time for it.
    ANSWER_LATE = "clarify.late", "财政部令第87号 51、60条 / order 87 art. 51, 60",
        "超过答复时限，或给予的答复时间不足", "after the time for the answer, or too little time was given";
    /// An answer that changes the price.
    ANSWER_PRICE = "clarify.price-changed", "财政部令第87号 51条 / order 87 art. 51",
        "澄清不得改变投标报价", "an answer does not change the price";
    /// An abnormally low price without its review.
    REVIEW_OPEN = "review.open", "财政部令第87号 60条 / order 87 art. 60",
        "异常低价审查尚未完成", "the review of an abnormally low price is not finished";
    /// A price that only the committee can decide, undecided.
    PRICE_UNDECIDED = "price.undecided", "财政部令第87号 59条 / order 87 art. 59",
        "报价存在多种读法，评标委员会尚未决定", "several readings of a price are possible and the committee has not decided";
    /// A corrected price that was not put to its bidder, or whose time to confirm it runs.
    PRICE_UNCONFIRMED = "price.unconfirmed", "财政部令第87号 59条 / order 87 art. 59",
        "修正后的报价尚未交投标人确认，或确认期限未满", "a corrected price was not put to its bidder, or the time to confirm it is not over";
    /// A final offer at or after its deadline.
    OFFER_LATE = "offer.late", "财政部令第74号 33条 / order 74 art. 33",
        "最后报价截止后送达，应当拒收", "the final offer came at or after its deadline and must be refused";
    /// A final offer of someone who is not, or no longer, in the procedure.
    NOT_INVITED = "offer.not-invited", "财政部令第74号 33条 / order 74 art. 33",
        "该供应商未受邀提交最后报价或已退出", "not invited to a final offer, or has left";
    /// Equal firsts and no draw.
    TIE_OPEN = "tie.open", "财政部令第87号 57、68条 / order 87 art. 57, 68",
        "得分且报价并列，尚未抽签", "equal bids and no draw yet";
    /// An award before the report is signed.
    REPORT_UNSIGNED = "report.unsigned", "财政部令第87号 58、61条 / order 87 art. 58, 61",
        "评审报告尚未形成或签署人数不足", "the evaluation report is not made, or not signed by the majority";
    /// A record that starts a period, dated before it came in.
    BACKDATED = "record.backdated", "政府采购法 35条、财政部令第87号 60条 / PL art. 35, order 87 art. 60",
        "起算期限的记录不得倒签日期", "a record that starts a period is dated before it came in";
    /// A contract stamped out of order: the supplier first, then the buyer, then filing and publication.
    CONTRACT_ORDER = "contract.order", "沂财采〔2023〕7号 附件2 / Yishui 2023-7 annex 2",
        "合同签章顺序不符：供应商先签章，采购人后签章，之后备案、公开", "out of order: the supplier stamps first, then the buyer; then it is filed and published";
    /// A seal that does not bind, is not in force, is on another document or is not this party's.
    CONTRACT_SEAL = "contract.seal", "沂财采〔2023〕7号 附件2 / Yishui 2023-7 annex 2",
        "合同须加盖本方有效的单位公章或合同专用章", "the contract needs a unit seal or contract seal of this party, in force and over this very contract";
    /// Another text than the other party stamped, or another price than the award's.
    CONTRACT_TEXT = "contract.text", "政府采购法 46条 / PL art. 46",
        "双方签章的不是同一份合同，或价款与中标通知书不同", "the parties stamped different texts, or the price is not the award's";
}
