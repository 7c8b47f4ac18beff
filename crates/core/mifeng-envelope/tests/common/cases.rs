//! Seals with one fault each.

use super::*;
use mifeng_lock::sharing;
use serde_json::{Value, json};

/// A seal with one fault, and what must be said about it.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) stage: Stage,
    pub(crate) code: &'static str,
    pub(crate) fault: Option<Fault>,
    pub(crate) file: Vec<u8>,
    /// The plaintext inside, where the fault is there.
    pub(crate) plain: Option<Vec<u8>>,
    pub(crate) shares: Vec<(String, Zeroizing<[u8; 32]>)>,
}

/// One tar entry: header blocks and content.
type Entry = (Vec<u8>, Vec<u8>);

/// A ustar header block, as any tar program would write it.
pub(crate) fn ustar(name: &str, size: u64, kind: u8, link: &str) -> Vec<u8> {
    let mut out = vec![0; 512];
    let mut put = |at: usize, bytes: &[u8]| out[at..at + bytes.len()].copy_from_slice(bytes);
    put(0, name.as_bytes());
    put(100, b"0000644\x000000000\x000000000\0");
    put(
        124,
        format!("{size:011o}\x0000000000000\0        ").as_bytes(),
    );
    put(156, &[kind]);
    put(157, link.as_bytes());
    put(257, b"ustar\x0000");
    put(329, b"0000000\x000000000\0");
    let sum: u32 = out.iter().map(|b| u32::from(*b)).sum();
    out[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    out
}

fn head(path: &str, size: u64, index: usize) -> Vec<u8> {
    if path.len() <= 100 {
        return ustar(path, size, b'0', "");
    }
    let mut record = format!("{} path={path}\n", path.len() + 10).into_bytes();
    let first = ustar(&format!("pax/{index}"), record.len() as u64, b'x', "");
    record.resize(512, 0);
    [
        first,
        record,
        ustar(&format!("long/{index}"), size, b'0', ""),
    ]
    .concat()
}

fn entries() -> Vec<Entry> {
    let files = content().into_iter().enumerate();
    files
        .map(|(i, (path, content))| (head(&path, content.len() as u64, i), content))
        .collect()
}

/// The padded plaintext of entries and a manifest (signed by `signer`), whether they agree or not.
fn tar(w: &World, signer: &dyn Signer, manifest: &[u8], entries: &[Entry]) -> Vec<u8> {
    let cms = sign(signer, w.suite, manifest);
    let mut out = Vec::new();
    let own = [("manifest.json", manifest), ("manifest.json.p7s", &cms)];
    let own = own.map(|(name, c)| (ustar(name, c.len() as u64, b'0', ""), c.to_vec()));
    for (header, content) in entries.iter().chain(&own) {
        out.extend_from_slice(header);
        out.extend_from_slice(content);
        out.resize(out.len().next_multiple_of(512), 0);
    }
    // The signature counts with 16,384 bytes.
    let counted = out.len() - cms.len().next_multiple_of(512) + 16_384 + 1024;
    let padded = padded_len(counted as u64).expect("small");
    out.resize(padded as usize, 0);
    out
}

/// Where the manifest's header begins in the plaintext.
pub(crate) fn manifest_at(base: &Base) -> usize {
    let own = b"manifest.json\0";
    let at = base.plain.chunks(512).position(|b| b.starts_with(own));
    at.expect("a manifest") * 512
}

fn manifest_of(base: &Base) -> Value {
    let entry = &base.plain[manifest_at(base)..];
    let digits = core::str::from_utf8(&entry[124..135]).expect("octal");
    let len = usize::from_str_radix(digits, 8).expect("octal");
    serde_json::from_slice(&entry[512..512 + len]).expect("JSON")
}

struct Cheat<'a> {
    w: &'a World,
    base: &'a Base,
    shares: Vec<(String, Zeroizing<[u8; 32]>)>,
    out: Vec<Case>,
}

/// Every case, made from an honest seal under `joint`.
pub(crate) fn all(w: &World, base: &Base) -> Vec<Case> {
    let mut cheat = Cheat {
        w,
        base,
        shares: deal(w, base, &SIGMA),
        out: Vec::new(),
    };
    assert_eq!(
        tar(
            w,
            &w.signer,
            &jcs::to_vec(&manifest_of(base)).expect("JSON"),
            &entries()
        ),
        base.plain,
        "two tar writers agree"
    );
    cheat.tars();
    cheat.manifests();
    cheat.bodies();
    cheat.headers();
    cheat.records();
    cheat.files();
    cheat.out
}

fn deal(w: &World, base: &Base, sigma: &[u8; 32]) -> Vec<(String, Zeroizing<[u8; 32]>)> {
    let policy = base.policy.resolve(w.cert.fingerprint(w.suite.hash()));
    sharing::deal(&policy, sigma, &base.c, w.suite)
}

impl Cheat<'_> {
    fn add(&mut self, name: &'static str, stage: Stage, code: &'static str, file: Vec<u8>) {
        self.out.push(Case {
            name,
            stage,
            code,
            fault: None,
            file,
            plain: None,
            shares: self.shares.clone(),
        });
    }

    fn blame(&mut self, fault: Fault) {
        self.out.last_mut().expect("a case").fault = Some(fault);
    }

    /// The bidder's fault, found when the plaintext is read.
    fn plain(&mut self, name: &'static str, plain: Vec<u8>) {
        let body = encrypt(self.w.suite, &SIGMA, &self.base.c, &plain);
        self.body(name, &body);
        self.out.last_mut().expect("a case").plain = Some(plain);
    }

    fn body(&mut self, name: &'static str, body: &[u8]) {
        let record = forge(self.w, self.base.record.header(), body, |_| ());
        self.add(
            name,
            Stage::Open,
            "envelope.opening",
            assemble(&record, body),
        );
        self.blame(Fault::Bidder);
    }

    fn manifest(&mut self, name: &'static str, edit: impl FnOnce(&mut Value, &mut Vec<Entry>)) {
        let (mut manifest, mut entries) = (manifest_of(self.base), entries());
        edit(&mut manifest, &mut entries);
        let bytes = jcs::to_vec(&manifest).expect("JSON");
        self.plain(name, tar(self.w, &self.w.signer, &bytes, &entries));
    }

    fn tars(&mut self) {
        let mut plain = self.base.plain.clone();
        *plain.last_mut().expect("long") = 1;
        self.plain("padding-not-zero", plain);
        self.manifest("tar-link", |_, e| {
            e[1].0 = ustar("b.txt", 5, b'2', "/etc/passwd")
        });
        self.manifest("tar-hard-link", |_, e| {
            e[1].0 = ustar("b.txt", 5, b'1', "a/empty")
        });
        self.manifest("tar-device", |_, e| e[1].0 = ustar("b.txt", 5, b'3', ""));
        self.manifest("tar-folder", |_, e| e[1].0 = ustar("b.txt", 5, b'5', ""));
        self.manifest("tar-sparse", |_, e| e[1].0 = ustar("b.txt", 5, b'S', ""));
        self.manifest("tar-absolute", |_, e| e[1].0 = ustar("/b.txt", 5, b'0', ""));
        self.manifest("tar-dot-dot", |_, e| {
            e[1].0 = ustar("../b.txt", 5, b'0', "")
        });
        self.manifest("tar-duplicate", |_, e| e.insert(1, e[1].clone()));
        self.manifest("tar-wrong-size", |_, e| {
            e[1].0 = ustar("b.txt", 6, b'0', "")
        });
        self.manifest("tar-gap-not-zero", |_, e| e[1].1.push(1));
        self.manifest("tar-order", |_, e| e.swap(1, 2));
        let (plain, at) = (&self.base.plain, manifest_at(self.base));
        let end = plain.len() - plain.iter().rev().take_while(|b| **b == 0).count();
        let own = &plain[at..end.next_multiple_of(512)];
        let mut first = [own, &plain[..at]].concat();
        first.resize(plain.len(), 0);
        let mut twice = [&plain[..at], own, &own[..512]].concat();
        twice.resize(plain.len(), 0);
        self.plain("tar-manifest-first", first);
        self.plain("tar-entry-after-the-manifest", twice);
        let mut longer = self.base.plain.clone();
        longer.resize(2 << 20, 0);
        self.plain("padded-too-long", longer);
    }

    fn manifests(&mut self) {
        for (name, path) in [
            ("manifest-absolute", "/b.txt"),
            ("manifest-dot-dot", "../b.txt"),
            ("manifest-duplicate", "a/empty"),
            ("manifest-folder-of-another", "a"),
        ] {
            self.manifest(name, |m, e| {
                // Kept in order: `a` sorts before `a/empty`, the others may stand second.
                let at = if path == "a" { 0 } else { 1 };
                let size = if at == 0 { 0 } else { 5 };
                if at == 0 {
                    m["files"][1] = m["files"][0].clone();
                    e[1] = e[0].clone();
                }
                m["files"][at]["path"] = json!(path);
                e[at].0 = ustar(path, size, b'0', "");
            });
        }
        self.manifest("manifest-hash", |m, _| {
            m["files"][1]["hash"] = json!("0".repeat(64))
        });
        self.manifest("manifest-size", |m, e| {
            m["files"][1]["size"] = json!(6);
            e[1].0 = ustar("b.txt", 6, b'0', "");
        });
        self.manifest("manifest-context", |m, _| {
            m["context"] = json!("0".repeat(64))
        });
        self.manifest("manifest-extra-file", |_, e| drop(e.remove(1)));
        self.manifest("manifest-missing-file", |m, _| {
            m["files"].as_array_mut().expect("a list").remove(1);
        });
        self.manifest("manifest-unknown-member", |m, _| m["note"] = json!("x"));
        let bytes = jcs::to_vec(&manifest_of(self.base)).expect("JSON");
        let signer = &self.w.colleague;
        self.plain(
            "manifest-other-signer",
            tar(self.w, signer, &bytes, &entries()),
        );
        let spaced = [&bytes[..], b" "].concat();
        self.plain(
            "manifest-not-canonical",
            tar(self.w, &self.w.signer, &spaced, &entries()),
        );
    }

    fn bodies(&mut self) {
        let mut body = body_of(&self.base.file).to_vec();
        let (first, second) = body[PREFIX..].split_at_mut(SEALED_CHUNK);
        first.swap_with_slice(&mut second[..SEALED_CHUNK]);
        self.body("chunks-swapped-by-bidder", &body);
        let file = assemble(&self.base.record, &body);
        self.add(
            "chunks-swapped-in-storage",
            Stage::Open,
            "envelope.body-root",
            file,
        );
        self.blame(Fault::Host);
        let other = encrypt(self.w.suite, &[1; 32], &self.base.c, &self.base.plain);
        self.body("body-of-another-secret", &other);
        let body = body_of(&self.base.file);
        let record = forge(self.w, self.base.record.header(), body, |t| {
            t.root = Digest::from_bytes([0; 32]);
        });
        // Whoever took it in without checking the root has to answer for it.
        self.add(
            "root-of-another-body",
            Stage::Open,
            "envelope.body-root",
            assemble(&record, body),
        );
        self.blame(Fault::Host);
    }

    fn header(&self) -> Header {
        serde_json::from_slice(self.base.record.header()).expect("JSON")
    }

    fn with_header(
        &mut self,
        name: &'static str,
        stage: Stage,
        code: &'static str,
        header: &Header,
    ) {
        let body = body_of(&self.base.file);
        let record = forge(self.w, &jcs::to_vec(header).expect("JSON"), body, |_| ());
        self.add(name, stage, code, assemble(&record, body));
    }

    fn headers(&mut self) {
        let (_, other) = seal_for(self.w, &self.base.policy, context(self.w), &[0x77; 32]);
        let other: Header = serde_json::from_slice(other.record.header()).expect("JSON");
        let mut header = self.header();
        header.leaves[1].ct.clone_from(&other.leaves[1].ct);
        self.with_header(
            "leaf-of-another-secret",
            Stage::Recover,
            "envelope.opening",
            &header,
        );
        self.blame(Fault::Bidder);
        let dealt = deal(self.w, self.base, &[0x77; 32]);
        self.out.last_mut().expect("a case").shares[1] = dealt[1].clone();
        let mut header = self.header();
        header.com = other.com;
        self.with_header(
            "commitment-to-another-secret",
            Stage::Recover,
            "envelope.opening",
            &header,
        );
        self.blame(Fault::Bidder);
        let mut header = self.header();
        let flipped = if header.leaves[1].ct.starts_with("00") {
            "01"
        } else {
            "00"
        };
        header.leaves[1].ct.replace_range(0..2, flipped);
        self.with_header(
            "board-leaf-altered",
            Stage::Record,
            "lock.invalid-ciphertext",
            &header,
        );
        let mut header = self.header();
        header.leaves.swap(0, 1);
        self.with_header(
            "leaves-out-of-order",
            Stage::Record,
            "envelope.malformed",
            &header,
        );
        let mut header = self.header();
        header.ctx.tender_event = Digest::from_bytes([6; 32]);
        self.with_header("other-tender", Stage::Record, "envelope.mismatch", &header);
        let mut header = self.header();
        header.ctx.nonce = Digest::from_bytes([0; 32]);
        self.with_header(
            "leaf-of-another-nonce",
            Stage::Record,
            "lock.invalid-ciphertext",
            &header,
        );
        let mut header = self.header();
        header.v = 2;
        self.with_header("version-2", Stage::Record, "envelope.unsupported", &header);
    }

    fn records(&mut self) {
        let other = Context {
            bidder: "91350100M000100Y42".to_owned(),
            ..context(self.w)
        };
        let (file, _) = seal_for(self.w, &self.base.policy, other, &SIGMA);
        self.add(
            "other-organisation",
            Stage::Record,
            "envelope.mismatch",
            file,
        );
        let (record, body) = (&self.base.record, body_of(&self.base.file));
        let parts = |cms| {
            let (h, t) = (record.header().to_vec(), record.trailer().to_vec());
            assemble(&SealRecord::new(h, t, cms).expect("sizes"), body)
        };
        let file = parts(sign(&self.w.colleague, self.w.suite, record.trailer()));
        self.add("other-signer", Stage::Record, "envelope.mismatch", file);
        let mut cms = record.cms().to_vec();
        *cms.last_mut().expect("long") ^= 1;
        let file = parts(cms);
        self.add(
            "signature-altered",
            Stage::Record,
            "pki.bad-signature",
            file,
        );
        let spaced = [record.header(), b" "].concat();
        let file = assemble(&forge(self.w, &spaced, body, |_| ()), body);
        self.add(
            "header-not-canonical",
            Stage::Record,
            "json.not-canonical",
            file,
        );
        let zero = |t: &mut Trailer| t.header = Digest::from_bytes([0; 32]);
        let file = assemble(&forge(self.w, record.header(), body, zero), body);
        self.add(
            "trailer-of-another-header",
            Stage::Record,
            "envelope.mismatch",
            file,
        );
        let file = assemble(
            &forge(self.w, record.header(), body, |t| t.body_len += 1),
            body,
        );
        self.add(
            "body-length-not-padded",
            Stage::Record,
            "envelope.body-length",
            file,
        );
    }

    fn files(&mut self) {
        let file = &self.base.file;
        let cut = file[..file.len() - 16].to_vec();
        let longer = [&file[..], &[0]].concat();
        let (mut first, mut last, mut total) = (file.clone(), file.clone(), file.clone());
        first[7] = 2;
        *last.last_mut().expect("long") = 1;
        let at = file.len() - 9;
        total[at] ^= 1;
        let mut inner = file.clone();
        inner.splice(file.len() - 16..file.len() - 16, [0]);
        self.add("cut-before-total", Stage::File, "envelope.length", cut);
        self.add("byte-after-end", Stage::File, "envelope.length", longer);
        self.add("first-magic", Stage::File, "envelope.malformed", first);
        self.add("last-magic", Stage::File, "envelope.malformed", last);
        self.add("total-length", Stage::File, "envelope.length", total);
        self.add(
            "byte-before-total",
            Stage::File,
            "envelope.malformed",
            inner,
        );
    }
}
