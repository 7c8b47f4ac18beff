//! The record of a stand-alone draw: everything that anyone needs to recompute who sits.

use mifeng_crypto::{Curve, Digest, Point, Suite, jcs};
use serde::{Deserialize, Serialize};

use super::{Avoided, Candidate, Declined, Request, seats};
use crate::board::BoardRecord;
use crate::draw::{Draw, Outcome, Pool, Row};
use crate::share::{Share, ShareRecord, decode_hex};
use crate::vrf;
use crate::{Board, Error, Result};

/// Bytes of a record in canonical form: a pool of 65,536 candidates with their employers.
pub const MAX_BYTES: usize = 64 << 20;

/// Whose answers make the seeds. Exactly one member is set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Authority {
    /// A board of trustees.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub board: Option<BoardRecord>,
    /// The P-256 key of a single authority, compressed, lower-case hex.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
}

impl Authority {
    /// A board of trustees.
    #[must_use]
    pub fn of_board(board: &Board) -> Self {
        Authority {
            board: Some(board.to_record()),
            key: None,
        }
    }

    /// A single authority's P-256 key.
    #[must_use]
    pub fn of_key(public: &Point) -> Self {
        Authority {
            board: None,
            key: Some(hex::encode(public.to_bytes())),
        }
    }

    /// Its digest, which people compare: `H(jcs(authority))`.
    ///
    /// # Errors
    /// Never for values that exist; the signature follows the serialiser.
    pub fn digest(&self, suite: &Suite) -> Result<Digest> {
        Ok(suite.hash().digest(&jcs::to_vec(self)?))
    }

    fn read(&self) -> Result<Answering> {
        match (&self.board, &self.key) {
            (Some(board), None) => Ok(Answering::Board(Box::new(Board::from_record(board)?))),
            (None, Some(key)) => {
                let mut bytes = [0; 33];
                decode_hex(key, &mut bytes)?;
                Ok(Answering::Key(Point::from_bytes(Curve::P256, &bytes)?))
            }
            _ => Err(Error::Panel {
                what: "either a board or a key answers",
            }),
        }
    }
}

/// An authority that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Answering {
    Board(Box<Board>),
    Key(Point),
}

/// One draw of a record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DrawRecord {
    /// The draw.
    pub draw_id: Digest,
    /// Number of the draw.
    pub n: u32,
    /// Everyone drawn, in order: the chosen, then the alternates.
    pub order: Vec<String>,
    /// The frozen pool.
    pub pool: PoolRecord,
    /// The single authority's proof, lower-case hex; empty with a board.
    pub proof: String,
    /// The seed.
    pub seed: Digest,
    /// The trustees' answers; empty with a single authority.
    pub shares: Vec<ShareRecord>,
    /// The suite.
    pub suite: String,
    /// What the draw is bound to: [`request_digest`].
    pub tender_event: Digest,
    /// The random value that the seed is made from: the board's point, or the proof's output; lower-case hex.
    pub value: String,
}

/// A pool as it stands in a record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PoolRecord {
    /// The rows, sorted by id.
    pub rows: Vec<Row>,
    /// Specialty code.
    pub specialty: String,
    /// Format version, 1.
    pub v: u8,
}

/// Who sits for a specialty.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Seated {
    /// The candidates, in the order of their seats.
    pub ids: Vec<String>,
    /// Specialty code.
    pub specialty: String,
}

/// The record of a panel (spec/draw.md).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PanelRecord {
    /// Whose answers make the seeds.
    pub authority: Authority,
    /// Candidates left out, and why.
    pub avoided: Vec<Avoided>,
    /// The whole list that was drawn from, sorted by id.
    pub candidates: Vec<Candidate>,
    /// Who declined, and why.
    pub declined: Vec<Declined>,
    /// One draw for each specialty.
    pub draws: Vec<DrawRecord>,
    /// What was asked for.
    pub request: Request,
    /// Who sits.
    pub seats: Vec<Seated>,
    /// Suite id.
    pub suite: String,
    /// Format version, 1.
    pub v: u8,
}

/// What the draws of a request are bound to:
/// `H_tag("draw-request", jcs(request), jcs(candidates), jcs(authority))`, so that neither avoidance nor the list can be
/// changed afterwards, nor who answers: else keys could be made until one answers as somebody likes.
///
/// # Errors
/// Never for values that exist; the signature follows the serialiser.
pub fn request_digest(
    suite: &Suite,
    request: &Request,
    candidates: &[Candidate],
    authority: &Authority,
) -> Result<Digest> {
    let (request, candidates) = (jcs::to_vec(request)?, jcs::to_vec(&candidates)?);
    let authority = jcs::to_vec(authority)?;
    Ok(suite.h_tag("draw-request", &[&request, &candidates, &authority]))
}

/// A request with its frozen pools and whose answers will count: what is published before anybody answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frozen {
    suite: &'static Suite,
    authority: Authority,
    answering: Answering,
    request: Request,
    candidates: Vec<Candidate>,
    avoided: Vec<Avoided>,
    event: Digest,
    draws: Vec<Draw>,
}

impl Frozen {
    /// Applies the rules and freezes the pools.
    ///
    /// # Errors
    /// As [`Request::pools`]; [`Error::Panel`] for an authority that is neither a board nor a key.
    pub fn new(
        suite: &'static Suite,
        authority: Authority,
        request: Request,
        mut candidates: Vec<Candidate>,
    ) -> Result<Self> {
        let answering = authority.read()?;
        candidates.sort_by(|a, b| a.id.as_bytes().cmp(b.id.as_bytes()));
        let made = request.pools(&candidates)?;
        let event = request_digest(suite, &request, &candidates, &authority)?;
        let draws = made
            .pools
            .into_iter()
            .map(|pool| Draw::new(suite, &event, pool, request.n))
            .collect::<Result<_>>()?;
        Ok(Self {
            suite,
            authority,
            answering,
            request,
            candidates,
            avoided: made.avoided,
            event,
            draws,
        })
    }

    /// The digest that names request, list, pools and authority: written down by a witness before the answers.
    pub fn digest(&self) -> Digest {
        self.event
    }

    /// Whose answers count.
    pub fn authority(&self) -> &Authority {
        &self.authority
    }

    /// The draws, in the request's order.
    pub fn draws(&self) -> &[Draw] {
        &self.draws
    }

    /// Who was left out, and why.
    pub fn avoided(&self) -> &[Avoided] {
        &self.avoided
    }

    /// The record with a single authority's proofs, one for each draw.
    ///
    /// # Errors
    /// [`Error::VrfProof`]; [`Error::Panel`] if a board is to answer; those of [`seats`].
    pub fn with_key(self, proofs: &[Vec<u8>], declined: Vec<Declined>) -> Result<PanelRecord> {
        let Answering::Key(public) = &self.answering else {
            return Err(Error::Panel {
                what: "a board answers",
            });
        };
        let mut outcomes = Vec::new();
        for ((draw, proof), places) in self.draws.iter().zip(proofs).zip(self.places()) {
            let outcome = draw.outcome_alone(public, proof, places)?;
            let beta = vrf::verify(public, draw.id().as_bytes(), proof)?;
            outcomes.push((outcome, beta.to_string(), hex::encode(proof), Vec::new()));
        }
        self.record(outcomes, declined)
    }

    /// The record with the trustees' answers, a list for each draw.
    ///
    /// # Errors
    /// Names the trustee whose answer is wrong; [`Error::Panel`] if a key is to answer; those of [`seats`].
    pub fn with_board(self, shares: &[Vec<Share>], declined: Vec<Declined>) -> Result<PanelRecord> {
        let Answering::Board(board) = &self.answering else {
            return Err(Error::Panel {
                what: "a single key answers",
            });
        };
        let mut outcomes = Vec::new();
        for ((draw, shares), places) in self.draws.iter().zip(shares).zip(self.places()) {
            let outcome = draw.combine(board, shares, places)?;
            let value = hex::encode(draw.value(board, shares)?.to_bytes());
            let mut shares: Vec<ShareRecord> = shares.iter().map(Share::to_record).collect();
            shares.sort_by_key(|share| share.index);
            outcomes.push((outcome, value, String::new(), shares));
        }
        self.record(outcomes, declined)
    }

    fn places(&self) -> Vec<usize> {
        let rows = self.request.seats.iter();
        // Both are limited far below 2^31 by `Request::check`.
        rows.map(|row| (row.seats + row.alternates) as usize)
            .collect()
    }

    fn record(
        self,
        outcomes: Vec<(Outcome, String, String, Vec<ShareRecord>)>,
        declined: Vec<Declined>,
    ) -> Result<PanelRecord> {
        if outcomes.len() != self.draws.len() {
            return Err(Error::Panel {
                what: "one answer for each specialty",
            });
        }
        let orders: Vec<Vec<String>> = outcomes.iter().map(|(o, ..)| o.order.clone()).collect();
        let sits = seats(&self.request, &orders, &declined)?;
        let draws = self.draws.iter().zip(outcomes).map(|(draw, made)| {
            let (outcome, value, proof, shares) = made;
            DrawRecord {
                draw_id: outcome.draw_id,
                n: self.request.n,
                order: outcome.order,
                pool: PoolRecord {
                    rows: draw.pool().rows().to_vec(),
                    specialty: draw.pool().specialty().to_owned(),
                    v: 1,
                },
                proof,
                seed: outcome.seed,
                shares,
                suite: self.suite.id().to_owned(),
                tender_event: self.event,
                value,
            }
        });
        let draws = draws.collect();
        let sits = self.request.seats.iter().zip(sits);
        let seats = sits.map(|(row, ids)| Seated {
            ids,
            specialty: row.specialty.clone(),
        });
        Ok(PanelRecord {
            authority: self.authority,
            avoided: self.avoided,
            candidates: self.candidates,
            declined,
            draws,
            seats: seats.collect(),
            request: self.request,
            suite: self.suite.id().to_owned(),
            v: 1,
        })
    }
}

impl PanelRecord {
    /// Reads the canonical form.
    ///
    /// # Errors
    /// For bytes that are not canonical, with unknown members, or too many.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let record: Self = jcs::from_slice(bytes, MAX_BYTES)?;
        if record.v != 1 {
            return Err(Error::Unsupported {
                what: "version of the draw's record",
            });
        }
        Ok(record)
    }

    /// The canonical bytes.
    ///
    /// # Errors
    /// Never for a record that exists; the signature follows the serialiser.
    pub fn to_jcs(&self) -> Result<Vec<u8>> {
        Ok(jcs::to_vec(self)?)
    }

    /// Recomputes everything from the request, the list and the answers. Whether the authority is the right one is
    /// settled by the digest that was published ([`Frozen::digest`]), which the caller compares.
    ///
    /// # Errors
    /// [`Error::DrawMismatch`] names what differs; the errors of [`Frozen`] for what is wrong in itself.
    pub fn check(&self) -> Result<()> {
        let suite = Suite::by_id(&self.suite)?;
        let (request, candidates) = (self.request.clone(), self.candidates.clone());
        let frozen = Frozen::new(suite, self.authority.clone(), request, candidates)?;
        if self.draws.len() != frozen.draws.len() {
            return Err(Error::Panel {
                what: "one answer for each specialty",
            });
        }
        let declined = self.declined.clone();
        let again = match &frozen.answering {
            Answering::Board(_) => {
                let shares = self.draws.iter().map(|draw| {
                    let read = |record| Share::from_record(suite.curve(), record);
                    draw.shares.iter().map(read).collect::<Result<Vec<_>>>()
                });
                let shares = shares.collect::<Result<Vec<_>>>()?;
                frozen.with_board(&shares, declined)?
            }
            Answering::Key(_) => {
                let proofs = self.draws.iter().map(|draw| {
                    let mut proof = [0; vrf::PROOF_BYTES];
                    decode_hex(&draw.proof, &mut proof)?;
                    Ok(proof.to_vec())
                });
                let proofs = proofs.collect::<Result<Vec<_>>>()?;
                frozen.with_key(&proofs, declined)?
            }
        };
        self.same_as(&again)
    }

    fn same_as(&self, again: &Self) -> Result<()> {
        let what = if self.candidates != again.candidates {
            "order of the list"
        } else if self.avoided != again.avoided {
            "who avoids"
        } else if self.draws.iter().ne(&again.draws) {
            "a draw"
        } else if self.seats != again.seats {
            "who sits"
        } else if self != again {
            "record"
        } else {
            return Ok(());
        };
        Err(Error::DrawMismatch { what })
    }
}

/// The pool of a record, checked.
impl TryFrom<&PoolRecord> for Pool {
    type Error = Error;

    fn try_from(record: &PoolRecord) -> Result<Self> {
        Self::parse(&jcs::to_vec(record)?)
    }
}
