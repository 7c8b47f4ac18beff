//! Handing a board's key on, through files: a trustee is replaced, or all get new shares (spec/board.md).

use crate::identity::{self, Identity};
use crate::person;
use crate::ui::{Failure, Lang, Outcome, Ui};
use mifeng::crypto::{KeyAlg, PrivateKey, Scalar, Suite, SystemEntropy};
use mifeng::lock::dkg::StaticKey;
use mifeng::log::CosignVerifier;
use mifeng::tender::{BoardReshare, BoardReshareDeal, BoardReshareSign, State};
use mifeng::words;
use std::path::{Path, PathBuf};

/// Handings on of one board that a folder can take part in; each leaves one file.
const ROUNDS_MAX: u32 = 99;

#[derive(clap::Subcommand, Debug)]
pub(crate) enum ReshareCommand {
    /// 新成员（或换新份额的原成员）加入交接 / a new member, or a present one who gets a new share, joins
    Join {
        #[arg(long)]
        id: PathBuf,
        /// 新的第几位 / which new member, from 1
        #[arg(long)]
        index: u8,
        /// 之后几人到场即可开标 / how many can open together afterwards
        #[arg(long)]
        quorum: u8,
        /// 之后共几人 / members afterwards
        #[arg(long)]
        of: u8,
        /// 由哪几位现任受托人分发（恰为现在的开标人数） / present trustees who deal: exactly the present quorum
        #[arg(long, value_delimiter = ',', required = true)]
        dealers: Vec<u8>,
        /// 委员会至今的全部记录 / all records of the board so far
        #[arg(required = true)]
        files: Vec<PathBuf>,
        #[arg(long)]
        out: PathBuf,
    },
    /// 现任受托人分发自己的份额 / a present trustee deals its share
    Deal {
        #[arg(long)]
        id: PathBuf,
        #[arg(required = true)]
        files: Vec<PathBuf>,
        #[arg(long)]
        out: PathBuf,
    },
    /// 新成员检查并签名；全部签完即完成交接 / a new member checks and signs; with the last one the key is handed on
    Sign {
        #[arg(long)]
        id: PathBuf,
        #[arg(required = true)]
        files: Vec<PathBuf>,
        #[arg(long)]
        out: PathBuf,
    },
}

pub(crate) fn run(ui: &Ui, command: &ReshareCommand) -> Outcome {
    match command {
        ReshareCommand::Join {
            id,
            index,
            quorum,
            of,
            dealers,
            files,
            out,
        } => {
            let identity = Identity::load(ui, id)?;
            let table = Table::read(&identity, files)?;
            let mut dealers = dealers.clone();
            dealers.sort_unstable();
            join(ui, &identity, &table, (*index, *quorum, *of), dealers, out)
        }
        ReshareCommand::Deal { id, files, out } => {
            let identity = Identity::load(ui, id)?;
            deal(ui, &identity, &Table::read(&identity, files)?, out)
        }
        ReshareCommand::Sign { id, files, out } => {
            let identity = Identity::load(ui, id)?;
            sign(ui, &identity, &Table::read(&identity, files)?, out)
        }
    }
}

/// The board's records so far.
struct Table {
    suite: &'static Suite,
    state: State,
    session: String,
    round: u32,
}

impl Table {
    fn read(identity: &Identity, files: &[PathBuf]) -> Result<Self, Failure> {
        let suite = person::suite_of(identity)?;
        let state = person::board_state(suite, files)?;
        let session = state.members().values().next();
        let session = session.map(|(_, member)| member.session.clone());
        let (round, _) = state.reshare_joined();
        Ok(Table {
            suite,
            session: session.ok_or_else(|| {
                Failure::refused("board.formation", "the board's records are not complete")
            })?,
            state,
            round,
        })
    }
}

/// The file of a new static key; the one from joining the board first is `static.key`.
pub(crate) fn new_key_file(identity: &Identity, round: u32) -> PathBuf {
    identity.folder.join(format!("static-{round}.key"))
}

/// The file with the static key of this public key, among those of the folder.
pub(crate) fn key_file(
    ui: &Ui,
    identity: &Identity,
    public: &str,
    suite: &'static Suite,
) -> Result<PathBuf, Failure> {
    let later = (1..=ROUNDS_MAX).map(|round| new_key_file(identity, round));
    let all = std::iter::once(identity.folder.join("static.key")).chain(later);
    for path in all.filter(|path| path.exists()) {
        let key = person::static_key_in(ui, &path, suite)?;
        if hex::encode(key.public().to_bytes()) == public {
            return Ok(path);
        }
    }
    Err(Failure::refused(
        "board.not-a-member",
        format!(
            "{}: no static key of the board's present member",
            identity.folder.display()
        ),
    ))
}

fn join(
    ui: &Ui,
    identity: &Identity,
    table: &Table,
    (index, t, n): (u8, u8, u8),
    dealers: Vec<u8>,
    out: &Path,
) -> Outcome {
    let (suite, round) = (table.suite, table.round);
    let path = new_key_file(identity, round);
    if path.exists() || round > ROUNDS_MAX {
        return Err(Failure::usage(format!(
            "{}: {}",
            path.display(),
            ui.t("已有，不覆盖", "is there already; not overwritten")
        )));
    }
    let entropy = &mut SystemEntropy::new();
    let key = StaticKey::generate(suite, entropy)?;
    let scalar = Scalar::from_be_bytes(suite.curve(), &key.to_bytes())?;
    identity::store_key(ui, &path, &PrivateKey::from_scalar(&scalar)?, suite)?;
    let alg = match suite.id() {
        "gm-1" => KeyAlg::Sm2,
        _ => KeyAlg::Ed25519,
    };
    // A trustee who stays keeps its witness, which may have seen logs already.
    let witness_path = identity.folder.join("witness.key");
    let witness = if witness_path.exists() {
        identity::load_key(ui, &witness_path)?
    } else {
        let witness = PrivateKey::generate(alg, entropy)?;
        identity::store_key(ui, &witness_path, &witness, suite)?;
        witness
    };
    let name = person::witness_name(&table.session, index);
    let data = BoardReshare {
        session: table.session.clone(),
        round,
        index,
        t,
        n,
        dealers,
        static_key: hex::encode(key.public().to_bytes()),
        witness: CosignVerifier::new(&name, witness.public_key()?)?
            .key()
            .to_string(),
    };
    write(table, identity, "board.reshare", &data, out)
}

fn deal(ui: &Ui, identity: &Identity, table: &Table, out: &Path) -> Outcome {
    let (dealer, member) = person::own_member(&table.state, identity)?;
    let path = key_file(ui, identity, &member.static_key, table.suite)?;
    let key = person::static_key_in(ui, &path, table.suite)?;
    let share = table.state.board_transcript()?.share(&key)?;
    let (reshare, _) = table.state.reshare_setup()?;
    let message = reshare.deal(&key, &share, &mut SystemEntropy::new())?;
    let data = BoardReshareDeal {
        round: table.round,
        dealer,
        message: crate::base64(&message),
    };
    write(table, identity, "board.reshare1", &data, out)
}

fn sign(ui: &Ui, identity: &Identity, table: &Table, out: &Path) -> Outcome {
    let own = identity
        .signer
        .certificate()
        .fingerprint(table.suite.hash());
    let (round, joined) = table.state.reshare_joined();
    let found = joined.iter().find(|(_, (cert, _))| *cert == own);
    let Some((index, _)) = found else {
        return Err(Failure::refused(
            "board.not-a-member",
            "has not joined this handing on",
        ));
    };
    let transcript = table.state.reshare_transcript()?;
    let path = new_key_file(identity, round);
    let key = person::static_key_in(ui, &path, table.suite)?;
    let advise = |e| crate::complain::advise(ui, e);
    let share = transcript.share(&key).map_err(advise)?;
    let data = BoardReshareSign {
        round,
        index: *index,
        transcript: transcript.hash(),
        signature: hex::encode(transcript.sign(&key, &share)?),
    };
    let words = words::fingerprint(&transcript.board().key(), ui.lang == Lang::Zh);
    ui.say(
        format!("委员会密钥不变 {words}；交接完成后请销毁旧的静态密钥"),
        format!("the board key stays {words}; destroy the old static key once all have signed"),
    );
    write(table, identity, "board.reshare2", &data, out)
}

fn write<T: serde::Serialize>(
    table: &Table,
    identity: &Identity,
    kind: &str,
    data: &T,
    out: &Path,
) -> Outcome {
    let own = identity
        .signer
        .certificate()
        .fingerprint(table.suite.hash());
    let seq = table.state.board_records_of(&own);
    person::sign_board(table.suite, &table.session, seq, identity, kind, data, out)
}
