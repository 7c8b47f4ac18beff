//! The `mifeng` command: everybody's part of a sealed-bid tender, with files going to and fro.
//!
//! Thin: it reads files, the clock and passphrases, and calls the facade.
#![forbid(unsafe_code)]

mod access;
mod agent;
mod anchor;
mod archive;
mod args;
mod asked;
mod bidder;
mod bundle;
mod ca;
mod ceremony;
mod cert;
mod check;
mod client;
mod clock;
mod complain;
mod config;
mod contract;
mod demo;
mod doc;
mod download;
mod draw;
mod evaluation;
mod fetch;
mod halt;
mod host;
mod identity;
mod key;
mod minutes;
mod net;
mod notice;
mod opened;
mod opening;
mod pages;
mod person;
mod pool;
mod reach;
mod receipt;
mod reshare;
mod rules;
mod score;
mod seen;
mod send;
mod serve;
mod sign;
mod stamp;
mod store;
mod token;
mod trust;
mod tsa;
mod ui;
mod usage;

use args::{BidCommand, BoardCommand, Command, PanelCommand, TenderCommand, WitnessCommand};
use bundle::Bundle;
use clap::Parser;
use identity::Identity;
use mifeng::Export;
use seen::seen;
use std::process::ExitCode;
use ui::{Failure, Lang, Outcome, Ui};

fn main() -> ExitCode {
    let given: Vec<std::ffi::OsString> = std::env::args_os().collect();
    let refused = |failure: Failure| {
        report(
            &voice(usage::language(&given)),
            usage::is_json(&given),
            &failure,
        );
        ExitCode::from(failure.exit)
    };
    let (words, sources) = match config::arguments() {
        Ok((words, sources)) => (usage::for_help(words), sources),
        Err(failure) => return refused(failure),
    };
    let args = match args::Args::try_parse_from(words) {
        Ok(args) => args,
        Err(error) => match usage::failure(&error, &sources) {
            Some(failure) => return refused(failure),
            None => error.exit(),
        },
    };
    let ui = Ui {
        pin_file: args.pin_file.clone(),
        pin_fd: args.pin_fd,
        ..voice(args.lang)
    };
    // A panic is a bug of ours: say so, and never with a half-written file (see `ui::write`).
    let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| run(&ui, &args)))
        .unwrap_or_else(|_| {
            Err(Failure {
                exit: 101,
                code: "bug".to_owned(),
                clause: None,
                zh: None,
                text: ui
                    .t("程序内部错误，请报告", "internal error: please report it")
                    .to_owned(),
            })
        });
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            report(&ui, args.json, &failure);
            ExitCode::from(failure.exit)
        }
    }
}

/// Speaks this language, and was given no passphrase.
fn voice(lang: Lang) -> Ui {
    Ui {
        quiet: false,
        lang,
        pin_file: None,
        pin_fd: None,
        pin_given: std::cell::RefCell::default(),
    }
}

fn report(ui: &Ui, json: bool, failure: &Failure) {
    if json {
        let json = serde_json::json!({
            "error": failure.sentence(ui.lang), "code": failure.code, "clause": failure.clause, "exit": failure.exit,
        });
        eprintln!("{}", seen(&json.to_string()));
        return;
    }
    let word = match failure.exit {
        1 => ui.t("拒绝", "refused"),
        2 => ui.t("用法", "usage"),
        3 => ui.t("格式错误", "malformed"),
        4 => ui.t("不可用", "unavailable"),
        _ => ui.t("错误", "error"),
    };
    let clause = failure
        .clause
        .as_ref()
        .map(|c| format!("（{c}）"))
        .unwrap_or_default();
    eprintln!(
        "{word} [{}] {}{clause}",
        failure.code,
        seen(failure.sentence(ui.lang))
    );
}

/// Base64 as records carry it.
pub(crate) fn base64(bytes: &[u8]) -> String {
    use base64::prelude::{BASE64_STANDARD, Engine as _};
    BASE64_STANDARD.encode(bytes)
}

fn run(ui: &Ui, args: &args::Args) -> Outcome {
    match &args.command {
        Command::Ca(command) => ca::run(ui, command, args.json),
        Command::Sign(sign) => sign::sign(ui, sign, args.json),
        Command::Check(check) => sign::check(ui, check, args.json),
        Command::Cert(command) => cert::run(ui, command, args.json),
        Command::Crl(command) => fetch::run(ui, command, args.json),
        Command::Trust(command) => trust::run(ui, command, args.json),
        Command::Witness(command) => witness(ui, command),
        Command::Board(command) => board(ui, command, args.json),
        Command::Tender(command) => tender(ui, command),
        Command::Opening(command) => asked::run(ui, command, args.json),
        Command::Anchor(command) => anchor::run(ui, command, args.json),
        Command::Contract(command) => contract::run(ui, command, args.json),
        Command::Bid(command) => bid(ui, command, args.json),
        Command::Receipt(command) => receipt::run(ui, command, args.json),
        Command::Draw(command) => draw::run(ui, command, args.json),
        Command::Panel(command) => panel(ui, command),
        Command::Tsa(command) => tsa::run(ui, command, args.json),
        Command::Doc(command) => doc::run(ui, command, args.json),
        Command::Stamp(command) => stamp::run(ui, command, args.json),
        Command::Ofd(command) => stamp::run_ofd(ui, command, args.json),
        Command::Key(command) => key::run(ui, command, args.json),
        Command::Token(command) => token::run(ui, command, args.json),
        Command::Store(command) => store::run(ui, command),
        Command::Archive(command) => archive::run(ui, command, args.json),
        Command::Verify(verify) => check::verify(ui, verify, args.json),
        Command::Inspect { file } => check::inspect(ui, file),
        Command::Score(score) => score::run(ui, score, args.json),
        Command::Rules(command) => rules::run(ui, command, args.json),
        Command::Demo(demo) => demo::run(ui, demo),
        Command::Serve(serve) => serve::run(ui, serve, args.json),
        Command::Net(command) => net::run(ui, command),
    }
}

fn board(ui: &Ui, command: &BoardCommand, json: bool) -> Outcome {
    match command {
        BoardCommand::Join {
            id,
            session,
            index,
            quorum,
            of,
            out,
        } => {
            let join = person::Join {
                session,
                index: *index,
                t: *quorum,
                n: *of,
            };
            person::board_join(ui, &Identity::load(ui, id)?, &join, out)
        }
        BoardCommand::Round1 { id, files, out } => {
            person::board_round1(ui, &Identity::load(ui, id)?, files, out)
        }
        BoardCommand::Round2 { id, files, out } => {
            person::board_round2(ui, &Identity::load(ui, id)?, files, out)
        }
        BoardCommand::Cosign { id, tender, out } => {
            person::cosign(ui, &Identity::load(ui, id)?, &Bundle::open(tender)?, out)
        }
        BoardCommand::Release { id, tender, out } => {
            let bundle = Bundle::open(tender)?;
            // What is asked and what holds is shown before the passphrase is asked for, and one red line ends it.
            person::show_conditions(ui, &bundle, json)?;
            person::release(ui, &Identity::load(ui, id)?, &bundle, out)
        }
        BoardCommand::Reshare(command) => reshare::run(ui, command),
        BoardCommand::Qr(command) => ceremony::qr::run(ui, command, json),
        BoardCommand::Ceremony(args) => ceremony::run(ui, args, json),
        BoardCommand::Trouble(command) => complain::run(ui, command, json),
        BoardCommand::More(more) => evaluation::args::board(ui, more),
        BoardCommand::Draw { id, tender, out } => {
            person::draw_share(ui, &Identity::load(ui, id)?, &Bundle::open(tender)?, out)
        }
    }
}

fn witness(ui: &Ui, command: &WitnessCommand) -> Outcome {
    match command {
        WitnessCommand::Cosign { id, tender, out } => {
            person::cosign(ui, &Identity::load(ui, id)?, &Bundle::open(tender)?, out)
        }
        WitnessCommand::Serve(args) => agent::witness(ui, args),
        WitnessCommand::Seen {
            id,
            tender,
            record,
            out,
        } => {
            let identity = Identity::load(ui, id)?;
            person::seen(ui, &identity, &Bundle::open(tender)?, record, out)
        }
        WitnessCommand::Check {
            tender,
            record,
            seen,
        } => person::check_seen(ui, &Bundle::open(tender)?, record, seen),
    }
}

fn tender(ui: &Ui, command: &TenderCommand) -> Outcome {
    match command {
        TenderCommand::Init {
            host,
            suite,
            origin,
            trust,
            trust_list,
        } => {
            let suite = suite.suite();
            host::init(ui, host, suite, origin, trust, trust_list.as_deref()).map(|_| ())
        }
        TenderCommand::Accept {
            host,
            record,
            bid,
            document,
            receipt,
        } => host::work(ui, host, |host| {
            for path in document {
                host.add_document(&ui::read(path)?)?;
            }
            record.iter().try_for_each(|record| {
                host::accept(ui, host, record, bid.as_deref(), receipt.as_deref())
            })
        }),
        TenderCommand::Crl { host, file } => {
            host::work(ui, host, |host| host::take_crl(ui, host, file))
        }
        TenderCommand::Ocsp { host, file, above } => {
            host::work(ui, host, |host| host::take_ocsp(ui, host, file, above))
        }
        TenderCommand::Close { host, wait } => {
            host::work(ui, host, |host| host::close(ui, host, *wait))
        }
        TenderCommand::Beacon { host, file } => {
            let beacon = serde_json::from_slice(&ui::read(file)?)
                .map_err(|e| Failure::malformed(format!("{}: {e}", file.display())))?;
            let entropy = &mut mifeng::crypto::SystemEntropy::new();
            host::work(ui, host, |host| {
                Ok(host.add_beacon(&beacon, clock::now(), entropy)?)
            })
        }
        TenderCommand::CloseWindow { host } => {
            let entropy = &mut mifeng::crypto::SystemEntropy::new();
            host::work(ui, host, |host| {
                Ok(host.close_window(clock::now(), entropy)?)
            })
        }
        TenderCommand::Open { host, out, give_up } => {
            host::work(ui, host, |host| host::open_bids(ui, host, out, *give_up))
        }
        TenderCommand::Cosigned { host, files } => {
            host::work(ui, host, |host| host::cosigned(ui, host, files))
        }
        TenderCommand::Stamp { host, file } => host::work(ui, host, |host| {
            Ok(host.add_stamp(&tsa::token_in(ui::read(file)?))?)
        }),
        TenderCommand::Export { host, full, out } => {
            let what = if *full {
                Export::Dossier
            } else {
                Export::Records
            };
            host::export(&host::open(ui, host)?, what, out)
        }
        TenderCommand::Publish {
            id,
            tender,
            plan,
            out,
        } => notice::publish(
            ui,
            &Identity::load(ui, id)?,
            &Bundle::open(tender)?,
            plan,
            out,
        ),
        TenderCommand::Minutes { id, tender, out } => {
            person::minutes(&Identity::load(ui, id)?, &Bundle::open(tender)?, out)
        }
        TenderCommand::Sign { id, tender, out } => {
            person::sign_minutes(&Identity::load(ui, id)?, &Bundle::open(tender)?, out)
        }
        TenderCommand::Rank {
            id,
            tender,
            lot,
            out,
        } => person::rank(&Identity::load(ui, id)?, &Bundle::open(tender)?, lot, out),
        TenderCommand::Halt(command) => halt::run(ui, command),
        TenderCommand::More(more) => evaluation::args::tender(ui, more),
        TenderCommand::Award {
            id,
            tender,
            lot,
            out,
        } => person::award(&Identity::load(ui, id)?, &Bundle::open(tender)?, lot, out),
    }
}

fn bid(ui: &Ui, command: &BidCommand, json: bool) -> Outcome {
    match command {
        BidCommand::Seal(seal) => bidder::seal(ui, seal, json),
        BidCommand::Submit {
            id,
            tender,
            bid,
            out,
        } => bidder::submit(ui, id, tender, bid, None, out),
        BidCommand::Replace {
            id,
            tender,
            bid,
            old,
            out,
        } => bidder::submit(ui, id, tender, bid, Some(old), out),
        BidCommand::Withdraw {
            id,
            tender,
            bid,
            out,
        } => bidder::withdraw(ui, id, tender, bid, out),
        BidCommand::Release(args) => agent::release_bid(ui, args),
        BidCommand::Confirm {
            id,
            tender,
            lot,
            out,
        } => bidder::confirm(ui, id, tender, lot, out),
        BidCommand::More(more) => evaluation::args::bid(ui, more, json),
        BidCommand::Check {
            tender,
            bid,
            id,
            own,
        } => {
            let asked = bidder::Asked {
                tender,
                bid,
                id: id.as_deref(),
                own: own.as_deref(),
            };
            bidder::check(ui, &asked, json)
        }
    }
}

fn panel(ui: &Ui, command: &PanelCommand) -> Outcome {
    match command {
        PanelCommand::Read(args) => opened::read(ui, args),
        PanelCommand::Pool {
            id,
            tender,
            experts,
            secret,
            out,
        } => pool::freeze(
            &Identity::load(ui, id)?,
            &Bundle::open(tender)?,
            experts,
            secret,
            out,
        ),
        PanelCommand::Draw {
            id,
            tender,
            secret,
            out,
        } => pool::drawn(
            &Identity::load(ui, id)?,
            &Bundle::open(tender)?,
            secret,
            out,
        ),
        PanelCommand::More(more) => evaluation::args::panel(ui, more),
    }
}
