//! The bidder's desk: what `mifeng bid seal` and `bid submit` do, inside the page.
//!
//! The tender comes from the host, and nothing of it is believed that its records do not prove: [`look`] replays the
//! bundle and tells what a seal would rely on, for the bidder to compare; [`seal`] replays it again. The formats, the
//! rules and the list of what is missing are those of the crate `mifeng`, as for the command.

use crate::audit::{Problem, Text, small_up_to, tar};
use crate::earlier::{self, Old, OldBid};
use crate::number::Known;
use crate::price;
use crate::slices::{Given, PageFile, ReadAt};
use crate::wallet::Wallet;
use mifeng::bidder::{self, Certificates, Content, Keys, Line, Mark, OwnCopy, What};
use mifeng::crypto::{Digest, Entropy, Time};
use mifeng::envelope::{
    Declarations, DetailLine, Field, FileSource, Opening, Progress, Sealed, draw_sigma,
    seal_with_sigma,
};
use mifeng::pki::trust::Usage;
use mifeng::pki::{Certificate, Decrypter, Signer};
use mifeng::tender::{BidReplace, Refusal, rules};
use mifeng::{Error, Replay, words};
use serde::{Deserialize, Serialize};
use std::io::{self, Write};
use std::sync::Arc;

/// Bytes of a file of unit prices.
const DETAIL_LEN_MAX: u64 = 4 << 20;

/// What a seal for this tender would rely on.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LookRequest {
    /// The bundle.
    pub tender: Given,
}

/// What is sealed, by whom, for which tender.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SealRequest {
    /// The bundle.
    pub tender: Given,
    /// Digest of the notice that [`look`] told and the bidder saw.
    pub notice: Digest,
    /// Key files and certificates.
    pub identity: Vec<Given>,
    /// The browser's clock.
    pub at: Time,
    /// Lot.
    pub lot: String,
    /// The files of the bid; their names are their paths in it.
    pub files: Vec<Given>,
    /// Price in digits.
    pub price: String,
    /// Price in words.
    pub price_cn: String,
    /// Declarations.
    pub declarations: Declarations,
    /// Further lines of the opening list.
    pub fields: Vec<Field>,
    /// Unit prices, JSON.
    pub detail: Option<Given>,
    /// A final offer for the round of its lot, not a bid.
    pub offer: bool,
    /// The bid that this one replaces.
    pub old: Option<OldBid>,
    /// The least number of the record in the bidder's own count: the page's memory.
    pub number: u64,
}

/// A certificate or key by its digest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Named {
    /// What it is of.
    pub name: String,
    /// The digest.
    pub digest: Digest,
    /// In eight words.
    pub words: Text,
}

impl Named {
    pub(crate) fn new(name: String, digest: Digest) -> Self {
        let words = (
            words::fingerprint(&digest, true),
            words::fingerprint(&digest, false),
        );
        let words = words.into();
        Named {
            name,
            digest,
            words,
        }
    }
}

/// A lot of the notice.
#[derive(Clone, Debug, Serialize)]
pub struct LotShown {
    /// Its id.
    pub id: String,
    /// Its title.
    pub title: Text,
}

impl LotShown {
    pub(crate) fn of(lot: &mifeng::tender::Lot) -> Self {
        LotShown {
            id: lot.id.clone(),
            title: (lot.title.zh.clone(), lot.title.en.clone()).into(),
        }
    }
}

/// A round of final offers that is not closed.
#[derive(Clone, Debug, Serialize)]
pub struct RoundShown {
    /// Its lot.
    pub lot: LotShown,
    /// Final offers are received before this.
    pub deadline: Time,
}

/// What the records of a tender prove, as far as a seal relies on it.
#[derive(Clone, Debug, Serialize)]
pub struct Tender {
    /// Number of the tender.
    pub tender: String,
    /// Title.
    pub title: Text,
    /// The log's name.
    pub origin: String,
    /// Suite.
    pub suite: String,
    /// Bids are received before this.
    pub deadline: Time,
    /// Who can open.
    pub policy: Text,
    /// Its lots.
    pub lots: Vec<LotShown>,
    /// Rounds of final offers.
    pub rounds: Vec<RoundShown>,
    /// The record of the notice, or of its last change.
    pub notice: Named,
    /// Keys of the boards that hold the bids shut.
    pub boards: Vec<Named>,
    /// Roots that are recognised, and the trust list that names them.
    pub roots: Vec<Named>,
    /// Log entries, and the root over them.
    pub size: u64,
}

/// The answer of [`look`].
#[derive(Clone, Debug, Serialize)]
#[must_use]
pub struct Looked {
    /// What was found.
    pub tender: Option<Tender>,
    /// Why nothing was.
    pub problem: Option<Problem>,
}

/// A line of what was looked at before the work.
#[derive(Clone, Debug, Serialize)]
pub struct Shown {
    /// `good`, `note` or `missing`.
    pub mark: &'static str,
    /// In words.
    pub text: Text,
}

/// What the bidder keeps, and the record to send.
#[derive(Serialize)]
pub struct Kept {
    /// `*.rec`: the signed record.
    pub record: String,
    /// `*.own`: for `mifeng bid check`.
    pub own: String,
    /// `*.leaf`: opens the own leaf if the key is lost.
    pub leaf: Option<String>,
    /// The file of the identity folder that keeps the count, and what it must say now.
    pub count: (String, String),
    /// The next number.
    pub next: u64,
    /// The lot that it is sealed for.
    pub lot: String,
    /// The price that is sealed, in digits.
    pub price: String,
    /// The same in words.
    pub price_cn: String,
    /// Id of the seal.
    pub seal: Named,
    /// Root over the ciphertext.
    pub root: Digest,
    /// Bytes of the ciphertext.
    pub body_len: u64,
    /// Who signed.
    pub signer: String,
    /// Id of the seal that the record replaces.
    pub replaced: Option<Named>,
    /// Whether the own leaf was opened for a trial.
    pub tried: bool,
}

/// The answer of [`seal`].
#[derive(Serialize)]
#[must_use]
pub struct Done {
    /// What was looked at.
    pub lines: Vec<Shown>,
    /// What was made.
    pub kept: Option<Kept>,
    /// Why nothing was.
    pub problem: Option<Problem>,
}

impl Done {
    /// The sealed file could not be kept: nothing is kept then.
    #[cfg_attr(not(feature = "desk"), allow(dead_code))]
    pub(crate) fn lose(&mut self, e: &io::Error) {
        let text = e.to_string();
        self.kept = None;
        self.problem = Some(Problem {
            file: String::new(),
            code: "system.unavailable".to_owned(),
            text: (text.clone(), text).into(),
        });
    }
}

/// Reads and replays a bundle: every signature and every rule is checked before anything is told.
pub fn look(request: &LookRequest, from: &Arc<dyn ReadAt>) -> Looked {
    let told = replayed(&request.tender, from)
        .and_then(|replay| tender(&replay))
        .map_err(|e| Problem::of(&request.tender, &e));
    match told {
        Ok(tender) => Looked {
            tender: Some(tender),
            problem: None,
        },
        Err(problem) => Looked {
            tender: None,
            problem: Some(in_chinese(problem, "项目记录未通过核验")),
        },
    }
}

pub(crate) fn replayed(bundle: &Given, from: &Arc<dyn ReadAt>) -> Result<Replay, Error> {
    Replay::of(&tar(bundle, from)?)
}

fn tender(replay: &Replay) -> Result<Tender, Error> {
    let state = &replay.state;
    let none = || Error::Malformed {
        what: "tender",
        detail: "there is no notice yet".to_owned(),
    };
    let (event, notice) = state.notice().ok_or_else(none)?;
    let alg = replay.suite().hash();
    let root = |one: &mifeng::pki::Certificate| {
        let digest = one.fingerprint(alg);
        let is_trusted = notice.trust.is_empty() || notice.trust.contains(&digest);
        is_trusted.then(|| Named::new(one.subject_name(), digest))
    };
    let mut roots: Vec<Named> = replay.roots.iter().filter_map(root).collect();
    if let Some(list) = notice.trust_list {
        roots.push(Named::new("信任列表 / trust list".to_owned(), list));
    }
    let board = |board: &&mifeng::lock::Board| {
        let (threshold, members) = (board.threshold(), board.members());
        Named::new(format!("{threshold}/{members}"), board.key())
    };
    let round = |lot: &mifeng::tender::Lot| {
        let round = state.round(&lot.id).filter(|round| !round.closed)?;
        Some(RoundShown {
            lot: LotShown::of(lot),
            deadline: round.deadline,
        })
    };
    Ok(Tender {
        tender: notice.tender.clone(),
        title: (notice.title.zh.clone(), notice.title.en.clone()).into(),
        origin: state.origin().to_owned(),
        suite: replay.suite().id().to_owned(),
        deadline: notice.deadline,
        policy: crate::policy::in_words(&notice.policy, &state.boards()),
        lots: notice.lots.iter().map(LotShown::of).collect(),
        rounds: notice.lots.iter().filter_map(round).collect(),
        notice: Named::new(notice.tender.clone(), *event),
        boards: state.boards().iter().map(board).collect(),
        roots,
        size: replay.entries.len() as u64,
    })
}

/// Seals a bid, writes the file to `out`, and signs the record that brings it.
pub fn seal(
    request: &SealRequest,
    pin: &[u8],
    from: &Arc<dyn ReadAt>,
    entropy: &mut dyn Entropy,
    out: &mut dyn Write,
    progress: &mut dyn FnMut(Progress),
) -> Done {
    let mut lines = Vec::new();
    let kept = Job { request, from }.run(pin, &mut lines, entropy, out, progress);
    let (kept, problem) = match kept {
        Ok(kept) => (Some(kept), None),
        Err(problem) => (None, Some(in_chinese(problem, "未能密封"))),
    };
    Done {
        lines: lines.into_iter().map(shown).collect(),
        kept,
        problem,
    }
}

fn shown(line: Line) -> Shown {
    Shown {
        mark: match line.mark {
            Mark::Good => "good",
            Mark::Note | Mark::Doubt => "note",
            Mark::Missing => "missing",
        },
        text: (line.zh, line.en).into(),
    }
}

/// Errors that are for programmers speak English only: then at least what failed is said.
pub(crate) fn in_chinese(mut problem: Problem, what: &str) -> Problem {
    if problem.text.zh == problem.text.en {
        let what = match &*problem.code {
            "pki.passphrase" => "口令不对，或密钥文件已损坏",
            "crypto.entropy" => "浏览器没有可用的随机数",
            _ => what,
        };
        problem.text.zh = format!("{what}：{}", problem.text.en);
    }
    problem
}

struct Job<'a> {
    request: &'a SealRequest,
    from: &'a Arc<dyn ReadAt>,
}

impl Job<'_> {
    fn run(
        &self,
        pin: &[u8],
        lines: &mut Vec<Line>,
        entropy: &mut dyn Entropy,
        out: &mut dyn Write,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Kept, Problem> {
        let request = self.request;
        let own = |e: &Error| Problem::of(&request.tender, e);
        let replay = replayed(&request.tender, self.from).map_err(|e| own(&e))?;
        self.same_notice(&replay)?;
        if request.offer {
            price::one_amount(&request.price, &request.price_cn)?;
        }
        let old = self.old(&replay)?;
        let wallet = Wallet::open(&request.identity, pin, self.from)?;
        let of_keys = |e: Error| Problem::about("", &e);
        let trust = replay.trust();
        let knows = |usage| {
            let (state, trust, at) = (&replay.state, &trust, request.at);
            move |one: &Certificate, chain: &[Certificate]| {
                state.organisation(one, chain, usage, at, trust).is_ok()
            }
        };
        let signs = knows(Usage::BidSigning);
        // Who replaces a bid signs as whoever brought it, who gives a final offer as whoever is invited.
        let fits = |one: &Certificate, chain: &[Certificate]| {
            signs(one, chain)
                && old.as_ref().is_none_or(|old| old.is_of(&replay, one))
                && self.invited(&replay, one).is_ok()
        };
        let signer = wallet.signer(&fits).map_err(of_keys)?;
        let decrypter = wallet.decrypter(&knows(Usage::BidEncryption));
        let decrypter = decrypter.map_err(of_keys)?;
        drop(wallet);
        if let Some(old) = &old {
            old.own(&replay, signer.certificate())?;
        }
        let invited = self.invited(&replay, signer.certificate());
        invited.map_err(of_keys)?;
        let detail = self.detail()?;
        let files = self.files();
        let certificates = Certificates {
            signing: Ok(signer.certificate().clone()),
            encryption: Ok(decrypter.certificate().clone()),
            chain: signer.chain(),
        };
        let content = self.content(&files, detail.clone());
        *lines = bidder::look(&replay, self.what(), &content, &certificates, request.at);
        if let Some(missing) = lines.iter().find(|line| line.mark == Mark::Missing) {
            return Err(Problem {
                file: String::new(),
                code: "bid.incomplete".to_owned(),
                text: (missing.zh.clone(), missing.en.clone()).into(),
            });
        }
        let known = Known {
            identity: &request.identity,
            page: request.number,
            earlier: old.as_ref().map(|old| &old.record),
            at: request.at,
        };
        let number = known.next(&replay, &signer, self.from)?;
        let old = old.map(|old| old.seal.id());
        let keys = Keys {
            signer: &signer,
            encryption: decrypter.certificate(),
        };
        let made = || -> Result<Kept, Error> {
            let nonce = bidder::nonce(entropy)?;
            let (own, sealed) = bidder::with_inputs(
                &replay,
                self.what(),
                content,
                keys,
                request.at,
                nonce,
                |inputs| {
                    let sigma = draw_sigma(inputs, entropy)?;
                    let own = OwnCopy::new(inputs, &sigma, entropy)?;
                    Ok((own, seal_with_sigma(inputs, &sigma, out, progress)?))
                },
            )?;
            let seal = match self.what() {
                What::Bid => replay.state.verify_seal(&sealed.record),
                What::Offer => replay.state.verify_offer(&request.lot, &sealed.record),
            }?;
            let tried = bidder::try_own_leaf(&seal, &sealed, &decrypter)?;
            let record = self.sign(&replay, (&signer, number), &sealed, old, entropy)?;
            Ok(Kept {
                record,
                own: own.to_file()?,
                leaf: bidder::backup_file(&sealed).map(|text| text.to_string()),
                count: (bidder::count_file(&replay), format!("{}\n", number + 1)),
                next: number + 1,
                lot: request.lot.clone(),
                price: request.price.clone(),
                price_cn: request.price_cn.clone(),
                seal: Named::new(request.lot.clone(), seal.id()),
                root: seal.root(),
                body_len: seal.body_len(),
                signer: signer.certificate().subject_name(),
                replaced: old.map(|old| Named::new(request.lot.clone(), old)),
                tried,
            })
        };
        made().map_err(|e| self.explain(&e))
    }

    /// Between looking and sealing the notice must not have changed under the bidder's eyes.
    fn same_notice(&self, replay: &Replay) -> Result<(), Problem> {
        match replay.state.notice() {
            Some((event, _)) if *event == self.request.notice => Ok(()),
            _ => Err(Problem {
                file: self.request.tender.name.clone(),
                code: "desk.notice-changed".to_owned(),
                text: (
                    "公告与核对时不同，请重新核对".to_owned(),
                    "the notice is not the one that was looked at: look again".to_owned(),
                )
                    .into(),
            }),
        }
    }

    fn explain(&self, e: &Error) -> Problem {
        let file = match e {
            Error::Envelope(mifeng::envelope::Error::FileChanged { index }) => {
                self.request.files.get(*index).map(|file| &*file.name)
            }
            _ => None,
        };
        Problem::about(file.unwrap_or_default(), e)
    }

    fn files(&self) -> Vec<PageFile> {
        let files = self.request.files.iter();
        files.map(|given| PageFile::new(given, self.from)).collect()
    }

    fn detail(&self) -> Result<Vec<DetailLine>, Problem> {
        let Some(file) = &self.request.detail else {
            return Ok(Vec::new());
        };
        small_up_to(file, self.from, DETAIL_LEN_MAX, |bytes| {
            serde_json::from_slice(bytes).map_err(|e| Error::Malformed {
                what: "unit prices",
                detail: e.to_string(),
            })
        })
    }

    fn content<'a>(&'a self, files: &'a [PageFile], detail: Vec<DetailLine>) -> Content<'a> {
        let source = |file: &'a PageFile| Box::new(file) as Box<dyn FileSource + 'a>;
        Content {
            lot: &self.request.lot,
            files: files.iter().map(source).collect(),
            opening: Opening {
                currency: "CNY".to_owned(),
                fields: self.request.fields.clone(),
                price: self.request.price.clone(),
                price_cn: self.request.price_cn.clone(),
            },
            declarations: self.request.declarations.clone(),
            detail,
        }
    }

    /// The bid that is replaced.
    fn old(&self, replay: &Replay) -> Result<Option<Old>, Problem> {
        let Some(bid) = &self.request.old else {
            return Ok(None);
        };
        if self.request.offer {
            let once = Refusal::by(&rules::SECOND_BID, "a final offer is given once");
            return Err(Problem::about("", &once.into()));
        }
        let old = Old::shown(replay, bid, self.from)?;
        old.in_lot(&self.request.lot)?;
        Ok(Some(old))
    }

    fn what(&self) -> What {
        match self.request.offer {
            true => What::Offer,
            false => What::Bid,
        }
    }

    /// Nobody seals a final offer who is not invited, who left, or who gave one; the host would refuse it.
    fn invited(&self, replay: &Replay, certificate: &Certificate) -> Result<(), Error> {
        let (lot, state) = (&self.request.lot, &replay.state);
        // Without a round the list of what is missing says so.
        let Some(round) = state.round(lot).filter(|_| self.request.offer) else {
            return Ok(());
        };
        let own = certificate.fingerprint(replay.suite().hash());
        let mut first = round.invited.iter().filter(|seal| {
            let bid = state.bids().get(*seal);
            bid.is_some_and(|bid| bid.seal.context().bidder_cert == own)
        });
        match first.next() {
            _ if round.closed => {
                let why = format!("deadline {}", round.deadline);
                Err(Refusal::by(&rules::OFFER_LATE, why).into())
            }
            Some(seal) if round.awaits(seal) => Ok(()),
            Some(seal) if round.offers.contains_key(seal) => {
                let once = Refusal::by(&rules::SECOND_BID, "a final offer is given once");
                Err(once.into())
            }
            _ => {
                let name = certificate.subject_name();
                Err(Refusal::by(&rules::NOT_INVITED, name).into())
            }
        }
    }

    /// The record.
    fn sign(
        &self,
        replay: &Replay,
        (signer, number): (&dyn Signer, u64),
        sealed: &Sealed,
        old: Option<Digest>,
        entropy: &mut dyn Entropy,
    ) -> Result<String, Error> {
        let when = (number, self.request.at);
        let state = &replay.state;
        let seal = bidder::submission(&sealed.record);
        let signed = match old {
            _ if self.request.offer => {
                let offer = bidder::offer(&self.request.lot, &sealed.record);
                mifeng::sign_numbered(state, "offer.submit", &offer, signer, when, entropy)
            }
            None => mifeng::sign_numbered(state, "bid.submit", &seal, signer, when, entropy),
            Some(old) => {
                let seal = BidReplace {
                    old,
                    seal: seal.seal,
                };
                mifeng::sign_numbered(state, "bid.replace", &seal, signer, when, entropy)
            }
        }?;
        earlier::text(&signed)
    }
}
