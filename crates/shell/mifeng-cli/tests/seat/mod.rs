//! A trustee's identity folder, and a host that shows one bundle in one stage after the other.
#![allow(dead_code)] // Each test uses its part.

use crate::fake::{Asked, Host, Said};
use mifeng::crypto::{INTL, PrivateKey, Scalar, SeededEntropy};
use mifeng::pki::{Signer, keyfile, pem};
use mifeng_testkit::world::*;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

const PIN: &[u8] = b"a passphrase";

/// The identity folder of one person.
pub(crate) struct Seat(pub(crate) PathBuf);

impl Seat {
    /// The first trustee's.
    pub(crate) fn new(name: &str, cast: &Cast) -> Self {
        Seat::trustee(name, cast, 0)
    }

    pub(crate) fn trustee(name: &str, cast: &Cast, number: usize) -> Self {
        let own = &cast.trustees[number];
        let seat = Seat::person(name, cast, &own.person);
        let scalar = Scalar::from_be_bytes(cast.suite.curve(), &own.static_key.to_bytes());
        let of_board = PrivateKey::from_scalar(&scalar.expect("in range")).expect("a key");
        seat.key("witness.key", &own.witness, cast);
        seat.key("static.key", &of_board, cast);
        seat
    }

    pub(crate) fn person(name: &str, cast: &Cast, own: &Person) -> Self {
        let folder =
            std::env::temp_dir().join(format!("mifeng-agent-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).expect("a folder");
        let seat = Seat(folder);
        seat.write("pin", PIN);
        seat.key("sign.key", &own.key(), cast);
        for (name, one) in [
            ("sign.cer", own.signer.certificate()),
            ("chain.cer", cast.ca.certificate()),
        ] {
            seat.write(name, pem::encode("CERTIFICATE", one.der()).as_bytes());
        }
        seat
    }

    fn write(&self, name: &str, text: &[u8]) {
        std::fs::write(self.0.join(name), text).expect("written");
    }

    fn key(&self, name: &str, key: &PrivateKey, cast: &Cast) {
        let (rounds, rng) = (keyfile::ITERATIONS_MIN, &mut SeededEntropy::new(b"agent"));
        let text = keyfile::encrypt(key, PIN, cast.suite, rounds, rng).expect("encrypted");
        self.write(name, text.as_bytes());
    }

    /// A command of this person, at a host.
    pub(crate) fn command(&self, lang: &str, line: &str, url: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_mifeng"));
        command
            .current_dir(&self.0)
            .args(["--lang", lang, "--pin-file", "pin"])
            .args(line.split_whitespace())
            .args(["--id", ".", "--host", url])
            .stdin(Stdio::null());
        command
    }

    pub(crate) fn run(&self, line: &str, host: &Host) -> Output {
        let run = self.command("en", line, &host.url).output();
        run.expect("the command runs")
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

pub(crate) fn said(out: &Output) -> String {
    String::from_utf8_lossy(&[&out.stdout[..], &out.stderr].concat()).into_owned()
}

/// What a host says of a tender in this stage, with so many entries in its log.
pub(crate) fn glance(stage: &str, size: u64) -> Said {
    let text = format!(
        r#"{{"suite":"{}","tender":"T1","title":{{"zh":"项目","en":"tender"}},"stage":"{stage}","size":{size}}}"#,
        INTL.id()
    );
    (200, text.into_bytes()).into()
}

pub(crate) fn no(code: &str) -> Said {
    let text = format!(r#"{{"title":"not found","code":"{code}"}}"#);
    (404, text.into_bytes()).into()
}

/// Ends an agent that looks on after the last look that a test expects.
pub(crate) fn gone() -> Said {
    no("http.no-tender")
}

/// The bundle, unless whoever asks has it.
pub(crate) fn marked(asked: &Asked, bundle: &[u8]) -> Said {
    let mark = Some("\"one\"".to_owned());
    match asked.known == mark {
        true => (304, Vec::new()).into(),
        false => Said {
            status: 200,
            mark,
            body: bundle.to_vec(),
        },
    }
}

/// A host with one bundle, in these stages one look after the other; `rest` answers what else it is asked.
pub(crate) fn in_stages(
    stages: &'static [&'static str],
    (bundle, size): (Vec<u8>, u64),
    rest: impl Fn(&Asked) -> Said + Send + 'static,
) -> Host {
    Host::new(move |asked, before| match &*asked.rest {
        "" => stages
            .get(before)
            .map_or_else(gone, |stage| glance(stage, size)),
        "/bundle" => marked(asked, &bundle),
        _ => rest(asked),
    })
}
