//! Where a dossier holds personal data, and what a public export does with it: the one list.

/// One kind of personal data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Personal {
    /// Where it stands: files or record types.
    pub place: &'static str,
    /// Whether an export leaves it out, with the hash in its place.
    pub withheld: bool,
    /// What it is and why, in Chinese.
    pub zh: &'static str,
    /// What it is and why, in English.
    pub en: &'static str,
}

const fn withheld(place: &'static str, zh: &'static str, en: &'static str) -> Personal {
    Personal {
        place,
        withheld: true,
        zh,
        en,
    }
}

const fn stays(place: &'static str, zh: &'static str, en: &'static str) -> Personal {
    Personal {
        withheld: false,
        ..withheld(place, zh, en)
    }
}

/// Everything in a dossier that may name a person (spec/dossier.md). A person's telephone number or
/// number of an identity card is a member of no record.
pub const PERSONAL: &[Personal] = &[
    withheld(
        "seal/",
        "密封投标：联系人、法定代表人、人员及其证件等，以及投标人的商业秘密",
        "sealed bids: contacts, representatives, staff and their papers, and what bidders keep secret",
    ),
    withheld(
        "sig/",
        "评审专家的签名：其证书载有姓名；席位只留证书摘要",
        "signatures of the experts: their certificates have the names; seats keep the certificate's hash",
    ),
    stays(
        "sig/",
        "平台、代理机构、采购人、受托人、监督人与投标人的证书：以职务或单位行事，缺之不能核对签名",
        "certificates of host, agency, buyer, trustees, supervisors and bidders: who act in office or for a firm; without them no signature can be checked",
    ),
    stays(
        "bid.open, opening.minutes",
        "开标时已公开宣读的内容",
        "what was read out in public at the opening",
    ),
    stays(
        "check, clarify.ask, clarify.answer, price.decide, seat.*, report",
        "审查、澄清、理由、说明等文字：写者不得写入个人信息",
        "texts of findings, questions, answers, reasons and remarks: whoever writes them must not put personal data there",
    ),
    stays(
        "docs/",
        "采购文件：已随公告公开，含其中的联系人",
        "the tender document, public since the notice, with the contacts in it",
    ),
];
