//! Procedures as data: one row for each 采购方式, every number with the article it rests on.

use mifeng_score::Method;
use mifeng_score::pack::Pack;
use serde::{Deserialize, Serialize};

/// Which procedure a tender follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Procedure {
    /// 公开招标.
    Open,
    /// 邀请招标.
    Invited,
    /// 竞争性谈判.
    Negotiation,
    /// 竞争性磋商.
    Consultation,
    /// 询价.
    Inquiry,
    /// 单一来源.
    SingleSource,
    /// 框架协议, first stage.
    Framework,
    /// 工程建设项目招标, under the law of tendering.
    Works,
}

/// Which of the two bodies of law (they do not mix).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Regime {
    /// Government procurement: order 87, order 74, 214, order 110.
    Procurement,
    /// The law of tendering: construction works.
    Tendering,
}

/// Who makes a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Body {
    /// The buyer or its agency: one record.
    Buyer,
    /// The committee: a record of every seat, the majority decides (87 art. 61).
    Committee,
}

/// The least time for answering a notice, or for taking account of a change of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Response {
    /// Days.
    pub days: u8,
    /// Working days, counted by the legal calendar.
    pub working: bool,
    /// Article.
    pub article: &'static str,
}

/// A number of the law: the pinned pack's, where it knows the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Count {
    /// Id of the pack's entry; empty for a number that no pack has.
    pub key: &'static str,
    /// The number where the pack does not say it.
    pub number: u32,
}

impl Count {
    const fn of(key: &'static str, number: u32) -> Self {
        Self { key, number }
    }

    /// The number under a pack.
    pub fn under(self, pack: &Pack) -> u32 {
        let known = pack.number(self.key).and_then(|number| number.whole());
        known
            .and_then(|number| u32::try_from(number).ok())
            .unwrap_or(self.number)
    }
}

/// From which budget on a purchase needs the larger committee.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Large {
    /// From this number of yuan on.
    Yuan(Count),
    /// From the threshold on above which tenders are public, in yuan: each province sets its own, so
    /// it is the pack's entry with this id, or what the notice states.
    Threshold(&'static str),
    /// There is only one size.
    Never,
}

/// The least committee.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Panel {
    /// Fewest members.
    pub members: Count,
    /// Fewest members of a large purchase.
    pub members_large: Count,
    /// Which purchases are large.
    pub large: Large,
    /// Article.
    pub article: &'static str,
}

/// What the law says of one procedure.
#[derive(Debug, PartialEq, Eq)]
pub struct Profile {
    /// Which.
    pub procedure: Procedure,
    /// Name in Chinese.
    pub zh: &'static str,
    /// Name in English.
    pub en: &'static str,
    /// Body of law.
    pub regime: Regime,
    /// Who checks qualification, and the article.
    pub qualifies: (Body, &'static str),
    /// Fewest bidders, and the article.
    pub bidders: (u32, &'static str),
    /// Fewest bidders where the rules name an exception (and the notice its ground), and the article.
    pub bidders_excused: (u32, &'static str),
    /// Least time from notice to deadline.
    pub response: Response,
    /// Least time from a clarification or change that may affect how bids are made to the deadline; none where the law gives
    /// none.
    pub corrections: Option<Response>,
    /// The committee; none where experienced staff negotiate.
    pub panel: Option<Panel>,
    /// Whether final offers are called for after the first ones, as sealed bids with an own deadline.
    pub final_offers: bool,
    /// Whether prices are read out at the opening.
    pub read_out: bool,
    /// How the winner may be found. A method belongs to its procedure: another one would bring the
    /// bands, brand rule and order of another law with it.
    pub methods: &'static [Method],
    /// Several suppliers are taken into a list instead of one winner.
    pub listed: bool,
    /// The article on the report's contents.
    pub report: &'static str,
    /// The articles on how bids and lots end.
    pub endings: Endings,
}

/// The articles on which the end of a bid or lot rests.
#[derive(Debug, PartialEq, Eq)]
pub struct Endings {
    /// Too few bids came, or could be opened.
    pub few_bids: &'static str,
    /// Too few are qualified.
    pub few_qualified: &'static str,
    /// Too few are left after the check of conformity, or later.
    pub few_left: &'static str,
    /// A supplier gave no final offer, or too few did; empty without a round of offers.
    pub offers: &'static str,
    /// A corrected price was not confirmed, or cannot be read.
    pub price: &'static str,
}

const TENDER_PANEL: Option<Panel> = Some(Panel {
    members: Count::of("committee.seats.least", 5),
    members_large: Count::of("committee.seats.large.least", 7),
    large: Large::Yuan(Count::of("committee.large.budget", 10_000_000)),
    article: "87 art. 47",
});

/// A group for negotiation or inquiry (74 art. 7).
const GROUP_PANEL: Option<Panel> = Some(Panel {
    members: Count::of("committee.group.seats.least", 3),
    members_large: Count::of("committee.group.seats.large.least", 5),
    large: Large::Threshold("committee.group.large.budget"),
    article: "74 art. 7",
});

const TENDER_ENDINGS: Endings = Endings {
    few_bids: "87 art. 41, 43",
    few_qualified: "87 art. 44",
    few_left: "87 art. 43, 50; PL art. 36",
    offers: "",
    price: "87 art. 59",
};

const TWENTY_DAYS: Response = Response {
    days: 20,
    working: false,
    article: "PL art. 35",
};

/// 至少15日前 (Reg art. 31; 87 art. 27).
const FIFTEEN_DAYS: Response = Response {
    days: 15,
    working: false,
    article: "Reg art. 31; 87 art. 27",
};

const OPEN: Profile = Profile {
    procedure: Procedure::Open,
    zh: "公开招标",
    en: "open tender",
    regime: Regime::Procurement,
    qualifies: (Body::Buyer, "87 art. 44"),
    bidders: (3, "87 art. 43, 44"),
    bidders_excused: (3, "87 art. 43"),
    response: TWENTY_DAYS,
    corrections: Some(FIFTEEN_DAYS),
    panel: TENDER_PANEL,
    final_offers: false,
    read_out: true,
    methods: &[Method::Lowest, Method::Composite],
    listed: false,
    report: "87 art. 58",
    endings: TENDER_ENDINGS,
};

/// The table (RULES section 1).
pub static PROFILES: [Profile; 8] = [
    OPEN,
    Profile {
        procedure: Procedure::Invited,
        zh: "邀请招标",
        en: "invited tender",
        bidders: (3, "87 art. 14, 43"),
        ..OPEN
    },
    Profile {
        procedure: Procedure::Negotiation,
        zh: "竞争性谈判",
        en: "competitive negotiation",
        regime: Regime::Procurement,
        qualifies: (Body::Committee, "74 art. 8"),
        bidders: (3, "PL art. 38"),
        bidders_excused: (2, "74 art. 27"),
        response: Response {
            days: 3,
            working: true,
            article: "74 art. 29",
        },
        corrections: Some(Response {
            days: 3,
            working: true,
            article: "74 art. 29",
        }),
        panel: GROUP_PANEL,
        final_offers: true,
        read_out: false,
        methods: &[Method::Negotiation],
        listed: false,
        report: "74 art. 17",
        endings: Endings {
            few_bids: "PL art. 38; 74 art. 37",
            few_qualified: "74 art. 8, 37",
            few_left: "74 art. 37",
            offers: "74 art. 33, 37",
            price: "74 art. 16",
        },
    },
    Profile {
        procedure: Procedure::Consultation,
        zh: "竞争性磋商",
        en: "competitive consultation",
        regime: Regime::Procurement,
        qualifies: (Body::Committee, "214 art. 16"),
        bidders: (3, "214 art. 21"),
        bidders_excused: (2, "214 art. 21; 财库〔2015〕124号"),
        response: Response {
            days: 10,
            working: false,
            article: "214 art. 10",
        },
        corrections: Some(Response {
            days: 5,
            working: false,
            article: "214 art. 10",
        }),
        panel: Some(Panel {
            members: Count::of("committee.group.seats.least", 3),
            members_large: Count::of("committee.group.seats.least", 3),
            large: Large::Never,
            article: "214 art. 14",
        }),
        final_offers: true,
        read_out: false,
        methods: &[Method::Consultation],
        listed: false,
        report: "214 art. 26",
        endings: Endings {
            few_bids: "214 art. 34",
            few_qualified: "214 art. 16, 34",
            few_left: "214 art. 34",
            offers: "214 art. 21, 34",
            price: "214 art. 18",
        },
    },
    Profile {
        procedure: Procedure::Inquiry,
        zh: "询价",
        en: "inquiry",
        regime: Regime::Procurement,
        qualifies: (Body::Committee, "74 art. 8"),
        bidders: (3, "PL art. 40"),
        bidders_excused: (3, "PL art. 40"),
        response: Response {
            days: 3,
            working: true,
            article: "74 art. 45",
        },
        corrections: Some(Response {
            days: 3,
            working: true,
            article: "74 art. 45",
        }),
        panel: GROUP_PANEL,
        final_offers: false,
        read_out: false,
        methods: &[Method::Inquiry],
        listed: false,
        report: "74 art. 17",
        endings: Endings {
            few_bids: "PL art. 40; 74 art. 50",
            few_qualified: "74 art. 8, 50",
            few_left: "74 art. 50",
            offers: "",
            price: "74 art. 16",
        },
    },
    Profile {
        procedure: Procedure::SingleSource,
        zh: "单一来源",
        en: "single source",
        regime: Regime::Procurement,
        qualifies: (Body::Buyer, "74 art. 41"),
        bidders: (1, "PL art. 31"),
        bidders_excused: (1, "PL art. 31"),
        response: Response {
            days: 5,
            working: true,
            article: "Reg art. 38; 74 art. 38",
        },
        corrections: None,
        panel: None,
        final_offers: true,
        read_out: false,
        methods: &[Method::SingleSource],
        listed: false,
        report: "74 art. 42",
        endings: Endings {
            few_bids: "74 art. 43",
            few_qualified: "74 art. 43",
            few_left: "74 art. 43",
            offers: "74 art. 41, 43",
            price: "74 art. 41",
        },
    },
    Profile {
        procedure: Procedure::Framework,
        zh: "框架协议",
        en: "framework agreement",
        regime: Regime::Procurement,
        qualifies: (Body::Buyer, "110 art. 25; 87 art. 44"),
        bidders: (2, "110 art. 27"),
        bidders_excused: (2, "110 art. 27"),
        response: Response {
            days: 20,
            working: false,
            article: "110 art. 25; PL art. 35",
        },
        corrections: Some(Response {
            days: 15,
            working: false,
            article: "110 art. 25; Reg art. 31; 87 art. 27",
        }),
        panel: TENDER_PANEL,
        final_offers: false,
        read_out: true,
        methods: &[Method::Framework],
        listed: true,
        report: "110 art. 25; 87 art. 58",
        endings: Endings {
            few_bids: "110 art. 25, 27",
            few_qualified: "110 art. 25; 87 art. 44",
            few_left: "110 art. 25, 27",
            offers: "",
            price: "110 art. 25; 87 art. 59",
        },
    },
    Profile {
        procedure: Procedure::Works,
        zh: "工程招标",
        en: "construction tender",
        regime: Regime::Tendering,
        qualifies: (Body::Committee, "TReg art. 20"),
        bidders: (3, "TL art. 28; TReg art. 44"),
        bidders_excused: (3, "TReg art. 44"),
        response: Response {
            days: 20,
            working: false,
            article: "TL art. 24",
        },
        corrections: Some(Response {
            days: 15,
            working: false,
            article: "TL art. 23; TReg art. 21",
        }),
        panel: Some(Panel {
            members: Count::of("committee.seats.least", 5),
            members_large: Count::of("committee.seats.least", 5),
            large: Large::Never,
            article: "TL art. 37",
        }),
        final_offers: false,
        read_out: true,
        methods: &[Method::WorksDeviation],
        listed: false,
        report: "TReg art. 53",
        endings: Endings {
            few_bids: "TL art. 28; TReg art. 44",
            few_qualified: "TReg art. 51",
            few_left: "TL art. 42",
            offers: "",
            price: "TReg art. 52",
        },
    },
];

impl Procedure {
    /// Its row of the table.
    pub fn profile(self) -> &'static Profile {
        // The table has a row for each, in the order of the variants: see the test.
        &PROFILES[self as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_procedure_has_its_row() {
        for (at, profile) in PROFILES.iter().enumerate() {
            assert_eq!(profile.procedure as usize, at);
            assert_eq!(profile.procedure.profile(), profile);
            assert!(profile.bidders_excused.0 <= profile.bidders.0);
            let committee = profile.panel.is_some();
            assert!(committee || profile.qualifies.0 == Body::Buyer);
            assert!(!profile.methods.is_empty());
            assert_eq!(profile.endings.offers.is_empty(), !profile.final_offers);
            // Government procurement and tendering do not mix.
            let regimes = profile.methods.iter().map(|method| method.regime());
            let works = profile.regime == Regime::Tendering;
            assert!(
                regimes
                    .into_iter()
                    .all(|r| (r == mifeng_score::pack::Regime::Tendering) == works)
            );
        }
    }
}
