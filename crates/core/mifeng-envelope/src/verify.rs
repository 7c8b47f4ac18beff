//! What anyone checks about a seal without any secret.

use crate::leaf::{
    Keys, clock_leaf_len, is_key_leaf_len, leaf_key, open_cert_leaf, open_clock_leaf, open_key_leaf,
};
use crate::proofs::{Proof, Unproven, prove_each};
use crate::record::{SealRecord, check_body_len};
use crate::root::BLOCK;
use crate::stream::read_root;
use crate::{Context, Error, Header, Result, SealedFile, context_digest, identity, leaf_label};
use mifeng_crypto::{Digest, HashAlg, Scalar, Suite};
use mifeng_lock::tlock::{Chain, VerifiedBeacon};
use mifeng_lock::{Board, Leaf, Policy, sharing, tdh2};
use mifeng_pki::{Certificate, Decrypter, cms};
use std::collections::BTreeSet;
use std::io::{Read, Seek, SeekFrom};

/// What a tender says about the seals it takes.
#[derive(Clone, Copy)]
pub struct Tender<'a> {
    /// The notice's suite.
    pub suite: &'static Suite,
    /// Leaf hash of the notice, or of its last amendment.
    pub event: Digest,
    /// The ids of its lots.
    pub lots: &'a [&'a str],
    /// The opening policy, with the bidder's place open.
    pub policy: &'a Policy,
    /// The boards that the policy names.
    pub boards: &'a [&'a Board],
}

/// A leaf closed to a board, its public proof checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupLeaf {
    /// Its path in the policy.
    pub path: String,
    /// L: what shares for it are bound to.
    pub label: Vec<u8>,
    /// What the trustees release shares for.
    pub ciphertext: tdh2::Ciphertext,
    /// The board's key digest.
    pub key: Digest,
}

/// A seal whose form, signature and binding to its tender have been checked. Whether the signer's
/// certificate chains to a recognised root is the caller's next question ([`VerifiedSeal::signer`]).
#[derive(Debug, Clone)]
pub struct VerifiedSeal {
    pub(crate) suite: &'static Suite,
    pub(crate) record: SealRecord,
    pub(crate) header: Header,
    pub(crate) c: Digest,
    id: Digest,
    root: Digest,
    body_len: u64,
    signer: Certificate,
    pub(crate) others: Vec<Certificate>,
    bidder_leaf: Option<String>,
    leaf_digests: Vec<Digest>,
    pub(crate) groups: Vec<GroupLeaf>,
    pub(crate) chains: Vec<Chain>,
}

impl SealRecord {
    /// Checks everything that needs no secret and no body (PROTOCOL 2.2, 3.2, V7).
    ///
    /// # Errors
    /// [`Error::Mismatch`] if the seal is for something else ([`Error::is_bound_elsewhere`]); the
    /// error of the part that is wrong otherwise.
    pub fn verify(&self, tender: &Tender<'_>) -> Result<VerifiedSeal> {
        self.verify_with(tender, &[], &cms::Seen::default())
    }

    /// As [`SealRecord::verify`] for a policy with clock leaves on chains other than quicknet, which is built in, and for one
    /// of many: certificates that were seen are not read again.
    ///
    /// # Errors
    /// As [`SealRecord::verify`].
    pub fn verify_with(
        &self,
        tender: &Tender<'_>,
        chains: &[&Chain],
        seen: &cms::Seen,
    ) -> Result<VerifiedSeal> {
        let mut each = Self::verify_each(&[self], tender, chains, seen).into_iter();
        let missing = Err(Error::Malformed { what: "seal" });
        each.next().unwrap_or(missing)
    }

    /// The same for many seals in this thread, their signatures and proofs side by side. The outcome of one does not depend
    /// on the others.
    pub fn verify_each(
        seals: &[&Self],
        tender: &Tender<'_>,
        chains: &[&Chain],
        seen: &cms::Seen,
    ) -> Vec<Result<VerifiedSeal>> {
        let bound: Vec<Result<Bound>> = seals.iter().map(|seal| seal.bound_to(tender)).collect();
        let good = seals.iter().zip(&bound).filter(|(_, bound)| bound.is_ok());
        let messages: Vec<_> = good
            .map(|(seal, _)| cms::Detached {
                message: &seal.cms,
                content: &seal.trailer,
            })
            .collect();
        let mut signed = cms::verify_each_detached(&messages, tender.suite, seen).into_iter();
        let each = seals.iter().zip(bound);
        let unproven: Vec<Result<Unproven<'_>>> = each
            .map(|(seal, bound)| {
                let bound = bound?;
                // One for each that is bound to the tender.
                let signed = signed.next().ok_or(Error::Malformed { what: "seal" })?;
                let verified = seal.signed_by(signed?, bound, tender.suite)?;
                Ok(verified.with_leaves(tender.boards, chains))
            })
            .collect();
        prove_each(unproven)
    }

    /// The form of the seal, and what it is for.
    fn bound_to(&self, tender: &Tender<'_>) -> Result<Bound> {
        let suite = tender.suite;
        let (header, trailer) = (self.parse_header()?, self.parse_trailer()?);
        if header.v != 1 || trailer.v != 1 || trailer.block != BLOCK as u64 {
            return Err(Error::Unsupported {
                what: "seal version",
            });
        }
        check_binding(&header.ctx, tender)?;
        let bidder_leaf = check_policy(&header.policy, tender.policy)?;
        let id = self.id(suite);
        if trailer.header != id {
            return Err(Error::Mismatch {
                what: "header digest in the trailer",
            });
        }
        check_body_len(trailer.body_len)?;
        Ok(Bound {
            header,
            id,
            bidder_leaf,
            root: trailer.root,
            body_len: trailer.body_len,
        })
    }

    fn signed_by(
        &self,
        signed: cms::Signed,
        bound: Bound,
        suite: &'static Suite,
    ) -> Result<VerifiedSeal> {
        let header = bound.header;
        let alg = suite.hash();
        if signed.certificate.fingerprint(alg) != header.ctx.bidder_cert {
            return Err(Error::Mismatch {
                what: "signer's certificate",
            });
        }
        if !identity::is_of(&signed.certificate, &header.ctx.bidder) {
            return Err(Error::Mismatch {
                what: "signer's organisation",
            });
        }
        let c = context_digest(suite, &header.ctx, &header.policy)?;
        Ok(VerifiedSeal {
            suite,
            record: self.clone(),
            c,
            id: bound.id,
            root: bound.root,
            body_len: bound.body_len,
            signer: signed.certificate,
            others: signed.chain,
            bidder_leaf: bound.bidder_leaf,
            leaf_digests: Vec::new(),
            groups: Vec::new(),
            chains: Vec::new(),
            header,
        })
    }
}

/// What a seal says, once it is for this tender.
struct Bound {
    header: Header,
    id: Digest,
    bidder_leaf: Option<String>,
    root: Digest,
    body_len: u64,
}

fn check_binding(ctx: &Context, tender: &Tender<'_>) -> Result<()> {
    ctx.check()?;
    let what = if ctx.suite != tender.suite.id() {
        "suite"
    } else if ctx.tender_event != tender.event {
        "tender event"
    } else if !tender.lots.contains(&ctx.lot.as_str()) {
        "lot"
    } else {
        return Ok(());
    };
    Err(Error::Mismatch { what })
}

/// The bid's policy must be the notice's with the bidder resolved; gives the bidder's leaf.
fn check_policy(found: &Policy, notice: &Policy) -> Result<Option<String>> {
    let wrong = Error::Mismatch {
        what: "opening policy",
    };
    let place = notice
        .leaves()
        .into_iter()
        .find(|(_, leaf)| *leaf == Leaf::Bidder);
    let Some((path, _)) = place else {
        return if found == notice {
            Ok(None)
        } else {
            Err(wrong)
        };
    };
    let leaf = found.leaves().into_iter().find(|(p, _)| *p == path);
    match leaf {
        Some((_, Leaf::Cert(digest))) if notice.resolve(digest) == *found => Ok(Some(path)),
        _ => Err(wrong),
    }
}

impl VerifiedSeal {
    fn with_leaves<'a>(mut self, boards: &[&'a Board], chains: &[&Chain]) -> Unproven<'a> {
        let mut proofs = Vec::new();
        let leaves = self.check_leaves(boards, chains, &mut proofs);
        Unproven {
            seal: self,
            proofs,
            leaves,
        }
    }

    fn check_leaves<'a>(
        &mut self,
        boards: &[&'a Board],
        chains: &[&Chain],
        proofs: &mut Vec<Proof<'a>>,
    ) -> Result<()> {
        let leaves = self.header.policy.leaves();
        if leaves.len() != self.header.leaves.len() {
            return Err(Error::Malformed {
                what: "leaves: not those of the policy",
            });
        }
        let keys = Keys {
            boards,
            certificates: &[],
            chains,
        };
        let mut seen = BTreeSet::new();
        for ((path, leaf), sealed) in leaves.iter().zip(&self.header.leaves) {
            if *path != sealed.path {
                return Err(Error::Malformed {
                    what: "leaves: not those of the policy",
                });
            }
            let ct = unhex(&sealed.ct)?;
            let digest = self.suite.hash().digest(&ct);
            if !seen.insert(digest) {
                return Err(Error::Malformed {
                    what: "leaves: one ciphertext twice",
                });
            }
            self.leaf_digests.push(digest);
            match leaf {
                Leaf::Group(key) => {
                    let label = leaf_label(&self.c, path, *leaf)?;
                    let board = boards.iter().find(|board| board.key() == *key);
                    proofs.push(Proof {
                        board: board.ok_or(Error::UnknownKey { what: "board" })?,
                        path: path.clone(),
                        label,
                        bytes: ct,
                    });
                }
                Leaf::Cert(digest) => {
                    let certificate = self.certificate(digest)?;
                    let own = self.bidder_leaf.as_deref() == Some(path);
                    if own && !identity::is_of(certificate, &self.header.ctx.bidder) {
                        return Err(Error::Mismatch {
                            what: "organisation of the encryption certificate",
                        });
                    }
                    leaf_key(self.suite, certificate)?;
                }
                Leaf::Reveal(key) => {
                    keys.board(key)?;
                    if !is_key_leaf_len(self.suite, ct.len()) {
                        return Err(Error::Malformed {
                            what: "leaf of a one-time key: length",
                        });
                    }
                }
                Leaf::Tlock { chain, .. } => {
                    // Its content cannot be judged before its round: that is what it is for.
                    let chain = keys.chain(chain)?.into_owned();
                    if ct.len() != clock_leaf_len(&chain) {
                        return Err(Error::Length {
                            what: "clock leaf",
                            expected: clock_leaf_len(&chain) as u64,
                            found: ct.len() as u64,
                        });
                    }
                    if !self.chains.contains(&chain) {
                        self.chains.push(chain);
                    }
                }
                Leaf::Bidder => {
                    return Err(Error::Malformed {
                        what: "policy: bidder not resolved",
                    });
                }
            }
        }
        Ok(())
    }

    fn certificate(&self, digest: &Digest) -> Result<&Certificate> {
        let alg = self.suite.hash();
        core::iter::once(&self.signer)
            .chain(&self.others)
            .find(|c| c.fingerprint(alg) == *digest)
            .ok_or(Error::UnknownKey {
                what: "certificate",
            })
    }

    /// The record it was verified from.
    pub fn record(&self) -> &SealRecord {
        &self.record
    }

    /// The suite.
    pub fn suite(&self) -> &'static Suite {
        self.suite
    }

    /// What it is for.
    pub fn context(&self) -> &Context {
        &self.header.ctx
    }

    /// C.
    pub fn context_digest(&self) -> Digest {
        self.c
    }

    /// The seal's id: `H_tag("header", header)`.
    pub fn id(&self) -> Digest {
        self.id
    }

    /// The root of the body.
    pub fn root(&self) -> Digest {
        self.root
    }

    /// Bytes of the body.
    pub fn body_len(&self) -> u64 {
        self.body_len
    }

    /// The policy, bidder resolved.
    pub fn policy(&self) -> &Policy {
        &self.header.policy
    }

    /// The signing certificate; its path is still to be verified.
    pub fn signer(&self) -> &Certificate {
        &self.signer
    }

    /// The other certificates that came with the outer signature.
    pub fn chain(&self) -> &[Certificate] {
        &self.others
    }

    /// The certificate that the bidder's leaf is sealed to; its path is still to be verified.
    pub fn encryption_certificate(&self) -> Option<&Certificate> {
        let path = self.bidder_leaf.as_deref()?;
        let (_, leaf) = self
            .policy()
            .leaves()
            .into_iter()
            .find(|(p, _)| p == path)?;
        match leaf {
            Leaf::Cert(digest) => self.certificate(&digest).ok(),
            _ => None,
        }
    }

    /// Suite hash of every leaf's ciphertext: no leaf may come twice in a tender.
    pub fn leaf_digests(&self) -> Vec<Digest> {
        self.leaf_digests.clone()
    }

    /// The path of the bidder's own leaf, if the policy has one.
    pub fn bidder_leaf_path(&self) -> Option<String> {
        self.bidder_leaf.clone()
    }

    /// The leaves that boards release shares for.
    pub fn group_leaves(&self) -> &[GroupLeaf] {
        &self.groups
    }

    /// The board leaf at `path`.
    pub fn group_leaf(&self, path: &str) -> Option<&GroupLeaf> {
        self.groups.iter().find(|leaf| leaf.path == path)
    }

    /// Opens the bidder's own leaf. Whether the share is right shows only when the header is
    /// rebuilt from all shares.
    ///
    /// # Errors
    /// [`Error::NotOurLeaf`], whatever the reason; what stopped a token comes as [`Error::Pki`].
    pub fn bidder_leaf_share(&self, decrypter: &dyn Decrypter) -> Result<sharing::Secret> {
        let path = self.bidder_leaf.as_deref().ok_or(Error::NotOurLeaf)?;
        let leaves = self.policy().leaves();
        let (at, leaf) = leaves
            .iter()
            .enumerate()
            .find_map(|(at, (p, leaf))| (p == path).then_some((at, *leaf)))
            .ok_or(Error::NotOurLeaf)?;
        let label = leaf_label(&self.c, path, leaf)?;
        let sealed = self.header.leaves.get(at).ok_or(Error::NotOurLeaf)?;
        open_cert_leaf(self.suite, &label, &unhex(&sealed.ct)?, decrypter)
    }

    /// The paths of the leaves sealed to a one-time key.
    pub fn key_leaves(&self, board: &Digest) -> Vec<String> {
        let leaves = self.policy().leaves().into_iter();
        leaves
            .filter(|(_, leaf)| *leaf == Leaf::Reveal(*board))
            .map(|(path, _)| path)
            .collect()
    }

    /// Opens the leaf at `path` with the revealed key of its board.
    ///
    /// # Errors
    /// [`Error::NotOurLeaf`] for a path without such a leaf; otherwise the bidder did not seal it by the rules.
    pub fn key_share(&self, path: &str, key: &Scalar) -> Result<sharing::Secret> {
        let leaves = self.policy().leaves();
        let mut sealed = leaves.iter().zip(&self.header.leaves);
        let found = sealed.find(|((p, _), _)| p == path);
        let Some(((_, leaf @ Leaf::Reveal(_)), sealed)) = found else {
            return Err(Error::NotOurLeaf);
        };
        let label = leaf_label(&self.c, path, *leaf)?;
        open_key_leaf(self.suite, key, &label, &unhex(&sealed.ct)?)
    }

    /// The clock leaves: path, chain hash and round.
    pub fn clock_leaves(&self) -> Vec<(String, Digest, u64)> {
        let leaves = self.policy().leaves().into_iter();
        leaves
            .filter_map(|(path, leaf)| match leaf {
                Leaf::Tlock { chain, round } => Some((path, chain, round)),
                _ => None,
            })
            .collect()
    }

    /// Opens the clock leaf at `path` with the beacon of its round.
    ///
    /// # Errors
    /// [`Error::NotOurLeaf`] for a path without a clock or a beacon of another chain or round; otherwise the bidder
    /// did not seal it by the rules.
    pub fn clock_share(&self, path: &str, beacon: &VerifiedBeacon) -> Result<sharing::Secret> {
        let leaves = self.policy().leaves();
        let mut sealed = leaves.iter().zip(&self.header.leaves);
        let ((_, leaf), sealed) = sealed
            .find(|((p, _), _)| p == path)
            .ok_or(Error::NotOurLeaf)?;
        let mut chains = self.chains.iter();
        let (Leaf::Tlock { chain, round }, Some(known)) =
            (*leaf, chains.find(|known| known.hash() == beacon.chain()))
        else {
            return Err(Error::NotOurLeaf);
        };
        if (chain, round) != (beacon.chain(), beacon.round()) {
            return Err(Error::NotOurLeaf);
        }
        let label = leaf_label(&self.c, path, *leaf)?;
        open_clock_leaf(self.suite, known, beacon, &label, &unhex(&sealed.ct)?)
    }

    pub(crate) fn all_certificates(&self) -> Vec<&Certificate> {
        core::iter::once(&self.signer).chain(&self.others).collect()
    }

    /// Whether a file with this record, and this much body under this root, is the file of this seal.
    pub(crate) fn check_measured(
        &self,
        record: &SealRecord,
        (body_len, alg, root): (u64, HashAlg, &Digest),
    ) -> Result<()> {
        self.check_own(record, body_len)?;
        if alg == self.suite.hash() && *root == self.root {
            Ok(())
        } else {
            Err(Error::BodyRoot)
        }
    }

    fn check_own(&self, record: &SealRecord, body_len: u64) -> Result<()> {
        if *record == self.record && body_len == self.body_len {
            return Ok(());
        }
        Err(Error::Mismatch {
            what: "seal record of the file",
        })
    }

    /// Puts the reader at the body, after checking that `file` is the file of this seal; says where
    /// that is.
    pub(crate) fn seek_body<R: Read + Seek + ?Sized>(&self, file: &mut R) -> Result<u64> {
        let sealed = SealedFile::read(file)?;
        self.check_own(sealed.record(), sealed.body_len())?;
        file.seek(SeekFrom::Start(sealed.body_offset()))
            .map_err(Error::io("reading the sealed file"))
    }
}

fn unhex(text: &str) -> Result<Vec<u8>> {
    let wrong = Error::Malformed {
        what: "leaf ciphertext: not lower-case hex",
    };
    if text.bytes().any(|b| b.is_ascii_uppercase()) {
        return Err(wrong);
    }
    hex::decode(text).map_err(|_| wrong)
}

/// Checks that the body in `file` (the whole `*.bid`) has the signed root; needs no key.
///
/// # Errors
/// [`Error::BodyRoot`]; those of [`SealedFile::read`]; [`Error::Mismatch`] if it is another seal's file.
pub fn check_body<R: Read + Seek + ?Sized>(file: &mut R, seal: &VerifiedSeal) -> Result<()> {
    check_body_with(file, seal, crate::WORKERS)
}

/// As [`check_body`], on up to `workers` threads.
///
/// # Errors
/// As [`check_body`].
pub fn check_body_with<R: Read + Seek + ?Sized>(
    mut file: &mut R,
    seal: &VerifiedSeal,
    workers: usize,
) -> Result<()> {
    seal.seek_body(file)?;
    let root = read_root(&mut file, seal.body_len, seal.suite.hash(), workers)?;
    if root == seal.root {
        Ok(())
    } else {
        Err(Error::BodyRoot)
    }
}
