//! The agency's notice: a plan that people write, completed with what the log and the keys say.

use crate::bundle::Bundle;
use crate::clock;
use crate::identity::{self, Identity};
use crate::person;
use crate::ui::{self, Failure, Outcome, Ui};
use mifeng::crypto::{Digest, HashAlg, Time};
use mifeng::lock::tlock::{Chain, ChainRecord};
use mifeng::lock::{Leaf, Node, Policy};
use mifeng::log::{Pace, Schedule};
use mifeng::tender::{Committee, Document, Lot, Notice, Particular, Party, Procedure, Text};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// What the agency writes as JSON.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Plan {
    pub(crate) tender: String,
    pub(crate) title: Text,
    /// Which procedure: `open` unless named.
    #[serde(default = "open_tender")]
    pub(crate) procedure: Procedure,
    /// Whether it is a rehearsal, which need not keep the least time for answers.
    #[serde(default)]
    pub(crate) rehearsal: bool,
    /// Where the buyer is (GB/T 2260): the whole country unless named.
    #[serde(default = "country")]
    pub(crate) region: String,
    /// The ground for fewer bidders than usual, where the law knows one.
    #[serde(default)]
    pub(crate) ground: String,
    /// Whether the budget is below the region's threshold of open tenders (74 art. 7).
    #[serde(default)]
    pub(crate) below_threshold: bool,
    /// The buyer's certificate file, relative to the plan.
    pub(crate) buyer: PathBuf,
    /// RFC 3339 with an offset, whole seconds.
    pub(crate) deadline: String,
    /// Milliseconds between beats.
    pub(crate) beat_ms: u64,
    /// Each beat has room for 2^depth records.
    pub(crate) beat_depth: u8,
    pub(crate) window_ms: u64,
    /// How long after the close the body of a bid may come whose record came before the deadline; 0 unless named.
    #[serde(default)]
    pub(crate) body_grace_ms: u64,
    /// `board` or `joint`; with `-clock` also a beacon chain must reach the first round after the deadline.
    pub(crate) policy: String,
    /// The beacon chain of a clock; quicknet unless another is given.
    #[serde(default)]
    pub(crate) chain: Option<ChainRecord>,
    pub(crate) bidders_min: u32,
    pub(crate) committee: Committee,
    pub(crate) lots: Vec<Lot>,
    /// Files of the tender document, relative to the plan: the notice has their hashes.
    #[serde(default)]
    pub(crate) documents: Vec<PathBuf>,
    /// What else the public notice says: `[{"name": {"zh", "en"}, "text": {"zh", "en"}}]`.
    #[serde(default)]
    pub(crate) particulars: Vec<Particular>,
}

fn country() -> String {
    "000000".to_owned()
}

fn open_tender() -> Procedure {
    Procedure::Open
}

/// Signs the notice.
pub(crate) fn publish(
    ui: &Ui,
    identity: &Identity,
    bundle: &Bundle,
    path: &Path,
    out: &Path,
) -> Outcome {
    let plan: Plan = serde_json::from_slice(&ui::read(path)?)
        .map_err(|e| Failure::malformed(format!("{}: {e}", path.display())))?;
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut notice = complete(&plan, folder, identity, bundle)?;
    let now = clock::now();
    notice
        .pin(now)
        .map_err(|e| Failure::unlawful("notice.unlawful", e.to_string()))?;
    if let Some(fault) = notice.fault() {
        return Err(Failure::unlawful("notice.unlawful", fault));
    }
    let fault = notice.pack_fault(now).or_else(|| notice.period_fault(now));
    if let Some(fault) = fault {
        return Err(Failure::unlawful("notice.unlawful", fault));
    }
    for note in notice.policy.notes() {
        ui.say(
            format!("开标策略说明：{}", note.zh()),
            format!("opening policy: {}", note.en()),
        );
    }
    person::sign(&bundle.replay, identity, "tender.publish", &notice, out)
}

/// The opening policy that the plan names.
fn policy(
    plan: &Plan,
    board: Digest,
    fallback: Option<Digest>,
    deadline: Time,
) -> Result<Policy, Failure> {
    let (group, bidder) = (Node::Leaf(Leaf::Group(board)), Node::Leaf(Leaf::Bidder));
    let clock = || -> Result<Node, Failure> {
        let chain = match &plan.chain {
            Some(record) => Chain::new(record.clone())?,
            None => Chain::quicknet(),
        };
        Ok(Node::Leaf(Leaf::Tlock {
            chain: chain.hash(),
            round: chain.round_from(deadline)?,
        }))
    };
    let all = match plan.policy.as_str() {
        "board" => return Ok(Policy::board(board)),
        "joint" => return Ok(Policy::joint(board)),
        "bidder" => return Ok(Policy::bidder()),
        "joint-with-remedy" => {
            let fallback = fallback.ok_or_else(|| {
                Failure::refused("board.formation", "the bundle holds no fallback board")
            })?;
            return Ok(Policy::joint_with_remedy(board, fallback));
        }
        "one-time-key" | "joint-one-time-key" => {
            let key = fallback.ok_or_else(|| {
                Failure::refused(
                    "board.formation",
                    "the bundle holds no one-time key: a second board makes it",
                )
            })?;
            return Ok(match plan.policy.as_str() {
                "one-time-key" => Policy::one_time_key(key),
                _ => Policy::joint_one_time_key(key),
            });
        }
        "board-clock" => vec![group, clock()?],
        "joint-clock" => vec![bidder, group, clock()?],
        other => {
            return Err(Failure::malformed(format!(
                "policy {other:?}: board, joint, joint-with-remedy, bidder, board-clock, joint-clock, one-time-key, joint-one-time-key"
            )));
        }
    };
    Ok(Policy::new(Node::all(all))?)
}

/// The files of the tender document as the notice names them.
fn documents(paths: &[PathBuf], folder: &Path, alg: HashAlg) -> Result<Vec<Document>, Failure> {
    let mut listed: Vec<Document> = Vec::new();
    for path in paths {
        let content = ui::read(&folder.join(path))?;
        let name = path.file_name().unwrap_or(path.as_os_str());
        let document = Document {
            name: name.to_string_lossy().into_owned(),
            size: content.len() as u64,
            hash: alg.digest(&content),
        };
        if listed.iter().any(|one| one.name == document.name) {
            return Err(Failure::malformed(format!(
                "documents: two files are named {}",
                document.name
            )));
        }
        listed.push(document);
    }
    Ok(listed)
}

fn complete(
    plan: &Plan,
    folder: &Path,
    identity: &Identity,
    bundle: &Bundle,
) -> Result<Notice, Failure> {
    let state = &bundle.replay.state;
    let suite = state.suite();
    let board = state
        .board()
        .ok_or_else(|| Failure::refused("board.formation", "the bundle holds no complete board"))?;
    let deadline = Time::parse_rfc3339(&plan.deadline)
        .map_err(|_| Failure::no_time("deadline ", &plan.deadline))?;
    let policy = policy(
        plan,
        board.key(),
        state.fallback().map(|board| board.key()),
        deadline,
    )?;
    let party = |certificate: &mifeng::pki::Certificate| Party {
        name: certificate.subject_name(),
        cert: certificate.fingerprint(suite.hash()),
    };
    let start = clock::now().trunc_millis();
    let pace = Pace {
        from: start,
        period_ms: plan.beat_ms,
    };
    Ok(Notice {
        tender: plan.tender.clone(),
        title: plan.title.clone(),
        procedure: plan.procedure,
        rehearsal: plan.rehearsal,
        ground: plan.ground.clone(),
        below_threshold: plan.below_threshold,
        region: plan.region.clone(),
        suite: suite.id().to_owned(),
        buyer: party(&identity::load_certificate(&folder.join(&plan.buyer))?),
        agency: party(identity.signer.certificate()),
        board: board.key(),
        policy,
        deadline,
        window_ms: plan.window_ms,
        body_grace_ms: plan.body_grace_ms,
        beats: Schedule::new(plan.beat_depth, vec![pace])?,
        trust: bundle
            .replay
            .roots
            .iter()
            .map(|root| root.fingerprint(suite.hash()))
            .collect(),
        // The one in force when the notice is published: now.
        trust_list: state
            .trust_lists()
            .and_then(|lists| lists.in_force(start))
            .map(mifeng::pki::trust::TrustVersion::digest),
        bidders_min: plan.bidders_min,
        lots: plan.lots.clone(),
        committee: plan.committee.clone(),
        chains: plan.chain.iter().cloned().collect(),
        documents: documents(&plan.documents, folder, suite.hash())?,
        particulars: plan.particulars.clone(),
    })
}
