//! `mifeng bid seal`: from a folder to a sealed file, and on where an interruption left it.

use super::part::{self, Bar, Part};
use super::{Bid, DiskFile, collect, load_offer, load_seal};
use crate::args::SealArgs;
use crate::bundle::Bundle;
use crate::clock;
use crate::identity::{self, Identity};
use crate::ui::{self, Failure, Lang, Outcome, Ui};
use mifeng::bidder::{self, Certificates, Content, Keys, Line, Mark, OwnCopy, What};
use mifeng::crypto::{Digest, SystemEntropy, Time};
use mifeng::envelope::{
    self, Declarations, DetailLine, Field, FileSource, Inputs, Opening, Progress, Sealed,
    VerifiedSeal, draw_sigma, seal_resuming,
};
use mifeng::pki::{Certificate, Decrypter};
use std::path::Path;

/// `mifeng bid seal`.
pub(crate) fn seal(ui: &Ui, args: &SealArgs, json: bool) -> Outcome {
    seal_as(ui, args, What::Bid, json)
}

/// `mifeng bid seal-offer`.
pub(crate) fn seal_offer(ui: &Ui, args: &SealArgs, json: bool) -> Outcome {
    seal_as(ui, args, What::Offer, json)
}

fn fields(texts: &[String]) -> Result<Vec<Field>, Failure> {
    let one = |text: &String| match text.split_once('=') {
        Some((name, value)) => Ok(Field {
            name: name.to_owned(),
            value: value.to_owned(),
        }),
        None => Err(Failure::malformed(format!("--field {text:?}: NAME=VALUE"))),
    };
    texts.iter().map(one).collect()
}

fn detail(path: Option<&Path>) -> Result<Vec<DetailLine>, Failure> {
    let Some(path) = path else {
        return Ok(Vec::new());
    };
    serde_json::from_str(&ui::read_text(path)?)
        .map_err(|e| Failure::malformed(format!("{}: {e}", path.display())))
}

fn seal_as(ui: &Ui, args: &SealArgs, what: What, json: bool) -> Outcome {
    let mut bundle = Bundle::open(&args.tender)?;
    for path in &args.list {
        let signed = crate::trust::load(path)?;
        let foreseen = bundle.replay.foresee(&signed);
        foreseen.map_err(|e| Failure::from(e).at(path))?;
    }
    let bid = Bid {
        lot: &args.lot,
        folder: &args.files,
        price: args.price.as_deref().unwrap_or_default(),
        price_cn: args.price_cn.as_deref().unwrap_or_default(),
        declarations: Declarations {
            sme: args.small,
            domestic: args.domestic,
            brand: args.brand.clone(),
        },
        detail: detail(args.detail.as_deref())?,
        fields: fields(&args.field)?,
    };
    let mut files = Vec::new();
    collect(bid.folder, "", 0, &mut files)?;
    let lines = look(&bundle, &bid, &files, (what, &args.id));
    tell(ui, &lines)?;
    require_meant(&lines, args.anyway)?;
    let identity = Identity::load(ui, &args.id)?;
    let decrypter = identity::load_decrypter(ui, &identity.folder)?;
    let job = Job {
        ui,
        bundle: &bundle,
        identity: &identity,
        decrypter: &*decrypter,
        encryption: identity::load_certificate(&identity.folder.join("enc.cer"))?,
        what,
        out: &args.out,
    };
    let seal = job.run(&bid, &files)?;
    let words = mifeng::words::fingerprint(&seal.id(), ui.lang == Lang::Zh);
    let out = args.out.display();
    let value = serde_json::json!({
        "bid": args.out, "seal": seal.id(), "fingerprint": words, "lot": bid.lot,
        "files": files.len(), "body_len": seal.body_len(), "root": seal.root(),
        "backup": args.out.with_extension("leaf"), "own_copy": part::own_path(&args.out),
    });
    ui.tell(
        json,
        &value,
        format!("已密封：{out}\n指纹：{words}（mifeng receipt verify 必须显示同样八个词）"),
        format!("sealed: {out}\nfingerprint: {words} (mifeng receipt verify must show the same eight words)"),
    );
    Ok(())
}

/// What is looked at before the PIN is asked for.
fn look(
    bundle: &Bundle,
    bid: &Bid<'_>,
    files: &[DiskFile],
    (what, id): (What, &Path),
) -> Vec<Line> {
    let chain = identity::load_certificates(&id.join("chain.cer")).unwrap_or_default();
    let load = |name: &str| {
        let found = identity::load_certificate(&id.join(name));
        found.map_err(|e| (e.sentence(Lang::Zh).to_owned(), e.text))
    };
    let certificates = Certificates {
        signing: load("sign.cer"),
        encryption: load("enc.cer"),
        chain: &chain,
    };
    let (tender, content) = (&bundle.replay, content(bid, files));
    let mut lines = bidder::look(tender, what, &content, &certificates, clock::now());
    // A page has fields, a command has options.
    for (said, option) in [
        (bidder::NO_PRICE, "--price"),
        (bidder::NO_WORDS, "--price-cn"),
    ] {
        for line in lines.iter_mut().filter(|line| line.en == said.1) {
            line.zh = format!("{}：{option}", line.zh);
            line.en = format!("{}: {option}", line.en);
        }
    }
    lines
}

/// Prints the list; fails if something is missing.
fn tell(ui: &Ui, lines: &[Line]) -> Outcome {
    for Line { mark, zh, en } in lines {
        let mark = match mark {
            Mark::Good => "✔",
            Mark::Note | Mark::Doubt => "!",
            Mark::Missing => "✘",
        };
        // Not the result of the command: that is one value with --json.
        ui.warn(format!("  {mark} {zh}"), format!("  {mark} {en}"));
    }
    let missing = || lines.iter().filter(|line| line.mark == Mark::Missing);
    let Some(first) = missing().next() else {
        return Ok(());
    };
    let count = missing().count();
    let mut failure = Failure::refused("bid.incomplete", format!("{count} missing: {}", first.en));
    failure.zh = Some(format!("还缺 {count} 项：{}", first.zh));
    Err(failure)
}

/// A price that would not count as it was meant is sealed on the bidder's word only.
fn require_meant(lines: &[Line], anyway: bool) -> Outcome {
    let mut doubts = lines.iter().filter(|line| line.mark == Mark::Doubt);
    let Some(Line { zh, en, .. }) = doubts.next().filter(|_| !anyway) else {
        return Ok(());
    };
    let mut failure = Failure::refused(
        "bid.doubtful",
        format!("{en}; nothing was sealed. Is it meant so, say --anyway"),
    );
    failure.zh = Some(format!("{zh}；未密封。确要如此，请加 --anyway"));
    Err(failure)
}

/// Seals a folder with keys at hand, silently and in one go: the demo.
pub(crate) fn seal_folder(
    bundle: &Bundle,
    identity: &Identity,
    bid: Bid<'_>,
    (what, out): (What, &Path),
) -> Outcome {
    let mut files = Vec::new();
    collect(bid.folder, "", 0, &mut files)?;
    let encryption = identity::load_certificate(&identity.folder.join("enc.cer"))?;
    let mut sealed = None;
    ui::write_with(out, |file| {
        let seal = match what {
            What::Bid => bidder::seal,
            What::Offer => bidder::seal_offer,
        };
        sealed = Some(seal(
            &bundle.replay,
            content(&bid, &files),
            &*identity.signer,
            &encryption,
            clock::now(),
            &mut SystemEntropy::new(),
            file,
            &mut |_| (),
        )?);
        Ok(())
    })?;
    sealed.map_or(Ok(()), |sealed| write_backup(&sealed, out))
}

fn content<'a>(bid: &Bid<'a>, files: &'a [DiskFile]) -> Content<'a> {
    let source = |file: &'a DiskFile| Box::new(file) as Box<dyn FileSource + 'a>;
    Content {
        lot: bid.lot,
        files: files.iter().map(source).collect(),
        opening: Opening {
            currency: "CNY".to_owned(),
            fields: bid.fields.clone(),
            price: bid.price.to_owned(),
            price_cn: bid.price_cn.to_owned(),
        },
        declarations: bid.declarations.clone(),
        detail: bid.detail.clone(),
    }
}

fn write_backup(sealed: &Sealed, out: &Path) -> Outcome {
    match bidder::backup_file(sealed) {
        Some(text) => ui::write_secret(&out.with_extension("leaf"), text.as_bytes()),
        None => Ok(()),
    }
}

struct Job<'a> {
    ui: &'a Ui,
    bundle: &'a Bundle,
    identity: &'a Identity,
    decrypter: &'a dyn Decrypter,
    encryption: Certificate,
    what: What,
    out: &'a Path,
}

impl Job<'_> {
    /// Goes on with what an interruption left, or else begins.
    fn run(&self, bid: &Bid<'_>, files: &[DiskFile]) -> Result<VerifiedSeal, Failure> {
        if let Some(journal) = part::left_over(self.out) {
            let rounds = journal
                .split(|byte| *byte == b'\n')
                .count()
                .saturating_sub(2);
            self.ui.warn(
                format!("接着上次中断处继续（已完成约 {} MiB）", rounds * 8),
                format!(
                    "going on after an interruption (about {} MiB are done)",
                    rounds * 8
                ),
            );
            match self.go_on(bid, files, &journal) {
                Err(failure) if failure.code == "envelope.journal" => self.ui.warn(
                    format!("上次的进度不适用（{}），重新开始", failure.text),
                    format!("{}: beginning anew", failure.text),
                ),
                sealed => return sealed,
            }
        }
        part::clear(self.out);
        self.begin(bid, files)
    }

    fn go_on(
        &self,
        bid: &Bid<'_>,
        files: &[DiskFile],
        journal: &[u8],
    ) -> Result<VerifiedSeal, Failure> {
        let own = part::load_own(&part::own_path(self.out))?;
        let suite = self.bundle.replay.suite();
        // The copy names its context; a seal for another one does not go on, and its secret is not
        // even looked at.
        let sigma = own.open(suite, self.decrypter);
        // A token that is not there is no reason to throw away what is done.
        let sigma = sigma.map_err(|e| match e.code() {
            "envelope.not-our-leaf" => Failure::refused("envelope.journal", "own copy"),
            _ => e.into(),
        })?;
        self.with_inputs(bid, files, own.nonce, own.time, |inputs| {
            self.write(inputs, &sigma, journal)
        })
    }

    fn begin(&self, bid: &Bid<'_>, files: &[DiskFile]) -> Result<VerifiedSeal, Failure> {
        let mut entropy = SystemEntropy::new();
        let (nonce, time) = (bidder::nonce(&mut entropy)?, clock::now());
        self.with_inputs(bid, files, nonce, time, |inputs| {
            let sigma = draw_sigma(inputs, &mut entropy)?;
            let own = OwnCopy::new(inputs, &sigma, &mut entropy)?;
            part::store_own(&own, &part::own_path(self.out))?;
            self.write(inputs, &sigma, b"")
        })
    }

    fn with_inputs<T>(
        &self,
        bid: &Bid<'_>,
        files: &[DiskFile],
        nonce: Digest,
        time: Time,
        then: impl FnOnce(&Inputs<'_>) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let keys = Keys {
            signer: &*self.identity.signer,
            encryption: &self.encryption,
        };
        let (tender, content) = (&self.bundle.replay, content(bid, files));
        bidder::with_inputs(
            tender,
            self.what,
            content,
            keys,
            clock::now(),
            nonce,
            |inputs| {
                inputs.signing_time = time;
                Ok(then(inputs))
            },
        )?
    }

    fn write(
        &self,
        inputs: &Inputs<'_>,
        sigma: &[u8; 32],
        journal: &[u8],
    ) -> Result<VerifiedSeal, Failure> {
        let mut part = Part::open(self.out, journal)?;
        let mut bar = Bar::new(!self.ui.quiet);
        let progress = &mut |at: Progress| bar.show(at.done, at.total);
        let sealed = seal_resuming(inputs, sigma, &mut part, journal, progress);
        bar.end();
        let sealed = sealed.map_err(|e| self.explain(e, inputs))?;
        part.complete()?;
        let seal = self.trial(&inputs.context.lot, &sealed, part.path())?;
        write_backup(&sealed, self.out)?;
        part.finish(self.out)?;
        if seal.bidder_leaf_path().is_some() {
            self.ui.warn(
                "  ✔ 试解密本方份额：成功；份额备份已写好",
                "  ✔ trial decryption of the own leaf: works; its backup is written",
            );
        }
        Ok(seal)
    }

    /// Says which file, and that nothing is lost.
    fn explain(&self, error: envelope::Error, inputs: &Inputs<'_>) -> Failure {
        let file = match &error {
            envelope::Error::FileChanged { index } => inputs.files.get(*index),
            _ => None,
        };
        let stopped = matches!(error, envelope::Error::Io { .. });
        let mut failure = Failure::from(error);
        if let Some(file) = file {
            failure.zh = Some(format!("文件 {} 在读取时被改动", file.path()));
            failure.text = format!("file {} changed while it was read", file.path());
        } else if stopped {
            failure.zh = Some(format!(
                "{}；已完成的部分保留，再次运行同一命令即可继续",
                failure.text
            ));
            failure
                .text
                .push_str("; what is done is kept: the same command goes on");
        }
        failure
    }

    /// A trial decryption of the own leaf: a key that does not work is found now, not at the opening.
    fn trial(&self, lot: &str, sealed: &Sealed, file: &Path) -> Result<VerifiedSeal, Failure> {
        let seal = match self.what {
            What::Bid => load_seal(self.bundle, file)?,
            What::Offer => load_offer(self.bundle, lot, file)?,
        };
        bidder::try_own_leaf(&seal, sealed, self.decrypter)?;
        Ok(seal)
    }
}
