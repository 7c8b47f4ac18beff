//! The pool of experts: candidates are frozen under blind ids, and those who were drawn are named.

use crate::bundle::Bundle;
use crate::identity::{self, Identity};
use crate::person::sign;
use crate::ui::{self, Failure, Outcome};
use mifeng::crypto::{Digest, SystemEntropy};
use mifeng::lock::draw::Row;
use mifeng::tender::*;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The agency's list of candidate experts: certificate files, with secret salts per draw.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Candidates {
    pub(crate) rows: Vec<Candidate>,
}

/// One candidate.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Candidate {
    pub(crate) cert: Digest,
    pub(crate) salt: Digest,
    pub(crate) weight: u64,
}

/// Freezes the pool; writes the secret list that opens the blind ids later.
pub(crate) fn freeze(
    identity: &Identity,
    bundle: &Bundle,
    experts: &[PathBuf],
    secret: &Path,
    out: &Path,
) -> Outcome {
    let suite = bundle.replay.suite();
    let (_, notice) = bundle
        .replay
        .state
        .notice()
        .ok_or_else(|| Failure::refused("record.wrong-stage", "there is no notice"))?;
    let mut rows = Vec::new();
    let mut candidates = Vec::new();
    for path in experts {
        let cert = identity::load_certificate(path)?.fingerprint(suite.hash());
        let mut salt = [0; 32];
        mifeng::crypto::Entropy::fill(&mut SystemEntropy::new(), &mut salt)?;
        let salt = Digest::from_bytes(salt);
        rows.push(Row {
            id: blind_id(suite, &salt, &cert).to_string(),
            weight: 1,
        });
        candidates.push(Candidate {
            cert,
            salt,
            weight: 1,
        });
    }
    rows.sort_by(|a, b| a.id.cmp(&b.id));
    let data = Pool {
        specialty: notice.committee.specialty.clone(),
        n: 1,
        reason: String::new(),
        rows,
    };
    let bytes = serde_json::to_vec_pretty(&Candidates { rows: candidates })
        .map_err(|_| Failure::malformed("candidates"))?;
    ui::write_secret(secret, &bytes)?;
    sign(&bundle.replay, identity, "expert.pool", &data, out)
}

/// The result of the draw, with who sits.
pub(crate) fn drawn(identity: &Identity, bundle: &Bundle, secret: &Path, out: &Path) -> Outcome {
    let state = &bundle.replay.state;
    let outcome = state.drawn()?;
    let candidates: Candidates = serde_json::from_slice(&ui::read(secret)?)
        .map_err(|e| Failure::malformed(format!("{}: {e}", secret.display())))?;
    let by_id: BTreeMap<String, &Candidate> = candidates
        .rows
        .iter()
        .map(|row| {
            (
                blind_id(state.suite(), &row.salt, &row.cert).to_string(),
                row,
            )
        })
        .collect();
    let experts = state
        .notice()
        .map_or(0, |(_, notice)| notice.committee.experts as usize);
    let seats = outcome
        .order
        .iter()
        .take(experts)
        .map(|id| {
            let row = by_id
                .get(id)
                .ok_or_else(|| Failure::malformed(format!("{}: {id}", secret.display())))?;
            Ok(Seat {
                id: id.clone(),
                salt: row.salt,
                cert: row.cert,
            })
        })
        .collect::<Result<Vec<_>, Failure>>()?;
    let data = DrawResult {
        draw: outcome.draw_id,
        seed: outcome.seed,
        order: outcome.order,
        seats,
        declined: Vec::new(),
    };
    sign(&bundle.replay, identity, "draw.result", &data, out)
}
