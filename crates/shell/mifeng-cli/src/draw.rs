//! `mifeng draw`: lots for a panel outside a tender's log, over a list in a file, with a record that anyone rechecks.

use crate::identity::{self, Identity};
use crate::person;
use crate::reshare;
use crate::ui::{self, Failure, Lang, Outcome, Ui};
use mifeng::crypto::{Curve, Digest, GM, INTL, Point, Suite, SystemEntropy};
use mifeng::lock::panel::{Authority, Candidate, Declined, Frozen, PanelRecord, Request};
use mifeng::lock::share::ShareRecord;
use mifeng::lock::{Board, Share};
use mifeng::words;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::path::{Path, PathBuf};

/// Columns of a list in CSV; lists within a field are separated by `;`.
const COLUMNS: [&str; 4] = ["id", "specialties", "employers", "weight"];

#[derive(clap::Args, Debug)]
pub(crate) struct Lists {
    /// 候选名单（csv 或 json） / the list of candidates, csv or json
    #[arg(long)]
    pool: PathBuf,
    /// 抽取要求（json）：用途、席位、回避 / the request, json: purpose, seats, avoidance
    #[arg(long)]
    request: PathBuf,
}

#[derive(clap::Subcommand, Debug)]
pub(crate) enum DrawCommand {
    /// 冻结名单与作答者：打印须先公布的摘要 / freeze the list and who answers: print the digest to be published first
    Freeze {
        #[command(flatten)]
        lists: Lists,
        #[arg(long, value_enum, default_value = "gm")]
        suite: crate::args::SuiteName,
        /// 单一机构的 P-256 密钥或证书（仅 intl 套件） / P-256 key or certificate of a single authority (suite intl only)
        #[arg(long, required_unless_present = "board", conflicts_with = "board")]
        key: Option<PathBuf>,
        /// 委员会的全部记录 / all records of the board
        #[arg(long, num_args = 1..)]
        board: Vec<PathBuf>,
    },
    /// 受托人：为已冻结的名单作答 / trustee: answer for a frozen list
    Answer {
        #[arg(long)]
        id: PathBuf,
        #[command(flatten)]
        lists: Lists,
        /// 委员会的全部记录 / all records of the board
        #[arg(long, required = true, num_args = 1..)]
        board: Vec<PathBuf>,
        /// 已公布的摘要；不同则拒绝 / the digest that was published; another is refused
        #[arg(long, value_name = "DIGEST")]
        frozen: Digest,
        #[arg(long)]
        out: PathBuf,
    },
    /// 抽取：写出可复核的记录 / draw: write the record that anyone rechecks
    Run(RunArgs),
    /// 复核抽取记录 / recheck a record
    Check {
        /// 抽取记录 / the record
        record: PathBuf,
        /// 当时公布的摘要 / the digest that was published before
        #[arg(long, value_name = "DIGEST")]
        frozen: Option<Digest>,
    },
}

#[derive(clap::Args, Debug)]
pub(crate) struct RunArgs {
    #[command(flatten)]
    lists: Lists,
    /// 单一机构的 P-256 密钥（仅 intl 套件） / P-256 key of a single authority (suite intl only)
    #[arg(long, required_unless_present = "board", conflicts_with = "board")]
    key: Option<PathBuf>,
    /// 委员会的全部记录 / all records of the board
    #[arg(long, num_args = 1.., requires = "answer")]
    board: Vec<PathBuf>,
    /// 受托人的回答 / the trustees' answers
    #[arg(long, num_args = 1..)]
    answer: Vec<PathBuf>,
    /// 已公布的摘要；不同则拒绝 / the digest that was published; another is refused
    #[arg(long, value_name = "DIGEST")]
    frozen: Option<Digest>,
    /// 谢绝的专家：编号=原因 / who declined: ID=REASON
    #[arg(long, value_name = "ID=REASON")]
    declined: Vec<String>,
    #[arg(long)]
    out: PathBuf,
}

/// A trustee's answer file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Answer {
    frozen: Digest,
    shares: Vec<ShareRecord>,
    suite: String,
}

pub(crate) fn run(ui: &Ui, command: &DrawCommand, json: bool) -> Outcome {
    match command {
        DrawCommand::Freeze {
            lists,
            suite,
            key,
            board,
        } => {
            let suite = suite.suite();
            let authority = match key {
                Some(key) => Authority::of_key(&public_of(ui, key)?),
                None => Authority::of_board(&board_of(suite, board)?),
            };
            freeze(ui, &frozen_of(lists, suite, authority)?, suite, json)
        }
        DrawCommand::Answer {
            id,
            lists,
            board,
            frozen,
            out,
        } => answer(ui, &Identity::load(ui, id)?, lists, board, frozen, out),
        DrawCommand::Run(args) => draw(ui, args, json),
        DrawCommand::Check { record, frozen } => check(ui, record, frozen.as_ref(), json),
    }
}

/// The public half of a key file, or the key of a certificate.
fn public_of(ui: &Ui, path: &Path) -> Result<Point, Failure> {
    if path.extension().is_some_and(|e| e == "cer" || e == "crt") {
        let certificate = identity::load_certificate(path)?;
        let point = certificate.public_key().point().cloned();
        let point = point.filter(|point| point.curve() == Curve::P256);
        return point.ok_or_else(|| {
            Failure::malformed(format!("{}: expected a P-256 key", path.display()))
        });
    }
    let secret = person::scalar_of(&identity::load_key(ui, path)?, path, Curve::P256)?;
    Ok(Point::mul_generator(&secret))
}

fn board_of(suite: &'static Suite, records: &[PathBuf]) -> Result<Board, Failure> {
    let state = person::board_state(suite, records)?;
    state
        .board()
        .cloned()
        .ok_or_else(|| Failure::refused("board.formation", "the board's records are not complete"))
}

fn frozen_of(
    lists: &Lists,
    suite: &'static Suite,
    authority: Authority,
) -> Result<Frozen, Failure> {
    let request: Request = serde_json::from_slice(&ui::read(&lists.request)?)
        .map_err(|e| Failure::malformed(format!("{}: {e}", lists.request.display())))?;
    Ok(Frozen::new(
        suite,
        authority,
        request,
        candidates(&lists.pool)?,
    )?)
}

fn agreed(frozen: &Frozen, published: Option<&Digest>) -> Outcome {
    match published {
        Some(published) if *published != frozen.digest() => Err(Failure::refused(
            "draw.not-frozen",
            format!(
                "list, request and authority have the digest {}, published was {published}",
                frozen.digest()
            ),
        )),
        _ => Ok(()),
    }
}

fn freeze(ui: &Ui, frozen: &Frozen, suite: &'static Suite, json: bool) -> Outcome {
    let pools: Vec<_> = frozen
        .draws()
        .iter()
        .map(|draw| {
            json!({"specialty": draw.pool().specialty(), "rows": draw.pool().rows().len(),
                "draw_id": draw.id()})
        })
        .collect();
    let value = json!({"frozen": frozen.digest(), "avoided": frozen.avoided(), "pools": pools});
    let words = words::fingerprint(&frozen.digest(), ui.lang == Lang::Zh);
    ui.tell(
        json,
        &value,
        format!("名单已冻结：{}\n  {words}", frozen.digest()),
        format!("frozen: {}\n  {words}", frozen.digest()),
    );
    if !json {
        tell_authority(ui, frozen.authority(), suite)?;
        for row in frozen.avoided() {
            ui.say(
                format!("  回避 {}：{}", row.id, row.reason),
                format!("  avoids {}: {}", row.id, row.reason),
            );
        }
        for draw in frozen.draws() {
            let (name, rows) = (draw.pool().specialty(), draw.pool().rows().len());
            ui.say(
                format!("  {name}：{rows} 人"),
                format!("  {name}: {rows} candidates"),
            );
        }
    }
    Ok(())
}

fn answer(
    ui: &Ui,
    identity: &Identity,
    lists: &Lists,
    board: &[PathBuf],
    published: &Digest,
    out: &Path,
) -> Outcome {
    let suite = person::suite_of(identity)?;
    let authority = Authority::of_board(&board_of(suite, board)?);
    let frozen = frozen_of(lists, suite, authority)?;
    agreed(&frozen, Some(published))?;
    let state = person::board_state(suite, board)?;
    let transcript = state.board_transcript()?;
    let (_, member) = person::own_member(&state, identity)?;
    let path = reshare::key_file(ui, identity, &member.static_key, suite)?;
    let secret = transcript.share(&person::static_key_in(ui, &path, suite)?)?;
    let entropy = &mut SystemEntropy::new();
    let shares = frozen
        .draws()
        .iter()
        .map(|draw| {
            Ok(draw
                .release(transcript.board(), &secret, entropy)?
                .to_record())
        })
        .collect::<Result<Vec<_>, Failure>>()?;
    let answer = Answer {
        frozen: frozen.digest(),
        shares,
        suite: suite.id().to_owned(),
    };
    let bytes = serde_json::to_vec_pretty(&answer).map_err(|_| Failure::malformed("answer"))?;
    ui::write(out, &bytes)
}

fn draw(ui: &Ui, args: &RunArgs, json: bool) -> Outcome {
    let declined = args
        .declined
        .iter()
        .map(|text| match text.split_once('=') {
            Some((id, reason)) => Ok(Declined {
                id: id.to_owned(),
                reason: reason.to_owned(),
            }),
            None => Err(Failure::usage(format!("--declined {text}: ID=REASON"))),
        })
        .collect::<Result<Vec<_>, Failure>>()?;
    let record = match &args.key {
        Some(key) => alone(ui, args, key, declined)?,
        None => together(args, declined)?,
    };
    // What leaves this program has been read back the way everybody else will.
    record.check()?;
    ui::write(&args.out, &record.to_jcs()?)?;
    show(ui, &record, json)
}

fn alone(
    ui: &Ui,
    args: &RunArgs,
    key: &Path,
    declined: Vec<Declined>,
) -> Result<PanelRecord, Failure> {
    let secret = person::scalar_of(&identity::load_key(ui, key)?, key, Curve::P256)?;
    let authority = Authority::of_key(&Point::mul_generator(&secret));
    let frozen = frozen_of(&args.lists, &INTL, authority)?;
    agreed(&frozen, args.frozen.as_ref())?;
    let proofs = frozen
        .draws()
        .iter()
        .map(|draw| Ok(draw.answer_alone(&secret)?.to_vec()))
        .collect::<Result<Vec<_>, Failure>>()?;
    Ok(frozen.with_key(&proofs, declined)?)
}

fn together(args: &RunArgs, declined: Vec<Declined>) -> Result<PanelRecord, Failure> {
    let mut answers = Vec::new();
    for path in &args.answer {
        let answer: Answer = serde_json::from_slice(&ui::read(path)?)
            .map_err(|e| Failure::malformed(format!("{}: {e}", path.display())))?;
        answers.push((path, answer));
    }
    let suite = match answers.first() {
        Some((_, answer)) => Suite::by_id(&answer.suite)?,
        None => &GM,
    };
    let authority = Authority::of_board(&board_of(suite, &args.board)?);
    let frozen = frozen_of(&args.lists, suite, authority)?;
    agreed(&frozen, args.frozen.as_ref())?;
    let mut shares = vec![Vec::new(); frozen.draws().len()];
    for (path, answer) in &answers {
        agreed(&frozen, Some(&answer.frozen)).map_err(|e| e.at(path))?;
        if answer.shares.len() != shares.len() {
            return Err(Failure::malformed(format!("{}: shares", path.display())));
        }
        for (row, record) in shares.iter_mut().zip(&answer.shares) {
            let share = Share::from_record(suite.curve(), record);
            row.push(share.map_err(|e| Failure::from(e).at(path))?);
        }
    }
    Ok(frozen.with_board(&shares, declined)?)
}

fn check(ui: &Ui, path: &Path, published: Option<&Digest>, json: bool) -> Outcome {
    let record = PanelRecord::parse(&ui::read(path)?).map_err(|e| Failure::from(e).at(path))?;
    record.check().map_err(|e| Failure::from(e).at(path))?;
    let event = record.draws.first().map(|draw| draw.tender_event);
    if published.is_some() && event.as_ref() != published {
        return Err(Failure::refused(
            "draw.not-frozen",
            "the record is of another list, request or authority than was published",
        ));
    }
    show(ui, &record, json)?;
    if !json && published.is_none() {
        ui.say(
            "  未核对公布的摘要（--frozen）：作答者是否事先确定，由此才能看出",
            "  not compared with the digest that was published (--frozen): only that shows that the authority was fixed before",
        );
    }
    if !json {
        ui.say(
            "复核一致：名单、回避、种子、次序、席位均可由记录重新算出",
            "checked: list, avoidance, seeds, order and seats all follow from the record",
        );
    }
    Ok(())
}

fn show(ui: &Ui, record: &PanelRecord, json: bool) -> Outcome {
    if json {
        let value = json!({"purpose": record.request.purpose, "project": record.request.project,
            "frozen": record.draws.first().map(|draw| draw.tender_event),
            "authority": record.authority, "seats": record.seats, "declined": record.declined,
            "avoided": record.avoided});
        ui.tell(true, &value, "", "");
        return Ok(());
    }
    let request = &record.request;
    let purpose = request.purpose.zh();
    ui.say(
        format!("{} {purpose}专家抽取，第 {} 次", request.project, request.n),
        format!("{}: draw {} for {purpose}", request.project, request.n),
    );
    if record.authority.key.is_some() {
        ui.say(
            "  单一机构作答：它可以先于他人知道结果，名单须先公布（--frozen）",
            "  a single authority answered: it can know first, so the list must be public before (--frozen)",
        );
    }
    tell_authority(ui, &record.authority, Suite::by_id(&record.suite)?)?;
    for (seated, draw) in record.seats.iter().zip(&record.draws) {
        let name = &seated.specialty;
        let chosen = seated.ids.join(" ");
        let all = draw.order.join(" ");
        ui.say(
            format!("  {name}：{chosen}（抽取次序 {all}）"),
            format!("  {name}: {chosen} (order drawn: {all})"),
        );
    }
    for row in &record.declined {
        ui.say(
            format!("  谢绝 {}：{}", row.id, row.reason),
            format!("  declined {}: {}", row.id, row.reason),
        );
    }
    Ok(())
}

/// Whose answers count, in words that people compare.
fn tell_authority(ui: &Ui, authority: &Authority, suite: &Suite) -> Outcome {
    let words = words::fingerprint(&authority.digest(suite)?, ui.lang == Lang::Zh);
    ui.say(
        format!("  作答者：{words}"),
        format!("  answered by: {words}"),
    );
    Ok(())
}

fn candidates(path: &Path) -> Result<Vec<Candidate>, Failure> {
    if path.extension().is_some_and(|e| e == "json") {
        return serde_json::from_slice(&ui::read(path)?)
            .map_err(|e| Failure::malformed(format!("{}: {e}", path.display())));
    }
    let text = ui::read_text(path)?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let bad = |line: usize, what: &str| {
        Failure::malformed(format!("{}: line {line}: {what}", path.display()))
    };
    let mut lines = text.lines().enumerate();
    let header = lines.next().map(|(_, line)| line).unwrap_or_default();
    if header.split(',').ne(COLUMNS) {
        return Err(bad(
            1,
            &format!("expected {}, found {header}", COLUMNS.join(",")),
        ));
    }
    let mut out = Vec::new();
    for (at, line) in lines.filter(|(_, line)| !line.trim().is_empty()) {
        if line.contains('"') {
            return Err(bad(at + 1, "fields are written without quotes"));
        }
        let fields: Vec<&str> = line.split(',').collect();
        let [id, specialties, employers, weight] = fields[..] else {
            let found = format!("expected {} fields, found {}", COLUMNS.len(), fields.len());
            return Err(bad(at + 1, &found));
        };
        let list = |field: &str| -> Vec<String> {
            let parts = field.split(';').map(str::trim);
            parts
                .filter(|part| !part.is_empty())
                .map(str::to_owned)
                .collect()
        };
        out.push(Candidate {
            id: id.trim().to_owned(),
            employers: list(employers),
            specialties: list(specialties),
            weight: weight
                .trim()
                .parse()
                .map_err(|_| bad(at + 1, "weight is a whole number, at least 1"))?,
        });
    }
    Ok(out)
}
