//! Seals and sealed documents through the command: made, put on, checked, and attacked.

use serde_json::Value;
use std::fs;
use std::io::{Cursor, Read as _, Write as _};
use std::path::PathBuf;
use std::process::{Command, Output};

type Outcome = Result<(), Box<dyn std::error::Error>>;
type Found<T> = Result<T, Box<dyn std::error::Error>>;

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

    fn run(&self, args: &str) -> std::io::Result<Output> {
        Command::new(env!("CARGO_BIN_EXE_mifeng"))
            .args(["--lang", "en", "--json", "--pin-file"])
            .arg(self.path("pin"))
            .args(args.split_whitespace())
            .current_dir(&self.0)
            .output()
    }

    fn good(&self, args: &str) -> Found<Value> {
        let output = self.run(args)?;
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        let printed = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{args}: {text}{printed}");
        Ok(serde_json::from_str(&printed).unwrap_or(Value::Null))
    }

    /// The result that a refused check prints, with the code and exit code of the refusal.
    fn bad(&self, args: &str) -> Found<(Value, String, i32)> {
        let output = self.run(args)?;
        assert!(!output.status.success(), "{args} was accepted");
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        let said: Value = serde_json::from_str(text.lines().last().unwrap_or_default())
            .map_err(|e| format!("{args}: {text}: {e}"))?;
        let printed = serde_json::from_slice(&output.stdout).unwrap_or(Value::Null);
        let code = said["code"].as_str().unwrap_or_default().to_owned();
        Ok((printed, code, output.status.code().unwrap_or(-1)))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn png() -> Vec<u8> {
    let mut out = b"\x89PNG\r\n\x1a\n".to_vec();
    let header = [0, 0, 0, 1, 0, 0, 0, 1, 8, 6, 0, 0, 0];
    for (name, body) in [(b"IHDR", &header[..]), (b"IEND", &[])] {
        out.extend_from_slice(&(body.len() as u32).to_be_bytes());
        out.extend_from_slice(name);
        out.extend_from_slice(body);
        out.extend_from_slice(&[0; 4]);
    }
    out
}

fn pack(files: &[(String, Vec<u8>)]) -> Found<Vec<u8>> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in files {
        writer.start_file(name.as_str(), zip::write::SimpleFileOptions::default())?;
        writer.write_all(bytes)?;
    }
    Ok(writer.finish()?.into_inner())
}

fn unpack(bytes: &[u8]) -> Found<Vec<(String, Vec<u8>)>> {
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes))?;
    let mut out = Vec::new();
    for at in 0..archive.len() {
        let mut file = archive.by_index(at)?;
        let mut content = Vec::new();
        file.read_to_end(&mut content)?;
        out.push((file.name().to_owned(), content));
    }
    Ok(out)
}

fn document() -> Found<Vec<u8>> {
    let ns = "xmlns:ofd=\"http://www.ofdspec.org/2016\"";
    let page = |n| format!("<ofd:Page ID=\"{n}\" BaseLoc=\"Pages/Page_{n}/Content.xml\"/>");
    let files = [
        (
            "OFD.xml",
            format!(
                "<ofd:OFD {ns} Version=\"1.0\" DocType=\"OFD\"><ofd:DocBody><ofd:DocInfo><ofd:DocID>0</ofd:DocID></ofd:DocInfo><ofd:DocRoot>Doc_0/Document.xml</ofd:DocRoot></ofd:DocBody></ofd:OFD>"
            ),
        ),
        (
            "Doc_0/Document.xml",
            format!(
                "<ofd:Document {ns}><ofd:CommonData><ofd:MaxUnitID>9</ofd:MaxUnitID><ofd:PageArea><ofd:PhysicalBox>0 0 210 297</ofd:PhysicalBox></ofd:PageArea></ofd:CommonData><ofd:Pages>{}{}</ofd:Pages></ofd:Document>",
                page(1),
                page(2)
            ),
        ),
        (
            "Doc_0/Pages/Page_1/Content.xml",
            format!("<ofd:Page {ns}/>"),
        ),
        (
            "Doc_0/Pages/Page_2/Content.xml",
            format!("<ofd:Page {ns}> </ofd:Page>"),
        ),
    ];
    let files = files.map(|(name, text)| (name.to_owned(), text.into_bytes()));
    pack(&files)
}

fn world(name: &str) -> Found<Folder> {
    let folder = Folder::new(name)?;
    folder.good("ca init --ca c --suite gm --name CA")?;
    for name in ["maker", "buyer", "other"] {
        folder.good(&format!(
            "ca issue --ca c --kind agency --name {name} --out {name}"
        ))?;
    }
    folder.good("ca issue --ca c --kind tsa --name stamps --out stamps")?;
    fs::write(folder.path("seal.png"), png())?;
    fs::write(folder.path("d.ofd"), document()?)?;
    folder.good(
        "stamp make --id maker --signer buyer/sign.cer --picture seal.png --name Seal \
         --number 33010000000001 --kind contract --until 2027-01-01T00:00:00Z --out s.esl",
    )?;
    Ok(folder)
}

const TRUST: &str = "--trust c/root.cer --chain c/issuing.cer --crl c/root.crl --crl c/ca.crl";

#[test]
fn a_seal_is_made_shown_and_checked() -> Outcome {
    let folder = world("seal")?;
    let shown = folder.good("stamp show s.esl --picture out.png")?;
    assert_eq!(
        (&shown["name"], &shown["kind"]),
        (&Value::from("Seal"), &Value::from(4))
    );
    assert_eq!(fs::read(folder.path("out.png"))?, png());
    let found = folder.good(&format!("stamp verify s.esl {TRUST}"))?;
    assert_eq!(found["verdict"], "valid");
    // No lists at hand.
    let (found, code, exit) =
        folder.bad("stamp verify s.esl --trust c/root.cer --chain c/issuing.cer")?;
    assert_eq!((code.as_str(), exit), ("stamp.undetermined", 1));
    assert_eq!(found["verdict"], "undetermined");
    // Another kind of file, and a picture that could carry scripts.
    let (_, code, exit) = folder.bad("stamp show pin")?;
    assert_eq!((code.as_str(), exit), ("stamp.malformed", 3));
    fs::write(folder.path("x.svg"), "<svg/>")?;
    let (_, code, exit) = folder.bad(
        "stamp make --id maker --signer buyer/sign.cer --picture x.svg --name S --number 1 \
         --until 2027-01-01T00:00:00Z --out x.esl",
    )?;
    assert_eq!((code.as_str(), exit), ("stamp.picture", 1));
    Ok(())
}

#[test]
fn documents_are_sealed_and_changes_found() -> Outcome {
    let folder = world("document")?;
    folder
        .good("stamp apply d.ofd --id buyer --seal s.esl --page 1 --tsa-id stamps --out 1.ofd")?;
    folder.good("stamp apply 1.ofd --id buyer --seal s.esl --straddle 100 --out 2.ofd")?;
    let found = folder.good(&format!("stamp verify 2.ofd {TRUST}"))?;
    assert_eq!(found["verdict"], "valid");
    assert_eq!(found["signatures"].as_array().map(Vec::len), Some(2));
    let shown = folder.good("ofd show 2.ofd")?;
    assert_eq!(shown["signatures"].as_array().map(Vec::len), Some(2));
    assert_eq!(folder.good("ofd check 2.ofd")?["pages"], 2);
    let (_, code, _) = folder.bad("stamp apply d.ofd --id other --seal s.esl --out x.ofd")?;
    assert_eq!(code, "stamp.not-listed");
    let (found, code, _) = folder.bad(&format!("stamp verify d.ofd {TRUST}"))?;
    assert_eq!(
        (&found["verdict"], code.as_str()),
        (&Value::from("unsigned"), "stamp.unsigned")
    );

    let good = unpack(&fs::read(folder.path("2.ofd"))?)?;
    let verify = |files: &[(String, Vec<u8>)]| -> Found<(Value, String)> {
        fs::write(folder.path("bent.ofd"), pack(files)?)?;
        let (found, code, _) = folder.bad(&format!("stamp verify bent.ofd {TRUST}"))?;
        Ok((found["verdict"].clone(), code))
    };
    let mut bent = good.clone();
    bent[2].1.push(b' ');
    assert_eq!(verify(&bent)?.0, "invalid");
    let mut bent = good;
    bent.push(("Doc_0/Annots/Annotations.xml".to_owned(), b"<x/>".to_vec()));
    assert_eq!(
        verify(&bent)?,
        (Value::from("not-covered"), "ofd.not-covered".to_owned())
    );
    Ok(())
}

#[test]
fn any_file_is_sealed_beside_it() -> Outcome {
    let folder = world("detached")?;
    folder.good("stamp apply seal.png --detached --id buyer --seal s.esl --out a.dat")?;
    let found = folder.good(&format!("stamp verify seal.png --sig a.dat {TRUST}"))?;
    assert_eq!(found["verdict"], "valid");
    let (_, code, _) = folder.bad(&format!("stamp verify pin --sig a.dat {TRUST}"))?;
    assert_eq!(code, "stamp.digest");
    Ok(())
}
