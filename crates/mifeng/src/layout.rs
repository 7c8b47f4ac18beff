//! Names of the files in a bundle and in a host's store (spec/dossier.md).

use mifeng_crypto::{Digest, HashAlg};
use mifeng_record::SignedRecord;
use mifeng_tender::State;
use std::collections::BTreeSet;

/// Checkpoint over the SHA-256 tree.
pub(crate) const CHECKPOINT: &str = "log/checkpoint";
/// Checkpoint over the SM3 tree, in gm-1.
pub(crate) const CHECKPOINT_SM3: &str = "log/sm3/checkpoint";
/// Entries and hash tiles of the SHA-256 tree (C2SP tlog-tiles).
pub(crate) const TILES: &str = "log/";
/// Hash tiles of the SM3 tree.
pub(crate) const TILES_SM3: &str = "log/sm3/";
/// Seeds and records of every beat, revealed after the close.
pub(crate) const BEATS: &str = "log/beats.json";
/// Files of the tender document, and texts of contracts.
pub(crate) const DOCUMENTS: &str = "docs/";
/// Heads with cosignatures.
pub(crate) const HEADS: &str = "log/heads/";
/// Revocation lists that count from when they were made.
pub(crate) const CRLS: &str = "crl/";
/// Revocation lists that count from their records on.
pub(crate) const CRLS_TAKEN: &str = "crl-taken/";
/// OCSP responses that count from their records on.
pub(crate) const ANSWERS_TAKEN: &str = "ocsp-taken/";
/// What a public export leaves out.
pub(crate) const WITHHELD: &str = "withheld.txt";
/// Time stamps over the whole dossier, made later.
pub(crate) const RENEWALS: &str = "renewal/";
/// Proofs that heads are in the host's anchor log.
pub(crate) const ANCHORS: &str = "anchor/";
/// Sealed bids.
pub(crate) const SEALS: &str = "seal/";
/// Which bids came without their body, in a host's store.
pub(crate) const AWAITED: &str = "awaited/";
/// A sealed bid on its way in, in a host's store.
pub(crate) const INCOMING: &str = "incoming.bid";
/// What a person finds first.
pub(crate) const README: &str = "VERIFY.txt";

pub(crate) fn body(hash: &Digest) -> String {
    format!("body/{hash}.json")
}

pub(crate) fn signature(hash: &Digest) -> String {
    format!("sig/{hash}.p7s")
}

/// The two files of a record.
pub(crate) fn record(signed: &SignedRecord, alg: HashAlg) -> [(String, &[u8]); 2] {
    [
        (body(&signed.body_digest(alg)), &signed.body),
        (signature(&signed.signature_digest(alg)), &signed.signature),
    ]
}

pub(crate) fn seal(id: &Digest) -> String {
    format!("seal/{id}.bid")
}

/// Of the record with this commitment.
pub(crate) fn awaited(record: &Digest) -> String {
    format!("{AWAITED}{record}")
}

pub(crate) fn certificate(fingerprint: &Digest) -> String {
    format!("certs/{fingerprint}.cer")
}

pub(crate) fn crl(hash: &Digest) -> String {
    format!("{CRLS}{hash}.crl")
}

/// A revocation list that counts from its record on.
pub(crate) fn crl_taken(hash: &Digest) -> String {
    format!("{CRLS_TAKEN}{hash}.crl")
}

/// An OCSP response that counts from its record on.
pub(crate) fn answer_taken(hash: &Digest) -> String {
    format!("{ANSWERS_TAKEN}{hash}.ocsp")
}

/// The files of revocation lists and OCSP responses that records took in.
pub(crate) fn taken(state: &State) -> BTreeSet<String> {
    let lists = state.crls_taken().keys().map(crl_taken);
    lists
        .chain(state.answers_taken().keys().map(answer_taken))
        .collect()
}

/// What `docs/` may hold: every file that notice and amendments list or listed, and the texts of stamped contracts.
pub(crate) fn named_documents(state: &State) -> impl Iterator<Item = String> {
    let listed = state.documents().map(|one| &one.hash);
    listed.chain(state.contract_texts()).map(document)
}

/// A file of the tender document, or the text of a contract.
pub(crate) fn document(hash: &Digest) -> String {
    format!("{DOCUMENTS}{hash}")
}

/// Head of `size` entries, as a note of the authoritative tree.
pub(crate) fn head(size: u64) -> String {
    format!("{HEADS}{size:010}.note")
}

/// The proof that the head of `size` entries is anchored.
pub(crate) fn anchor(size: u64) -> String {
    format!("{ANCHORS}{size:010}.json")
}

pub(crate) fn stamp(hash: &Digest) -> String {
    format!("tsr/{hash}.tsr")
}

/// A file of renewal `n`.
pub(crate) fn renewal(n: u64, end: &str) -> String {
    format!("{RENEWALS}{n:04}.{end}")
}

/// `VERIFY.txt`: fixed text, so that no byte of a dossier is free.
pub(crate) const README_TEXT: &str = "\
本文件夹是一个电子招标项目的完整档案。任何人都可以离线验证，无需信任平台：
    mifeng verify dossier.tar
各文件格式见 spec/dossier.md；单个签名可用通用工具核对，例如：
    openssl cms -verify -binary -inform DER -content body/X.json -in sig/Y.p7s -CAfile ca.pem

This is the complete dossier of one tender. Anyone can verify it offline, without trusting the host:
    mifeng verify dossier.tar
The formats are described in spec/dossier.md; single signatures can be checked with common tools,
as above for the suite intl-1.
";
