//! Certificates, trust lists, revocation lists over the network, stamps over HTTP: through the
//! command, with servers on this machine that behave and misbehave.

use serde_json::Value;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

type Outcome = Result<(), Box<dyn std::error::Error>>;

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> std::io::Result<Self> {
        let path = std::env::temp_dir().join(format!("mifeng-cli-{name}-{}", std::process::id()));
        fs::create_dir_all(&path)?;
        fs::write(path.join("pin"), "correct horse\n")?;
        Ok(Folder(path))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    fn command(&self, args: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_mifeng"));
        command
            .args(["--lang", "en", "--json", "--pin-file"])
            .arg(self.path("pin"))
            .args(args.split_whitespace())
            .current_dir(&self.0);
        command
    }

    fn run(&self, args: &str) -> std::io::Result<Output> {
        self.command(args).output()
    }

    /// What a command that must work prints.
    fn good(&self, args: &str) -> Result<Value, Box<dyn std::error::Error>> {
        let output = self.run(args)?;
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{args}: {text}");
        let printed = output.stdout;
        Ok(serde_json::from_slice(&printed).unwrap_or(Value::Null))
    }

    /// The code with which a command refuses, and its exit code.
    fn bad(&self, args: &str) -> Result<(String, i32), Box<dyn std::error::Error>> {
        let output = self.run(args)?;
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success(), "{args} was accepted");
        let line = text.lines().last().unwrap_or_default();
        let said: Value = serde_json::from_str(line).map_err(|e| format!("{args}: {text}: {e}"))?;
        let code = said["code"].as_str().unwrap_or_default().to_owned();
        Ok((code, output.status.code().unwrap_or(-1)))
    }

    fn refused(&self, args: &str, code: &str) -> Outcome {
        let found = self.bad(args)?;
        assert_eq!((found.0.as_str(), found.1), (code, 1), "{args}");
        Ok(())
    }

    fn unavailable(&self, args: &str, code: &str) -> Outcome {
        let found = self.bad(args)?;
        assert_eq!((found.0.as_str(), found.1), (code, 4), "{args}");
        Ok(())
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// An instant, seconds from now.
fn from_now(seconds: i64) -> String {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let now = now.map_or(0, |now| i64::try_from(now.as_secs()).unwrap_or(0));
    mifeng::crypto::Time::from_unix_seconds(now + seconds).to_string()
}

/// CAs a and b; an operator of a; a bidder of each.
fn world(name: &str) -> Result<Folder, Box<dyn std::error::Error>> {
    let folder = Folder::new(name)?;
    for ca in ["a", "b"] {
        folder.good(&format!("ca init --ca {ca} --suite intl --name CA-{ca}"))?;
        folder.good(&format!(
            "ca dual --ca {ca} --name Bidder-{ca} --uscc 91350100M000100Y43 --out bidder-{ca}"
        ))?;
    }
    folder.good("ca issue --ca a --kind agency --name Operator --out operator")?;
    Ok(folder)
}

#[test]
fn a_list_from_draft_to_roll_over() -> Outcome {
    let folder = world("list")?;
    folder.good(&format!(
        "trust new --name List --suite intl --effective {} --operator operator/sign.cer --out 1.json",
        from_now(-600)
    ))?;
    folder.good("trust add --draft 1.json --name A --root a/root.cer")?;
    let first = folder.good("trust sign --draft 1.json --id operator --out 1.trust")?;
    assert_eq!(first["version"], 1);
    let check = "cert check bidder-b/sign.cer --chain bidder-b/chain.cer --usage bid-signing --list 1.trust";
    let own = check.replace("bidder-b", "bidder-a");
    let found = folder.good(&own)?;
    assert_eq!(found["check"]["recognised_ca"], "A");
    assert_eq!(found["check"]["uscc"], "91350100M000100Y43");
    folder.refused(check, "pki.unlisted-ca")?;
    // Version 2, with b for bidders, from a day of its own.
    folder.good(&format!(
        "trust new --after 1.trust --effective {} --out 2.json",
        from_now(3_600)
    ))?;
    folder.good("trust add --draft 2.json --name B --root b/root.cer --usage bid-signing --usage bid-encryption")?;
    folder.good("trust sign --draft 2.json --id operator --out 2.trust")?;
    let both = folder.good("trust list 1.trust 2.trust")?;
    assert_eq!(
        both["versions"][1]["previous"],
        both["versions"][0]["digest"]
    );
    let check = check.replace("1.trust", "1.trust --list 2.trust");
    folder.refused(&check, "pki.unlisted-ca")?;
    let check = format!("{check} --at {}", from_now(7_200));
    assert_eq!(folder.good(&check)?["check"]["recognised_ca"], "B");
    folder.refused(&check.replace("bid-signing", "host"), "pki.not-recognised")?;
    folder.refused(
        &check.replace("bid-signing", "bid-encryption"),
        "pki.key-usage",
    )?;
    let early = own.clone() + " --at " + &from_now(-1_200);
    folder.refused(&early, "pki.trust-list")?;
    // Out of order, skipped, by another operator, changed by one byte.
    folder.refused("trust list 2.trust 1.trust", "pki.trust-list")?;
    folder.good("trust sign --draft 2.json --id bidder-a --out stranger.trust")?;
    folder.refused("trust list 1.trust stranger.trust", "pki.trust-list")?;
    let mut bytes = fs::read(folder.path("2.trust"))?;
    let at = bytes.len() / 2;
    bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
    fs::write(folder.path("changed.trust"), bytes)?;
    folder.bad("trust list 1.trust changed.trust")?;
    // What a draft may not say is said when it is written.
    let (code, _) = folder.bad("trust add --draft 2.json --name C --root a/root.cer")?;
    assert_eq!(code, "pki.trust-list", "a root twice");
    let (_, exit) =
        folder.bad("trust add --draft 2.json --name C --root b/root.cer --usage all")?;
    assert_eq!(exit, 2);
    folder.good("trust export --list 2.trust --out exported")?;
    let roots = folder.good("cert show exported/roots.pem")?;
    assert_eq!(roots["certificates"].as_array().map(Vec::len), Some(2));
    // An operator who is revoked signs nothing, wherever the list is used.
    folder.good("trust list 1.trust 2.trust --crl a/ca.crl")?;
    folder.good(&format!("{own} --crl a/ca.crl"))?;
    folder.good("ca revoke --ca a --cert operator/sign.cer")?;
    folder.refused("trust list 1.trust 2.trust --crl a/ca.crl", "pki.revoked")?;
    folder.refused(&format!("{own} --crl a/ca.crl"), "pki.revoked")?;
    Ok(())
}

#[test]
fn a_ca_taken_out() -> Outcome {
    let folder = world("remove")?;
    folder.good(&format!(
        "trust new --name List --suite intl --effective {} --operator operator/sign.cer --out 1.json",
        from_now(-600)
    ))?;
    folder.good("trust add --draft 1.json --name A --root a/root.cer")?;
    let early = from_now(-600);
    folder.good(&format!(
        "trust add --draft 1.json --name B --root b/root.cer --usage bid-signing --from {early}"
    ))?;
    folder.good("trust sign --draft 1.json --id operator --out 1.trust")?;
    let later = from_now(3_600);
    folder.good(&format!(
        "trust new --after 1.trust --effective {later} --out 2.json"
    ))?;
    let before = fs::read(folder.path("2.json"))?;
    let (code, exit) = folder.bad("trust remove --draft 2.json --name C")?;
    assert_eq!((code.as_str(), exit), ("usage", 2));
    assert_eq!(fs::read(folder.path("2.json"))?, before, "nothing changed");
    let removed = folder.good("trust remove --draft 2.json --name B")?;
    assert_eq!(removed["cas"], serde_json::json!(["A"]));
    assert_eq!(removed["can_be_continued"], true);
    folder.good("trust sign --draft 2.json --id operator --out 2.trust")?;
    // The old version judges what was done while it was in force, the new one what comes later.
    let check = "cert check bidder-b/sign.cer --chain bidder-b/chain.cer --usage bid-signing --list 1.trust --list 2.trust";
    assert_eq!(folder.good(check)?["check"]["recognised_ca"], "B");
    let later = format!("{check} --at {}", from_now(7_200));
    folder.refused(&later, "pki.unlisted-ca")?;
    let own = later.replace("bidder-b", "bidder-a");
    assert_eq!(folder.good(&own)?["check"]["recognised_ca"], "A");
    // The last CA stays; the last one for lists may go, and that is said.
    folder.refused("trust remove --draft 2.json --name A", "pki.trust-list")?;
    let removed = folder.good("trust remove --draft 1.json --name A")?;
    assert_eq!(removed["can_be_continued"], false);
    let mut zh = Command::new(env!("CARGO_BIN_EXE_mifeng"));
    zh.args(["--lang", "zh", "trust", "remove", "--draft", "1.json"]);
    let zh = zh.args(["--name", "A"]).current_dir(&folder.0).output()?;
    let text = String::from_utf8_lossy(&zh.stderr).into_owned();
    assert!(text.contains("草案中没有名为“A”的CA，现有：B"), "{text}");
    Ok(())
}

#[test]
fn certificates_shown_and_checked() -> Outcome {
    let folder = world("cert")?;
    let shown = folder.good("cert show bidder-a/sign.cer")?;
    let one = &shown["certificates"][0];
    assert_eq!(one["subject"], "Bidder-a");
    assert_eq!(
        (&one["kind"], &one["uscc"]),
        (&Value::from("signing"), &Value::from("91350100M000100Y43"))
    );
    let shown = folder.good("cert show bidder-a/enc.cer")?;
    assert_eq!(shown["certificates"][0]["kind"], "encryption");
    let check = "cert check bidder-a/sign.cer --chain bidder-a/chain.cer --trust a/root.cer";
    assert_eq!(folder.good(check)?["check"]["revocation_known"], false);
    let required = format!("{check} --require-revocation");
    folder.unavailable(&required, "pki.revocation-unknown")?;
    folder.refused(&check.replace("a/root", "b/root"), "pki.unlisted-ca")?;
    folder.refused(&check.replace("sign.cer", "enc.cer"), "pki.key-usage")?;
    folder.refused(
        &format!("{check} --at 2020-01-01T00:00:00Z"),
        "pki.not-yet-valid",
    )?;
    let (_, exit) = folder.bad(&format!("{check} --at yesterday"))?;
    assert_eq!(exit, 2);
    let (_, exit) = folder.bad("cert check bidder-a/sign.cer")?;
    assert_eq!(exit, 2, "nobody to trust");
    folder.good("ca ocsp --ca a --cert bidder-a/sign.cer --out good.ocsp")?;
    let known = format!("{check} --require-revocation --crl a/root.crl");
    assert_eq!(
        folder.good(&format!("{known} --crl a/ca.crl"))?["check"]["revocation_known"],
        true
    );
    folder.good(&format!("{known} --ocsp good.ocsp"))?;
    folder.good("ca ocsp --ca b --cert bidder-a/sign.cer --out foreign.ocsp")?;
    let foreign = format!("{known} --ocsp foreign.ocsp");
    assert_ne!(folder.bad(&foreign)?.0, "");
    folder.good("ca revoke --ca a --cert bidder-a/sign.cer")?;
    folder.good("ca ocsp --ca a --cert bidder-a/sign.cer --out revoked.ocsp")?;
    folder.refused(&format!("{known} --ocsp revoked.ocsp"), "pki.revoked")?;
    folder.refused(&format!("{check} --crl a/ca.crl"), "pki.revoked")?;
    assert_eq!(folder.good("ca crl --ca a")?["revoked"], 1);
    assert_eq!(folder.good("crl show a/ca.crl")?["revoked"], 1);
    Ok(())
}

/// Answers one connection with these bytes after reading something, and ends.
fn one_answer(answer: Vec<u8>) -> std::io::Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let place = listener.local_addr()?;
    std::thread::spawn(move || {
        if let Ok((mut stream, _)) = listener.accept() {
            let mut request = [0; 4096];
            let _ = stream.read(&mut request);
            let _ = stream.write_all(&answer);
            // Read to the end: what is left unread resets the connection under the answer.
            let _ = stream.shutdown(std::net::Shutdown::Write);
            let _ = stream.read_to_end(&mut Vec::new());
        }
    });
    Ok(place.to_string())
}

fn http(status: &str, body: &[u8]) -> Vec<u8> {
    let mut answer = format!(
        "HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    answer.truncate(answer.len());
    let mut answer = answer.into_bytes();
    answer.extend_from_slice(body);
    answer
}

/// BER with a definite length of four bytes.
fn ber(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let len: usize = parts.iter().map(|part| part.len()).sum();
    let mut out = vec![tag, 0x84];
    out.extend_from_slice(&(len as u32).to_be_bytes());
    parts.iter().for_each(|part| out.extend_from_slice(part));
    out
}

fn entry(value: &[u8]) -> Vec<u8> {
    let attribute = ber(
        0x30,
        &[
            &ber(4, &[b"certificateRevocationList;binary"]),
            &ber(0x31, &[&ber(4, &[value])]),
        ],
    );
    let entry = ber(
        0x64,
        &[&ber(4, &[b"CN=CA,C=CN"]), &ber(0x30, &[&attribute])],
    );
    ber(0x30, &[&[2, 1, 1], &entry])
}

#[test]
fn revocation_lists_over_http_and_ldap() -> Outcome {
    let folder = world("fetch")?;
    let list = fs::read(folder.path("a/ca.crl"))?;
    let fetch = |url: String| folder.bad(&format!("crl fetch {url} --out fetched.crl"));
    let place = one_answer(http("200 OK", &list))?;
    folder.good(&format!(
        "crl fetch http://{place}/ca.crl --out fetched.crl"
    ))?;
    assert_eq!(fs::read(folder.path("fetched.crl"))?, list);
    fs::remove_file(folder.path("fetched.crl"))?;
    let place = one_answer(entry(&list))?;
    folder.good(&format!(
        "crl fetch ldap://{place}/CN=CA,C=CN --out fetched.crl"
    ))?;
    assert_eq!(fs::read(folder.path("fetched.crl"))?, list);
    fs::remove_file(folder.path("fetched.crl"))?;

    let malformed = |found: (String, i32)| assert_eq!(found.1, 3, "{}", found.0);
    let unavailable =
        |found: (String, i32)| assert_eq!((found.0.as_str(), found.1), ("net.unavailable", 4));
    let over_http =
        |answer: Vec<u8>| Ok::<_, std::io::Error>(format!("http://{}/x", one_answer(answer)?));
    malformed(fetch(over_http(http(
        "200 OK",
        b"<html>not a list</html>",
    ))?)?);
    malformed(fetch(over_http(http("200 OK", &list[..list.len() - 1]))?)?);
    unavailable(fetch(over_http(http("404 Not Found", b"no"))?)?);
    unavailable(fetch(over_http(b"not HTTP at all\r\n\r\n".to_vec())?)?);
    unavailable(fetch(over_http(Vec::new())?)?);
    let mut cut = http("200 OK", &list);
    cut.truncate(cut.len() - 10);
    unavailable(fetch(over_http(cut)?)?);
    // A server that sends the client round in circles, or to a file.
    unavailable(fetch(over_http(http(
        "302 Found\r\nlocation: file:///etc/passwd",
        b"",
    ))?)?);
    let over_ldap =
        |answer: Vec<u8>| Ok::<_, std::io::Error>(format!("ldap://{}/CN=CA", one_answer(answer)?));
    malformed(fetch(over_ldap(entry(b"not a list"))?)?);
    unavailable(fetch(over_ldap(ber(
        0x30,
        &[&[2, 1, 1, 0x65, 7, 10, 1, 32, 4, 0, 4, 0]],
    ))?)?);
    unavailable(fetch(over_ldap(vec![0x30, 0x84, 0xff, 0xff, 0xff, 0xff])?)?);
    unavailable(fetch(over_ldap(vec![0x30, 0x85, 1, 1, 1, 1, 1])?)?);
    unavailable(fetch(over_ldap(b"HTTP/1.1 400 Bad Request\r\n".to_vec())?)?);
    unavailable(fetch(over_ldap(Vec::new())?)?);
    let mut cut = entry(&list);
    cut.truncate(cut.len() / 2);
    unavailable(fetch(over_ldap(cut)?)?);
    let (_, exit) = fetch("https://127.0.0.1/ca.crl".to_owned())?;
    assert_eq!(exit, 2);
    assert!(!folder.path("fetched.crl").exists());
    Ok(())
}

/// Speaks raw HTTP and returns the status line.
fn speak(place: &str, request: &[u8]) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(place)?;
    stream.write_all(request)?;
    stream.shutdown(std::net::Shutdown::Write)?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    let text = String::from_utf8_lossy(&answer).into_owned();
    Ok(text.lines().next().unwrap_or_default().to_owned())
}

fn listening(
    path: &Path,
    child: &mut std::process::Child,
) -> Result<String, Box<dyn std::error::Error>> {
    let out = child.stdout.take().ok_or("no output")?;
    // The JSON of the address is printed over some lines.
    for line in BufReader::new(out).lines() {
        if let Some(at) = line?
            .split('"')
            .find_map(|part| part.strip_prefix("http://").map(str::to_owned))
        {
            return Ok(at.trim_end_matches('/').to_owned());
        }
    }
    Err(format!("{}: the authority does not listen", path.display()).into())
}

#[test]
fn stamps_over_http() -> Outcome {
    let folder = Folder::new("tsa")?;
    folder.good("ca init --ca ca --suite intl --name CA")?;
    folder.good("ca issue --ca ca --kind tsa --name TSA --out tsa")?;
    folder.good("ca issue --ca ca --kind agency --name Agency --out agency")?;
    fs::write(folder.path("data"), "stamp me")?;
    fs::write(folder.path("other"), "stamp me!")?;
    let bad: [(&[u8], &str); 9] = [
        (b"GET / HTTP/1.1\r\n\r\n", "405"),
        (b"nonsense\r\n\r\n", "400"),
        (b"", "408"),
        (b"POST / HTTP/1.1\r\n", "408"),
        (b"POST / HTTP/1.1\r\ncontent-type: text/plain\r\ncontent-length: 1\r\n\r\nx", "415"),
        (b"POST / HTTP/1.1\r\ncontent-type: application/timestamp-query\r\n\r\n", "411"),
        (b"POST / HTTP/1.1\r\ncontent-type: application/timestamp-query\r\ncontent-length: +1\r\n\r\nx", "400"),
        (b"POST / HTTP/1.1\r\ncontent-type: application/timestamp-query\r\ncontent-length: 99999999999\r\n\r\nx", "413"),
        (b"POST / HTTP/1.1\r\ncontent-type: application/timestamp-query\r\ncontent-length: 9\r\n\r\nx", "408"),
    ];
    let requests = bad.len() + 2;
    let mut server = folder
        .command(&format!(
            "tsa serve --id tsa --listen 127.0.0.1:0 --requests {requests}"
        ))
        .stdout(Stdio::piped())
        .spawn()?;
    let place = listening(&folder.path("tsa"), &mut server)?;
    for (request, status) in bad {
        let said = speak(&place, request)?;
        assert!(
            said.contains(status),
            "{said}: {}",
            String::from_utf8_lossy(request)
        );
    }
    let mut long = b"POST / HTTP/1.1\r\nx: ".to_vec();
    long.resize(20_000, b'y');
    let said = speak(&place, &long);
    assert!(said.is_err() || said.is_ok_and(|said| said.contains("431")));
    folder.good(&format!(
        "tsa ask data --suite intl --url http://{place}/ --out data.tsr"
    ))?;
    assert!(server.wait()?.success());
    let check = "tsa check data.tsr --data data --trust ca/root.cer";
    // The authority's chain comes with the token.
    assert_eq!(folder.good(check)?["authority"]["subject"], "TSA");
    folder.refused(
        &check.replace("--data data", "--data other"),
        "pki.digest-mismatch",
    )?;
    folder.unavailable(
        &format!("{check} --require-revocation"),
        "pki.revocation-unknown",
    )?;
    folder.good(&format!(
        "{check} --require-revocation --crl ca/root.crl --crl ca/ca.crl"
    ))?;
    // An answer to another request, over the same file and over another.
    for (file, code) in [("data", "pki.time-stamp"), ("other", "pki.digest-mismatch")] {
        let replay = one_answer(http("200 OK", &fs::read(folder.path("data.tsr"))?))?;
        folder.refused(
            &format!("tsa ask {file} --suite intl --url http://{replay}/ --out replay.tsr"),
            code,
        )?;
        assert!(!folder.path("replay.tsr").exists());
    }
    folder.refused("tsa serve --id agency", "pki.key-usage")?;
    let mut bytes = fs::read(folder.path("data.tsr"))?;
    let last = bytes.len() - 3;
    bytes[last] ^= 1;
    fs::write(folder.path("bad.tsr"), bytes)?;
    folder.bad(&check.replace("data.tsr", "bad.tsr"))?;
    let (_, exit) = folder.bad(&format!(
        "tsa ask data --suite intl --url http://{place}/ --out late.tsr"
    ))?;
    assert_eq!(exit, 4, "the authority has gone");
    Ok(())
}

#[test]
fn files_signed_and_checked() -> Outcome {
    for suite in ["gm", "intl"] {
        let folder = Folder::new(&format!("sign-{suite}"))?;
        folder.good(&format!("ca init --ca ca --suite {suite} --name CA"))?;
        folder.good("ca issue --ca ca --kind tsa --name TSA --out tsa")?;
        folder.good("ca dual --ca ca --name Bidder --uscc 91350100M000100Y43 --out bidder")?;
        fs::write(folder.path("data"), "what is signed")?;
        fs::write(folder.path("other"), "what is signed!")?;
        let forms: &[&str] = match suite {
            "gm" => &["rfc5652", "gbt35275"],
            _ => &["rfc5652"],
        };
        for form in forms {
            folder.good(&format!("sign data --id bidder --form {form} --tsa-id tsa"))?;
            let found = folder.good("check data --trust ca/root.cer")?;
            assert_eq!(found["form"], *form);
            assert_eq!(found["signer"]["subject"], "Bidder");
            assert_eq!(found["stamped"], found["judged_at"]);
            let foreign = "check other --sig data.p7s --trust ca/root.cer";
            folder.refused(foreign, "pki.digest-mismatch")?;
            folder.good(&format!(
                "sign data --id bidder --form {form} --attached --out data.p7m"
            ))?;
            fs::remove_file(folder.path("data.p7s"))?;
            folder.good("check data.p7m --trust ca/root.cer --out again")?;
            assert_eq!(
                fs::read(folder.path("again"))?,
                fs::read(folder.path("data"))?
            );
            folder.refused(
                "check other --sig data.p7m --trust ca/root.cer",
                "pki.digest-mismatch",
            )?;
        }
        // A signature by the encryption certificate does not count, whoever made it.
        for name in ["sign.cer", "sign.key"] {
            let from = name.replace("sign", "enc");
            fs::copy(
                folder.path(&format!("bidder/{from}")),
                folder.path(&format!("bidder/{name}")),
            )?;
        }
        folder.good("sign data --id bidder")?;
        folder.refused("check data --trust ca/root.cer", "pki.key-usage")?;
        if suite == "intl" {
            let (_, exit) = folder.bad("sign data --id bidder --form gbt35275")?;
            assert_eq!(exit, 2);
        }
    }
    Ok(())
}

/// A token over the file `data` by the authority in this folder, as of an instant of our choice.
fn token(folder: &Folder, id: &str, seconds: i64) -> Result<Vec<u8>, Box<dyn std::error::Error>> {
    use mifeng::crypto::{INTL, Time};
    use mifeng::pki::{SoftwareSigner, keyfile, pem, tsp};
    let text = |name: &str| fs::read_to_string(folder.path(&format!("{id}/{name}")));
    let key = keyfile::decrypt(&text("sign.key")?, b"correct horse")?;
    let certificate = pem::certificates(&text("sign.cer")?)?.remove(0);
    let signer = SoftwareSigner::new(key, certificate, pem::certificates(&text("chain.cer")?)?)?;
    let alg = INTL.hash();
    let request = tsp::Request::new(alg.digest(&fs::read(folder.path("data"))?), alg, None);
    let at = Time::parse_rfc3339(&from_now(seconds))?;
    Ok(tsp::respond(
        &signer,
        "1.3.6.1.4.1.32473.1",
        1,
        at,
        &request,
    )?)
}

#[test]
fn authorities_are_judged_as_any_signer() -> Outcome {
    let folder = world("authority")?;
    folder.good("ca issue --ca b --kind tsa --name TSA --out tsa")?;
    fs::write(folder.path("data"), "stamp me")?;
    // A stamp of the future.
    fs::write(folder.path("now.tst"), token(&folder, "tsa", 0)?)?;
    fs::write(folder.path("late.tst"), token(&folder, "tsa", 3_600)?)?;
    let check = "tsa check now.tst --data data --trust b/root.cer";
    folder.good(check)?;
    folder.refused(&check.replace("now", "late"), "pki.time-stamp")?;
    // An authority that the list recognises only later: the stamp's own day decides.
    let new = "trust new --name List --suite intl --operator operator/sign.cer";
    folder.good(&format!(
        "{new} --effective {} --out 1.json",
        from_now(-600)
    ))?;
    folder.good("trust add --draft 1.json --name A --root a/root.cer")?;
    folder.good("trust sign --draft 1.json --id operator --out 1.trust")?;
    let new = "trust new --after 1.trust --out 2.json --effective";
    folder.good(&format!("{new} {}", from_now(3_600)))?;
    folder.good("trust add --draft 2.json --name B --root b/root.cer --usage time-stamping")?;
    folder.good("trust sign --draft 2.json --id operator --out 2.trust")?;
    let check = "tsa check now.tst --data data --list 1.trust --list 2.trust --at";
    folder.refused(&format!("{check} {}", from_now(7_200)), "pki.unlisted-ca")?;
    // The signer is known to be good, the authority is not, or is revoked.
    let signer = "--cert bidder-b/sign.cer --out signer.ocsp";
    folder.good(&format!("ca ocsp --ca b {signer}"))?;
    folder.good("ca ocsp --ca b --cert tsa/sign.cer --out tsa.ocsp")?;
    folder.good("sign data --id bidder-b --tsa-id tsa")?;
    let check = "check data --trust b/root.cer --crl b/root.crl --ocsp signer.ocsp";
    let required = format!("{check} --require-revocation");
    folder.unavailable(&required, "pki.revocation-unknown")?;
    folder.good(&format!("{required} --ocsp tsa.ocsp"))?;
    folder.good("ca revoke --ca b --cert tsa/sign.cer")?;
    folder.good("ca ocsp --ca b --cert tsa/sign.cer --out revoked.ocsp")?;
    folder.good("sign data --id bidder-b --tsa-id tsa")?;
    folder.refused(&format!("{check} --ocsp revoked.ocsp"), "pki.revoked")?;
    fs::write(folder.path("now.tst"), token(&folder, "tsa", 1)?)?;
    let check = "tsa check now.tst --data data --trust b/root.cer --crl b/root.crl";
    folder.refused(&format!("{check} --ocsp revoked.ocsp"), "pki.revoked")?;
    Ok(())
}
