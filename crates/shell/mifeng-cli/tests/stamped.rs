//! The time stamp that an opening waits for: agents ask an authority for it and hand it in, by hand it is made over a head
//! that a host takes, and whoever lacks it is told what to do.

mod fake;
mod real;
mod seat;

use fake::Host;
use mifeng::crypto::{HashAlg, Time};
use mifeng::pki::tsp;
use mifeng::{Export, Replay, trustee};
use mifeng_server::{Clock, SystemClock};
use mifeng_testkit::world::*;
use real::{Real, cast};
use seat::{Seat, in_stages, said};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Output, Stdio};

const LACKS_EN: &str = "a time stamp from after the deadline is missing: give an agent --tsa URL, or make one (mifeng tsa ask/stamp) and hand it in (mifeng send --stamp)";
const LACKS_ZH: &str = "缺少截止时间之后的时间戳：值守程序加 --tsa 地址，或 mifeng tsa ask/stamp 后用 mifeng send --stamp 送达";

/// `mifeng tsa serve` with the authority of the made world.
struct Authority {
    child: Child,
    url: String,
    _seat: Seat,
}

impl Authority {
    fn new(name: &str, cast: &Cast) -> Self {
        let seat = Seat::person(name, cast, &cast.tsa);
        let line = "--lang en --pin-file pin tsa serve --id . --listen 127.0.0.1:0";
        let child = Command::new(env!("CARGO_BIN_EXE_mifeng"))
            .current_dir(&seat.0)
            .args(line.split_whitespace())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn();
        let mut child = child.expect("the command runs");
        let mut line = String::new();
        let mut out = BufReader::new(child.stdout.take().expect("piped"));
        out.read_line(&mut line).expect("a line");
        let url = line
            .split_whitespace()
            .last()
            .expect("an address")
            .to_owned();
        Authority {
            child,
            url,
            _seat: seat,
        }
    }
}

impl Drop for Authority {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A command that names no person and no host but those in its line.
fn mifeng(seat: &Seat, lang: &str, line: &str) -> Output {
    let run = Command::new(env!("CARGO_BIN_EXE_mifeng"))
        .current_dir(&seat.0)
        .args(["--lang", lang, "--pin-file", "pin"])
        .args(line.split_whitespace())
        .stdin(Stdio::null())
        .output();
    run.expect("the command runs")
}

fn done(seat: &Seat, line: &str) {
    let out = mifeng(seat, "en", line);
    assert_eq!(out.status.code(), Some(0), "{line}: {}", said(&out));
}

/// What the log of a host amounts to now, and the files that came with it.
fn bundle(host: &Real, seat: &Seat) -> (Parts, Replay) {
    let _ = std::fs::remove_file(seat.0.join("now.tar"));
    done(
        seat,
        &format!("bundle fetch --out now.tar --host {}", host.url),
    );
    let files = Parts::of_tar(&std::fs::read(seat.0.join("now.tar")).expect("fetched"));
    let replay = Replay::of(&files).expect("replays");
    (files, replay)
}

/// A tender that is closed, by nobody cosigned and by nobody stamped.
fn closed(cast: &Cast, kind: Kind) -> Tender<'_> {
    let mut tender = Tender::new(cast, "host.example/t/T1", kind);
    tender.receive(3);
    tender.close(secs(DEADLINE)).expect("closed");
    if kind == Kind::Joint {
        for number in 0..3 {
            tender.release_leaf(number, DEADLINE + 2).expect("a leaf");
        }
    }
    tender
}

#[test]
fn agents_with_an_authority_open_a_tender_that_nobody_else_stamps() {
    for kind in [Kind::Board, Kind::Joint] {
        let now = SystemClock.now();
        let cast = cast(now);
        let mut tender = closed(&cast, kind);
        let authority = Authority::new("authority", &cast);
        let seats = [0, 1].map(|n| Seat::trustee(&format!("stamps-{n}"), &cast, n));
        let host = Real::new("stamps", &mut tender, now);
        let line = format!("trustee serve --yes --once --tsa {}", authority.url);
        let agents = [0, 1].map(|n| {
            let mut agent = seats[n].command("en", &line, &host.url);
            let agent = agent.stdout(Stdio::piped()).stderr(Stdio::piped());
            agent.spawn().expect("the command runs")
        });
        let mut heard = String::new();
        for agent in agents {
            let out = agent.wait_with_output().expect("ended");
            assert_eq!(out.status.code(), Some(0), "{}", said(&out));
            heard += &said(&out);
        }
        assert!(heard.contains(" handed in\n"), "{heard}");
        let (files, replay) = bundle(&host, &seats[0]);
        let released = replay.records.iter().filter(|r| r.kind == "board.share");
        assert_eq!(released.count(), 2, "{heard}");
        let waits = trustee::awaits_stamp(&replay, &files, now.plus_millis(60_000));
        assert_eq!(waits.expect("holds"), None);
    }
}

#[test]
fn without_an_authority_agent_and_release_say_what_is_missing() {
    let cast = cast(SystemClock.now());
    let mut tender = closed(&cast, Kind::Board);
    tender.close_window(WINDOW_END).expect("window closed");
    tender.cosign(WINDOW_END + 1);
    let size = tender.host.replay().tree.size();
    let tar = tender.tar(Export::Records);
    let seat = Seat::new("missing", &cast);
    std::fs::write(seat.0.join("now.tar"), &tar).expect("written");
    for (lang, lacks) in [("en", LACKS_EN), ("zh", LACKS_ZH)] {
        let host = in_stages(&["opening"], (tar.clone(), size), |_| {
            (200, Vec::new()).into()
        });
        let run = seat
            .command(lang, "trustee serve --yes", &host.url)
            .output();
        let heard = said(&run.expect("the command runs"));
        assert!(heard.contains("✘ 2. ") && heard.contains(lacks), "{heard}");
        let out = mifeng(
            &seat,
            lang,
            "board release --id . --tender now.tar --out r.rec",
        );
        assert_eq!(out.status.code(), Some(1));
        let error = String::from_utf8_lossy(&out.stderr).into_owned();
        assert!(error.contains(lacks), "{error}");
        assert!(!seat.0.join("r.rec").exists());
    }
    // With one there is nothing of it.
    tender.stamp(WINDOW_END + 2);
    std::fs::write(seat.0.join("now.tar"), tender.tar(Export::Records)).expect("written");
    let out = mifeng(
        &seat,
        "en",
        "board release --id . --tender now.tar --out r.rec",
    );
    assert_eq!(out.status.code(), Some(0), "{}", said(&out));
    assert!(!said(&out).contains(LACKS_EN));
}

#[test]
fn a_stamp_is_made_over_a_head_that_the_host_takes() {
    let now = SystemClock.now();
    let cast = cast(now);
    let mut tender = closed(&cast, Kind::Joint);
    let authority = Authority::new("over", &cast);
    let seat = Seat::new("over-head", &cast);
    let tsa = Seat::person("over-tsa", &cast, &cast.tsa);
    std::fs::write(seat.0.join("now.tar"), tender.tar(Export::Records)).expect("written");
    let stamp = format!(
        "tsa stamp --id {} --tender now.tar --out own.tsr",
        tsa.0.display()
    );
    let ask = format!(
        "tsa ask --tender now.tar --url {} --out asked.tsr",
        authority.url
    );
    for (lang, why) in [
        ("en", "the bundle has no cosigned head over the last close"),
        ("zh", "记录包中还没有经共签的截标之后的日志头"),
    ] {
        for line in [&stamp, &ask] {
            let out = mifeng(&seat, lang, line);
            assert_eq!(out.status.code(), Some(1), "{line}");
            assert!(said(&out).contains(why), "{line}: {}", said(&out));
            assert!(
                said(&out).contains("mifeng send --cosigned"),
                "{}",
                said(&out)
            );
        }
    }
    // What a witness cosigned, though the log went on since then.
    tender.cosign_by(0, DEADLINE + 3);
    tender.close_window(WINDOW_END).expect("window closed");
    let host = Real::new("over", &mut tender, now);
    let (_, replay) = bundle(&host, &seat);
    let stored = trustee::stored_imprint(&replay).expect("a stored head");
    assert_ne!(stored, trustee::stamp_imprint(&replay).expect("a head"));
    done(&seat, &stamp);
    done(&seat, &ask);
    for (file, more) in [("own.tsr", 1), ("asked.tsr", 2)] {
        let token = std::fs::read(seat.0.join(file)).expect("written");
        let read = tsp::Stamped::read(&token).expect("a token");
        assert_eq!(read.imprint().digest(), Some(stored));
        done(&seat, &format!("send --host {} --stamp {file}", host.url));
        let (files, _) = bundle(&host, &seat);
        let kept = files.parts.keys().filter(|name| name.starts_with("tsr/"));
        assert_eq!(kept.count(), more);
    }
}

/// How an authority lies.
#[derive(Clone, Copy, PartialEq)]
enum Lie {
    None,
    Nonce,
    Imprint,
}

fn request(stream: &mut TcpStream) -> Vec<u8> {
    let mut reader = BufReader::new(stream);
    let mut len = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).expect("a line");
        match line.trim_end().to_lowercase().split_once(": ") {
            Some(("content-length", value)) => len = value.parse().expect("a length"),
            Some(_) => {}
            None if line.trim_end().is_empty() => break,
            None => {}
        }
    }
    let mut body = vec![0; len];
    reader.read_exact(&mut body).expect("a body");
    body
}

/// An authority that answers once, by a good key; its address.
fn liar(lie: Lie, now: Time) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/", listener.local_addr().expect("bound"));
    std::thread::spawn(move || {
        let cast = cast(now);
        let authority = tsp::TimeStampAuthority::new(&cast.tsa.signer, "1.3.6.1.4.1.32473.1");
        let authority = authority.expect("an authority");
        for stream in listener.incoming() {
            let mut stream = stream.expect("a connection");
            let mut body = request(&mut stream);
            // Where two requests differ the imprint is; the nonce is the number behind it.
            let about = |what: &[u8]| {
                let over = HashAlg::Sha256.digest(what);
                tsp::Request::new(over, HashAlg::Sha256, None).to_der()
            };
            let mut pairs = about(b"x").into_iter().zip(about(b"y"));
            let imprint = pairs.position(|(x, y)| x != y).expect("another imprint");
            let nonce = imprint + HashAlg::Sha256.digest(b"").as_bytes().len();
            assert_eq!(body[nonce], 2, "a number");
            let last = nonce + 1 + usize::from(body[nonce + 1]);
            match lie {
                Lie::None => {}
                Lie::Nonce => body[last] ^= 1,
                Lie::Imprint => body[imprint] ^= 1,
            }
            let answer = authority.answer(&body, 9, SystemClock.now()).der;
            let head = format!(
                "HTTP/1.1 200 OK\r\ncontent-type: application/timestamp-reply\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
                answer.len()
            );
            stream.write_all(head.as_bytes()).expect("sent");
            stream.write_all(&answer).expect("sent");
        }
    });
    url
}

#[test]
fn what_a_lying_authority_answers_is_not_handed_in_and_told_once() {
    let now = SystemClock.now();
    let cast = cast(now);
    let mut tender = closed(&cast, Kind::Board);
    tender.cosign(DEADLINE + 1);
    tender.close_window(WINDOW_END).expect("window closed");
    let size = tender.host.replay().tree.size();
    let tar = tender.tar(Export::Records);
    for (lie, posts, tells) in [(Lie::None, 1, 0), (Lie::Nonce, 0, 1), (Lie::Imprint, 0, 1)] {
        let seat = Seat::new("liar", &cast);
        let stages = &["window", "opening", "opening", "opening"];
        let host: Host = in_stages(stages, (tar.clone(), size), |_| (200, Vec::new()).into());
        let line = format!("trustee serve --yes --tsa {}", liar(lie, now));
        let heard = said(&seat.run(&line, &host));
        assert_eq!(host.count("POST", "/stamps"), posts, "{heard}");
        let told = heard.matches("no time stamp, trying again later").count();
        assert_eq!(told, tells, "{heard}");
    }
    // Nobody there at all: it goes on.
    let seat = Seat::new("nobody", &cast);
    let stages = &["window", "opening", "opening"];
    let host = in_stages(stages, (tar, size), |_| (200, Vec::new()).into());
    let heard = said(&seat.run("trustee serve --yes --tsa http://127.0.0.1:1/", &host));
    assert_eq!(
        heard.matches("no time stamp, trying again later").count(),
        1,
        "{heard}"
    );
    assert!(heard.contains("http.no-tender"), "{heard}");
    let wrong = seat.run("trustee serve --tsa https://127.0.0.1:1/", &host);
    assert_eq!(wrong.status.code(), Some(2), "{}", said(&wrong));
}
