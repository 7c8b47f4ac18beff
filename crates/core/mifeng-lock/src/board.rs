//! The public side of a board: threshold, key and the trustees' share keys; and a trustee's secret share.

use mifeng_crypto::{Digest, KnownPoint, Point, Scalar, Suite};
use serde::{Deserialize, Serialize};

use crate::share::{decode_hex, lagrange};
use crate::{Error, Result};

/// Members of one board: quorums above this are impractical in a hearing, and every check stays small.
pub const MAX_MEMBERS: u8 = 15;

/// The public values of one board key. Holding one means that they belong together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Board {
    suite: &'static Suite,
    threshold: u8,
    public: KnownPoint,
    share_keys: Vec<KnownPoint>,
    key: Digest,
    holding: Digest,
}

impl Board {
    /// Checks that `public` and `share_keys` lie on one polynomial of degree `threshold - 1`.
    ///
    /// # Errors
    /// [`Error::Board`] or [`Error::Limit`].
    pub fn new(
        suite: &'static Suite,
        threshold: u8,
        public: Point,
        share_keys: Vec<Point>,
    ) -> Result<Self> {
        let n = member_count(share_keys.len())?;
        if threshold == 0 || threshold > n {
            return Err(Error::Board {
                what: "threshold must be 1..=n",
            });
        }
        let curve = suite.curve();
        let mut all = Vec::with_capacity(share_keys.len() + 1);
        all.push(public.clone());
        all.extend(share_keys.iter().cloned());
        if all
            .iter()
            .any(|point| point.curve() != curve || point.is_identity())
        {
            return Err(Error::Board {
                what: "points must be on the suite's curve and not the identity",
            });
        }
        let known: Vec<u8> = (0..threshold).collect();
        for at in threshold..=n {
            let weights = lagrange(curve, &known, at)?;
            let terms: Vec<(&Scalar, &Point)> = weights.iter().zip(&all).collect();
            if Point::lincomb_vartime(&terms) != all[usize::from(at)] {
                return Err(Error::Board {
                    what: "share keys do not belong to one key",
                });
            }
        }
        let encoded: Vec<[u8; 33]> = all.iter().map(Point::to_bytes).collect();
        let mut parts: Vec<&[u8]> = vec![suite.id().as_bytes()];
        let header = [threshold, n];
        parts.push(&header);
        parts.extend(encoded.iter().map(<[u8; 33]>::as_slice));
        let key = suite.h_tag("board", &parts);
        Ok(Self {
            suite,
            threshold,
            public: KnownPoint::new(public),
            share_keys: share_keys.into_iter().map(KnownPoint::new).collect(),
            key,
            holding: key,
        })
    }

    /// The same key in new hands: only a resharing makes one ([`crate::dkg::Reshare`]).
    pub(crate) fn handed_on(&self, threshold: u8, share_keys: Vec<Point>) -> Result<Self> {
        let mut next = Self::new(self.suite, threshold, self.public().clone(), share_keys)?;
        next.key = self.key;
        Ok(next)
    }

    /// The suite of the key.
    pub fn suite(&self) -> &'static Suite {
        self.suite
    }

    /// How many trustees open.
    pub fn threshold(&self) -> u8 {
        self.threshold
    }

    /// How many trustees there are.
    pub fn members(&self) -> u8 {
        // Checked against MAX_MEMBERS when the board was made.
        u8::try_from(self.share_keys.len()).unwrap_or(MAX_MEMBERS)
    }

    /// The key `Y` bids are sealed to.
    pub fn public(&self) -> &Point {
        &self.public
    }

    pub(crate) fn known_public(&self) -> &KnownPoint {
        &self.public
    }

    /// `Y_i` of trustee `index`.
    ///
    /// # Errors
    /// [`Error::ShareIndex`].
    pub fn share_key(&self, index: u8) -> Result<&Point> {
        Ok(self.known_share_key(index)?)
    }

    pub(crate) fn known_share_key(&self, index: u8) -> Result<&KnownPoint> {
        usize::from(index)
            .checked_sub(1)
            .and_then(|position| self.share_keys.get(position))
            .ok_or(Error::ShareIndex {
                index,
                n: self.members(),
            })
    }

    /// The digest that names this board in policies:
    /// `H_tag("board", suite id, u8 t ‖ u8 n, Y, Y_1, …, Y_n)`.
    pub fn key(&self) -> Digest {
        self.key
    }

    /// The digest that names who holds the key now: [`Board::key`] until the shares are handed on, then the same
    /// formula over the new threshold and share keys.
    pub fn holding(&self) -> Digest {
        self.holding
    }

    /// The JSON form, for records. Of a board that was handed on it says the key and its holders, not its name.
    pub fn to_record(&self) -> BoardRecord {
        BoardRecord {
            suite: self.suite.id().to_owned(),
            t: self.threshold,
            y: hex::encode(self.public.to_bytes()),
            shares: self
                .share_keys
                .iter()
                .map(|y| hex::encode(y.to_bytes()))
                .collect(),
            v: 1,
        }
    }

    /// Reads the JSON form, with every check of [`Board::new`].
    ///
    /// # Errors
    /// As [`Board::new`]; also for encodings, versions and suites that are unknown.
    pub fn from_record(record: &BoardRecord) -> Result<Self> {
        if record.v != 1 {
            return Err(Error::Unsupported {
                what: "board version",
            });
        }
        let suite = Suite::by_id(&record.suite)?;
        member_count(record.shares.len())?;
        let point = |text: &str| {
            let mut bytes = [0; 33];
            decode_hex(text, &mut bytes)?;
            Ok(Point::from_bytes(suite.curve(), &bytes)?)
        };
        let share_keys = record
            .shares
            .iter()
            .map(|text| point(text))
            .collect::<Result<Vec<_>>>()?;
        Self::new(suite, record.t, point(&record.y)?, share_keys)
    }
}

/// The JSON form of a [`Board`]: `{"shares":[hex…],"suite":id,"t":t,"v":1,"y":hex}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BoardRecord {
    /// `Y_1 … Y_n`, compressed, lower-case hex.
    pub shares: Vec<String>,
    /// Suite id.
    pub suite: String,
    /// Threshold.
    pub t: u8,
    /// Format version, 1.
    pub v: u8,
    /// `Y`, compressed, lower-case hex.
    pub y: String,
}

fn member_count(found: usize) -> Result<u8> {
    match u8::try_from(found) {
        Ok(n) if n <= MAX_MEMBERS => Ok(n),
        _ => Err(Error::Limit {
            what: "board members",
            limit: MAX_MEMBERS.into(),
            found,
        }),
    }
}

/// What a trustee must keep secret: `x_i`. Recomputed from the transcript and the static key when needed.
pub struct SecretShare {
    index: u8,
    x: Scalar,
    board: Digest,
    holding: Digest,
}

impl SecretShare {
    pub(crate) fn new(board: &Board, index: u8, x: Scalar) -> Result<Self> {
        if Point::mul_generator(&x) != *board.share_key(index)? {
            return Err(Error::Board {
                what: "secret share does not match the share key",
            });
        }
        Ok(Self {
            index,
            x,
            board: board.key(),
            holding: board.holding(),
        })
    }

    /// The trustee.
    pub fn index(&self) -> u8 {
        self.index
    }

    /// The board it belongs to.
    pub fn board_key(&self) -> Digest {
        self.board
    }

    /// Whether it is a share of this board as its key is held now.
    pub(crate) fn is_of(&self, board: &Board) -> bool {
        self.board == board.key && self.holding == board.holding
    }

    pub(crate) fn scalar(&self) -> &Scalar {
        &self.x
    }
}
