//! Seals through the command: made, put on documents, verified, and documents bent afterwards.

use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

type Outcome = Result<(), Box<dyn std::error::Error>>;

const VECTORS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../test-vectors/stamp");

struct Folder(PathBuf);

impl Folder {
    /// A CA, a maker of seals, a buyer, somebody else; the picture of the vectors' seal.
    fn new(name: &str) -> Result<Self, Box<dyn std::error::Error>> {
        let path = std::env::temp_dir().join(format!("mifeng-cli-{name}-{}", std::process::id()));
        fs::create_dir_all(&path)?;
        fs::write(path.join("pin"), "correct horse\n")?;
        let seal = mifeng::stamp::Seal::parse(&fs::read(format!("{VECTORS}/v4.esl"))?)?;
        fs::write(path.join("picture.png"), &seal.picture().data)?;
        let folder = Folder(path);
        folder.good("ca init --ca ca --suite gm --name CA")?;
        for who in ["maker", "buyer", "other"] {
            folder.good(&format!(
                "ca issue --ca ca --kind agency --name {who} --out {who}"
            ))?;
        }
        Ok(folder)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    fn run(&self, args: &str) -> std::io::Result<Output> {
        Command::new(env!("CARGO_BIN_EXE_mifeng"))
            .args(["--lang", "en", "--json", "--pin-file"])
            .arg(self.path("pin"))
            .args(args.split_whitespace())
            .current_dir(&self.0)
            .output()
    }

    fn good(&self, args: &str) -> Result<Value, Box<dyn std::error::Error>> {
        let output = self.run(args)?;
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{args}: {text}");
        Ok(serde_json::from_slice(&output.stdout).unwrap_or(Value::Null))
    }

    /// A command that must refuse with this code; the rest of what it says is free.
    fn refused(&self, args: &str, code: &str) -> Outcome {
        let output = self.run(args)?;
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success(), "{args} was accepted");
        let said: Value = serde_json::from_str(text.lines().last().unwrap_or_default())?;
        assert_eq!(said["code"], code, "{args}: {text}");
        Ok(())
    }

    fn make(&self, edition: u8, out: &str) -> Outcome {
        self.good(&format!(
            "stamp make --id maker --signer buyer/sign.cer --picture picture.png --name Seal \
             --number 3301 --edition {edition} --until 2099-01-01T00:00:00Z --out {out}"
        ))?;
        Ok(())
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

const TRUST: &str = "--trust ca/root.cer --chain ca/issuing.cer --crl ca/ca.crl --crl ca/root.crl";

#[test]
fn seals_on_documents_and_beside_files() -> Outcome {
    let folder = Folder::new("stamp")?;
    for edition in [4, 5] {
        let seal = format!("{edition}.esl");
        folder.make(edition, &seal)?;
        let shown = folder.good(&format!("stamp verify {seal} {TRUST}"))?;
        assert_eq!(shown["verdict"], "valid");
        folder.good(&format!(
            "stamp apply {VECTORS}/unsigned.ofd --id buyer --seal {seal} --page 1 --page 2 --out {edition}.ofd"
        ))?;
        let found = folder.good(&format!("stamp verify {edition}.ofd {TRUST}"))?;
        assert_eq!(found["verdict"], "valid");
        assert_eq!(found["signatures"][0]["signature"]["seal"]["name"], "Seal");
        // Who the seal does not name cannot use it.
        folder.refused(
            &format!("stamp apply {VECTORS}/unsigned.ofd --id other --seal {seal} --out no.ofd"),
            "stamp.not-listed",
        )?;
        assert!(!Path::new(&folder.path("no.ofd")).exists());
    }
    folder
        .good("stamp apply 4.ofd --id buyer --seal 5.esl --straddle 100 --close --out both.ofd")?;
    let both = folder.good(&format!("stamp verify both.ofd {TRUST}"))?;
    assert_eq!(both["signatures"].as_array().map(Vec::len), Some(2));
    folder.refused(
        "stamp apply both.ofd --id buyer --seal 4.esl --out no.ofd",
        "ofd.closed",
    )?;
    fs::write(folder.path("letter.txt"), "a letter")?;
    folder.good("stamp apply letter.txt --detached --id buyer --seal 4.esl --out letter.dat")?;
    folder.good(&format!("stamp verify letter.txt --sig letter.dat {TRUST}"))?;
    fs::write(folder.path("letter.txt"), "another letter")?;
    folder.refused(
        &format!("stamp verify letter.txt --sig letter.dat {TRUST}"),
        "stamp.digest",
    )
}

#[test]
fn documents_bent_after_sealing_are_refused() -> Outcome {
    let folder = Folder::new("stamp-bent")?;
    let at = "2026-07-01T00:00:00Z";
    let verify = |name: &str| {
        format!(
            "stamp verify {VECTORS}/{name}.ofd --trust {VECTORS}/root.pem --crl {VECTORS}/root.crl --at {at}"
        )
    };
    folder.good(&verify("one-seal"))?;
    for (name, code) in [
        ("page-changed", "stamp.digest"),
        ("page-replaced", "stamp.digest"),
        ("seal-swapped", "stamp.digest"),
        ("stamp-moved", "stamp.digest"),
        ("annotation-added", "ofd.not-covered"),
        ("annotation-between", "ofd.not-covered"),
        ("page-range", "ofd.not-covered"),
        ("stripped", "stamp.unsigned"),
        ("entry-twice", "ofd.package"),
        ("second-body", "ofd.document"),
    ] {
        folder.refused(&verify(name), code)?;
    }
    Ok(())
}

const PDF: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../test-vectors/pdf");

/// A seal signature, another by a message, both under what closes the document; long-term material.
#[test]
fn seals_on_pdf() -> Outcome {
    let folder = Folder::new("stamp-pdf")?;
    folder.good("ca issue --ca ca --kind tsa --name TSA --out tsa")?;
    folder.make(4, "4.esl")?;
    folder.good(&format!(
        "stamp apply {PDF}/unsigned.pdf --id buyer --seal 4.esl --tsa-id tsa --reason award --out one.pdf"
    ))?;
    let found = folder.good(&format!("stamp verify one.pdf {TRUST}"))?;
    let one = &found["signatures"][0];
    assert_eq!(
        (&found["verdict"], &one["form"]),
        (&"valid".into(), &"ses".into())
    );
    assert_eq!(one["signature"]["seal"]["name"], "Seal");
    assert_eq!(
        (&one["reason"], &one["whole"]),
        (&"award".into(), &true.into())
    );
    folder.good("stamp apply one.pdf --id other --picture picture.png --side 20 --out two.pdf")?;
    let two = folder.good(&format!("stamp verify two.pdf {TRUST}"))?;
    assert_eq!(two["signatures"][1]["form"], "cms");
    assert_eq!(
        two["signatures"][0]["changes"][0]["code"],
        "pdf.signature-added"
    );
    folder.good(
        "stamp extend two.pdf --crl ca/ca.crl --chain ca/issuing.cer --tsa-id tsa --out lta.pdf",
    )?;
    // What is in the document need not be at hand.
    let long = folder.good("stamp verify lta.pdf --trust ca/root.cer --crl ca/root.crl")?;
    assert_eq!(long["signatures"].as_array().map(Vec::len), Some(3));
    folder.refused(
        "stamp apply one.pdf --id other --certify 2 --out no.pdf",
        "stamp.field",
    )?;
    folder.refused(
        "stamp apply one.pdf --id other --seal 4.esl --out no.pdf",
        "stamp.not-listed",
    )?;
    folder.good(&format!(
        "stamp apply {PDF}/unsigned.pdf --id buyer --seal 4.esl --close --out closed.pdf"
    ))?;
    folder.refused(
        "stamp apply closed.pdf --id buyer --seal 4.esl --out no.pdf",
        "ofd.closed",
    )?;
    let mut bent = fs::read(folder.path("one.pdf"))?;
    let at = bent
        .windows(9)
        .position(|w| w == b"1 000 000")
        .ok_or("no price")?;
    bent[at] = b'9';
    fs::write(folder.path("bent.pdf"), bent)?;
    folder.refused(&format!("stamp verify bent.pdf {TRUST}"), "stamp.digest")
}

#[test]
fn pdf_bent_after_signing_is_refused() -> Outcome {
    let folder = Folder::new("stamp-pdf-bent")?;
    let at = "2026-07-01T00:00:00Z";
    let verify = |name: &str| {
        format!(
            "stamp verify {PDF}/{name}.pdf --trust {PDF}/roots.pem --crl {PDF}/sm2.crl --crl {PDF}/p256.crl --at {at}"
        )
    };
    folder.good(&verify("two-signers"))?;
    for (name, code) in [
        ("isa-content", "pdf.content-changed"),
        ("shadow-hide", "pdf.content-changed"),
        ("shadow-hide-replace", "pdf.content-changed"),
        ("shadow-form", "pdf.form-filled"),
        ("overlay-certified-3", "pdf.annotation-added"),
        ("usf-null-range", "pdf.byte-range"),
        ("usf-zero-contents", "pdf.contents"),
        ("wrap-copied", "pdf.byte-range"),
        ("unsigned", "stamp.unsigned"),
        ("encrypted", "pdf.encrypted"),
        ("tail", "pdf.malformed"),
    ] {
        folder.refused(&verify(name), code)?;
    }
    Ok(())
}

/// Where no font for Chinese is installed the command says so, and what to do.
#[test]
fn fonts_are_asked_for() -> Outcome {
    let folder = Folder::new("stamp-font")?;
    let no = "doc seal-picture --name X --out x.png --font pin --font-bold pin";
    folder.refused(no, "doc.font")
}

/// The papers of a dossier: the same bytes when made again, safe packages, not sealed by anybody.
#[test]
fn papers_of_a_dossier() -> Outcome {
    let folder = Folder::new("papers")?;
    let dossier = format!("{VECTORS}/../dossier/gm-1.tar");
    let output = folder.run(&format!("doc render {dossier} --out one"))?;
    if String::from_utf8_lossy(&output.stderr).contains("doc.no-font") {
        eprintln!("skipped: no font for Chinese is installed");
        return Ok(());
    }
    assert!(output.status.success());
    folder.good(&format!("doc render {dossier} --out two"))?;
    let mut count = 0;
    for entry in fs::read_dir(folder.path("one"))? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default();
        assert!(fs::read(&path)? == fs::read(folder.path("two").join(name))?);
        if path.extension().is_some_and(|e| e == "ofd") {
            folder.good(&format!("ofd check {}", path.display()))?;
        }
        folder.refused(
            &format!("stamp verify {} {TRUST}", path.display()),
            "stamp.unsigned",
        )?;
        count += 1;
    }
    assert!(count >= 4);
    Ok(())
}

#[test]
fn straddle_seals_on_pdf_come_first() -> Outcome {
    let folder = Folder::new("stamp-straddle")?;
    folder.make(4, "4.esl")?;
    let made = mifeng_testkit::pdf::tender_pdf(1, "Contract", "Unit", 60_000);
    fs::write(folder.path("plain.pdf"), made)?;
    let apply = "stamp apply --id buyer --seal 4.esl";
    folder.good(&format!(
        "{apply} plain.pdf --straddle 100 --out sealed.pdf"
    ))?;
    let found = folder.good(&format!("stamp verify sealed.pdf {TRUST}"))?;
    assert_eq!(found["verdict"], "valid");
    assert!(found["pages"].as_u64() > Some(1));
    // One strip on each page but the first, which has the signature's own place.
    let sealed = fs::read(folder.path("sealed.pdf"))?;
    let strips = sealed
        .windows(14)
        .filter(|w| w == b"/Subtype /Stam")
        .count();
    assert_eq!(found["pages"].as_u64(), Some(strips as u64 + 1));
    // Nothing is added to what somebody signed; an ordinary seal may follow.
    folder.refused(
        &format!("{apply} sealed.pdf --straddle 60 --out no.pdf"),
        "stamp.field",
    )?;
    folder.good(&format!("{apply} sealed.pdf --page 1 --out twice.pdf"))?;
    let found = folder.good(&format!("stamp verify twice.pdf {TRUST}"))?;
    assert_eq!(found["verdict"], "valid");
    // A strip that is moved afterwards is a change.
    let text = b"/Subtype /Stamp/F 708";
    let at = sealed.windows(text.len()).position(|w| w == text);
    let mut bent = sealed.clone();
    bent[at.ok_or("no strip")? + text.len() - 1] ^= 1;
    fs::write(folder.path("bent.pdf"), bent)?;
    folder.refused(&format!("stamp verify bent.pdf {TRUST}"), "stamp.digest")
}

/// The information form of a unit, filled in.
const FORM: &str = r#"{
  "unit": {"name": "Unit", "code": "371323001", "superior": "", "region": "371323",
    "uscc": "913710007000791943", "nature": "enterprise", "level": "", "address": "1 Road",
    "postcode": "276400", "phone": "0539-2252210", "email": "", "licence": "licence",
    "licence_number": "1", "licence_until": "long-term", "founded": "2015-06-01", "filing": ""},
  "representative": {"name": "A", "post": "", "phone": "0539-2252210"},
  "handler": {"name": "B", "post": "", "phone": "0539-2252210"},
  "keeper": {"name": "C", "post": "", "phone": "0539-2252210", "cert": "KEEPER"}
}"#;

/// A maker with a register, a unit (buyer) whose keeper is `other`.
struct Register(Folder);

impl Register {
    fn new(name: &str) -> Result<Self, Box<dyn std::error::Error>> {
        let folder = Folder::new(name)?;
        fs::write(
            folder.path("picture.png"),
            mifeng_testkit::registry::picture(),
        )?;
        fs::write(folder.path("letter.txt"), "a letter")?;
        let keeper = folder.good("cert show other/sign.cer")?;
        let keeper = keeper["certificates"][0]["sm3"]
            .as_str()
            .unwrap_or_default();
        fs::write(folder.path("form.json"), FORM.replace("KEEPER", keeper))?;
        let register = Register(folder);
        register.0.good(&format!(
            "stamp log start --registry seals --id maker --origin seals.example/r {TRUST}"
        ))?;
        register.export()?;
        Ok(register)
    }

    fn export(&self) -> Outcome {
        let kept = format!("--registry seals --id maker {TRUST}");
        self.0
            .good(&format!("stamp log export {kept} --out seals.tar"))?;
        Ok(())
    }

    /// What a unit or person signs, handed in.
    fn act(&self, act: &str, by: &str) -> Result<String, Box<dyn std::error::Error>> {
        let rest = format!("--registry seals.tar --id {by} {TRUST} --out act.rec");
        self.0.good(&format!("stamp {act} {rest}"))?;
        let kept = format!("--registry seals --id maker {TRUST}");
        let taken = self.0.good(&format!("stamp log add act.rec {kept}"))?;
        self.export()?;
        Ok(taken["record"].as_str().unwrap_or_default().to_owned())
    }

    fn make(&self, more: &str) -> Outcome {
        let until = "--until 2099-01-01T00:00:00Z";
        let applied = self.act(
            &format!("apply-for --form form.json --picture picture.png --name Unit --signer buyer/sign.cer {until} {more}"),
            "buyer",
        )?;
        self.0.good(&format!(
            "stamp make --registry seals --application {} --number 77 --id maker {TRUST} --out seal.esl",
            &applied[..12]
        ))?;
        self.export()
    }
}

#[test]
fn a_seal_lives_in_its_makers_register() -> Outcome {
    let register = Register::new("stamp-life")?;
    let folder = &register.0;
    register.make("")?;
    let shown = folder.good(&format!("stamp log show --registry seals.tar {TRUST}"))?;
    assert_eq!(shown["seals"][0]["number"], "77");
    assert_eq!(shown["size"], 3);
    fs::copy(folder.path("seals.tar"), folder.path("earlier.tar"))?;
    // A letter is sealed once its use is entered.
    let seal = "stamp apply letter.txt --detached --id buyer --seal seal.esl --out letter.dat";
    folder.refused(
        &format!("{seal} --registry seals.tar {TRUST}"),
        "registry.not-entered",
    )?;
    let using = "use letter.txt --seal seal.esl --person B --reason";
    register.act(&format!("{using} letter"), "buyer")?;
    folder.good(&format!("{seal} --registry seals.tar {TRUST}"))?;
    let verify = format!("stamp verify letter.txt --sig letter.dat {TRUST} --registry");
    let found = folder.good(&format!("{verify} seals.tar"))?;
    assert_eq!(found["verdict"], "valid");
    folder.good(&format!(
        "stamp log show --registry seals.tar --earlier earlier.tar {TRUST}"
    ))?;
    folder.refused(
        &format!("stamp log show --registry earlier.tar --earlier seals.tar {TRUST}"),
        "registry.fork",
    )?;
    // Its end is told in time, and it is revoked; what has no time stamp is not known to be earlier.
    let soon = format!("stamp log expiring --registry seals.tar {TRUST} --at 2098-12-10T00:00:00Z");
    let soon = folder.good(&soon)?;
    assert_eq!(soon["expiring"][0]["alert"], "30-days");
    let revoke =
        format!("--number 77 --reason key-compromised --id maker --registry seals {TRUST}");
    folder.good(&format!("stamp revoke {revoke}"))?;
    register.export()?;
    folder.refused(&format!("{verify} seals.tar"), "stamp.undetermined")?;
    folder.good(&format!(
        "stamp revoke {revoke} --from 2026-01-01T00:00:00Z"
    ))?;
    register.export()?;
    folder.refused(&format!("{verify} seals.tar"), "stamp.seal-revoked")?;
    folder.good(&format!("{verify} earlier.tar"))?;
    // A use can be written down; the register does not take it any more.
    folder.good(&format!(
        "stamp {using} again --registry seals.tar --id buyer {TRUST} --out act.rec"
    ))?;
    let kept = format!("--registry seals --id maker {TRUST}");
    folder.refused(&format!("stamp log add act.rec {kept}"), "registry.revoked")
}

#[test]
fn dual_control_needs_the_keeper() -> Outcome {
    let register = Register::new("stamp-dual")?;
    let folder = &register.0;
    register.make("--dual")?;
    let using = register.act(
        "use letter.txt --seal seal.esl --person B --reason letter",
        "buyer",
    )?;
    let seal = format!(
        "stamp apply letter.txt --detached --id buyer --seal seal.esl --out letter.dat --registry seals.tar {TRUST}"
    );
    folder.refused(&seal, "registry.not-approved")?;
    register.act(&format!("approve --use {using}"), "other")?;
    folder.good(&seal)?;
    Ok(())
}
