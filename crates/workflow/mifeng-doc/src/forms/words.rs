//! Dates, amounts and states as Chinese papers write them.

use mifeng_crypto::{Digest, Time};
use mifeng_record::amount;
use mifeng_score::Method;
use mifeng_tender::{BidStatus, Fate};

pub(super) fn date(time: Time) -> String {
    let (year, month, day, ..) = time.china_fields();
    format!("{year}年{month}月{day}日")
}

pub(super) fn instant(time: Time) -> String {
    let (.., hour, minute, second) = time.china_fields();
    format!("{}{hour:02}时{minute:02}分{second:02}秒", date(time))
}

/// `¥1,234,567.00`.
pub(super) fn figures(price: &str) -> String {
    let (whole, rest) = price.split_once('.').unwrap_or((price, "00"));
    let mut out = String::new();
    for (sign, n) in whole.chars().zip((1..=whole.len()).rev()) {
        out.push(sign);
        if n > 1 && n % 3 == 1 && sign.is_ascii_digit() {
            out.push(',');
        }
    }
    format!("¥{out}.{rest}")
}

/// 壹佰贰拾叁万元整.
pub(super) fn in_words(price: &str) -> String {
    amount::printed(price).map_or_else(|_| String::new(), amount::format)
}

pub(super) fn short(digest: &Digest) -> String {
    digest.to_string().chars().take(16).collect()
}

pub(super) fn status(status: BidStatus) -> &'static str {
    match status {
        BidStatus::Opened => "已开标",
        BidStatus::Remedied => "补救后开标",
        BidStatus::RevokedBidderCause => "视为撤销",
        BidStatus::WithdrawnOtherCause => "视为撤回",
        BidStatus::WithdrawnBeforeDeadline => "截止前撤回",
        BidStatus::Replaced => "已被替换",
        BidStatus::NotOpened => "未予开标",
        BidStatus::RefusedLate => "逾期送达，拒收",
        BidStatus::RefusedUnsealed => "未按要求密封，拒收",
    }
}

pub(super) fn fate(fate: Fate) -> &'static str {
    match fate {
        Fate::Ranked => "进入排名",
        Fate::NotOpened => "未开标",
        Fate::Unqualified => "资格审查不合格",
        Fate::NotConforming => "符合性审查不合格",
        Fate::NoFinalOffer => "未提交有效的最后报价",
        Fate::PriceUnconfirmed => "报价无法确定或修正未确认",
        Fate::LowPrice => "异常低价不能说明合理性",
        Fate::Invalid => "报价不符合评审规则",
        Fate::SameBrand => "同品牌中未获推荐",
        Fate::LotFailed => "本标段未产生中标人",
    }
}

/// Whether offers get points; else the price alone ranks them.
pub(super) fn has_points(method: Method) -> bool {
    !matches!(
        method,
        Method::Lowest | Method::Negotiation | Method::Inquiry | Method::SingleSource
    )
}

pub(super) fn method(method: Method) -> &'static str {
    match method {
        Method::Composite => "综合评分法",
        Method::Lowest => "最低评标价法",
        Method::Negotiation => "竞争性谈判（最低最后报价）",
        Method::Inquiry => "询价（最低报价）",
        Method::Consultation => "竞争性磋商（综合评分）",
        Method::SingleSource => "单一来源协商",
        Method::Framework => "框架协议入围",
        Method::WorksDeviation => "评标基准价法",
    }
}
