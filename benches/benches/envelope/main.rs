//! Sealed bids: 64 MB in memory beside the bare work inside; a GiB in files beside other people's
//! programs; peak memory; a thousand bids opened.
//!
//!     cargo bench -p benches --bench envelope                  # all
//!     cargo bench -p benches --bench envelope -- files         # one of: memory files peak open

mod child;
mod files;
mod thousand;

use benches::world::{People, Trustees, USCC, now};
use benches::{Table, Unit, bytes, done, good};
use mifeng_crypto::{ChunkCipher, Digest, GM, INTL, SeededEntropy, Suite};
use mifeng_envelope::{
    Context, Declarations, FileSource, Inputs, NoSink, Opening, SealedFile, Tender,
    check_body_with, open_body_with, seal_with_sigma,
};
use mifeng_lock::{Policy, tdh2};
use std::hint::black_box;
use std::io::{Cursor, Read};

/// The size of a chunk of a bid's body.
const CHUNK: usize = 16 << 10;
const EVENT: Digest = Digest::from_bytes([5; 32]);
const SIGMA: [u8; 32] = *b"sigma: thirty-two bytes, no more";

/// A file that is only borrowed, so that no copy of it is timed.
struct Borrowed<'a>(&'a [u8]);

impl FileSource for Borrowed<'_> {
    fn path(&self) -> &str {
        "bid.pdf"
    }
    fn size(&self) -> u64 {
        self.0.len() as u64
    }
    fn open(&self) -> std::io::Result<Box<dyn Read + '_>> {
        Ok(Box::new(self.0))
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let Some(at) = arguments.iter().position(|word| word == child::FLAG) {
        return child::seal(&arguments[at + 1..]);
    }
    let asked: Vec<&String> = arguments.iter().filter(|a| !a.starts_with('-')).collect();
    let wanted = |part: &str| asked.is_empty() || asked.iter().any(|word| *word == part);
    if wanted("memory") {
        memory();
    }
    if wanted("files") || wanted("peak") {
        files::run(wanted("files"), wanted("peak"));
    }
    if wanted("open") {
        thousand::run();
    }
}

fn memory() {
    let mut table = Table::new("envelope");
    let content = bytes(table.size(64_000_000, 200_000));
    let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get());
    for suite in [&GM, &INTL] {
        let bench = Bench {
            suite,
            people: People::new(suite),
            trustees: Trustees::new(suite),
            content: &content,
        };
        bench.run(&mut table, cores);
    }
    table.print();
}

struct Bench<'a> {
    suite: &'static Suite,
    people: People,
    trustees: Trustees,
    content: &'a [u8],
}

impl Bench<'_> {
    fn inputs(&self, workers: usize) -> Inputs<'_> {
        let fingerprint = self.people.cert.fingerprint(self.suite.hash());
        let mut entropy = SeededEntropy::new(b"bench seal");
        let context = Context::new(
            self.suite,
            EVENT,
            ("1", "all"),
            (USCC, fingerprint),
            &mut entropy,
        );
        Inputs {
            suite: self.suite,
            context: context.expect("context"),
            policy: self.policy().resolve(fingerprint),
            boards: &[],
            chains: &[],
            encryption: &self.people.cert,
            signer: &self.people.signer,
            signing_time: now(),
            files: vec![Box::new(Borrowed(self.content))],
            opening: Opening {
                currency: "CNY".to_owned(),
                fields: Vec::new(),
                price: "980000.00".to_owned(),
                price_cn: "玖拾捌万元整".to_owned(),
            },
            declarations: Declarations::default(),
            detail: Vec::new(),
            workers,
        }
    }

    fn policy(&self) -> Policy {
        Policy::joint(self.trustees.board.key())
    }

    fn run(&self, table: &mut Table, cores: usize) {
        let boards = [&self.trustees.board];
        let inputs = Inputs {
            boards: &boards,
            ..self.inputs(1)
        };
        let wide = Inputs {
            boards: &boards,
            ..self.inputs(cores)
        };
        let mut file = Vec::new();
        seal_with_sigma(&inputs, &SIGMA, &mut file, &mut |_| ()).expect("seals");
        let policy = self.policy();
        let tender = Tender {
            suite: self.suite,
            event: EVENT,
            lots: &["1"],
            policy: &policy,
            boards: &boards,
        };
        let read = SealedFile::read(&mut Cursor::new(&file)).expect("reads");
        let seal = read.record().verify(&tender).expect("verifies");
        let mut entropy = SeededEntropy::new(b"bench shares");
        let own = seal
            .bidder_leaf_path()
            .expect("joint has the bidder's leaf");
        let share = seal.bidder_leaf_share(&self.people.decrypter);
        let mut leaves = vec![(own, share.expect("own leaf"))];
        for leaf in seal.group_leaves() {
            let shares: Vec<_> = self.trustees.shares[..3]
                .iter()
                .map(|secret| tdh2::release(boards[0], secret, &leaf.ciphertext, &mut entropy))
                .collect::<Result<_, _>>()
                .expect("shares");
            let share = tdh2::combine(boards[0], &leaf.ciphertext, &shares).expect("quorum");
            leaves.push((leaf.path.clone(), share));
        }
        let sigma = seal.recover(&leaves, &boards).expect("recovers");

        let mut outs = [(); 2].map(|()| Vec::with_capacity(file.len() + CHUNK));
        let seal_to = |out: &mut Vec<u8>, inputs| {
            out.clear();
            good(seal_with_sigma(inputs, &SIGMA, out, &mut |_| ()));
        };
        let check = |workers| good(check_body_with(&mut Cursor::new(&file), &seal, workers));
        let open = |workers| {
            let file = &mut Cursor::new(&file);
            good(open_body_with(file, &seal, &sigma, &mut NoSink, workers));
        };
        let [out, wide_out] = &mut outs;
        let many = (cores > 1).then_some(cores);
        let (one, two) = (&mut || seal_to(out, &inputs), &mut || {
            seal_to(wide_out, &wide)
        });
        self.job(table, "seal", many, one, two);
        self.job(table, "check_body", many, &mut || check(1), &mut || {
            check(cores)
        });
        self.job(table, "open", many, &mut || open(1), &mut || open(cores));
    }

    /// The job beside a copy, one hash and one encryption of the content, each on one thread; then
    /// on all cores beside itself on one.
    fn job(
        &self,
        table: &mut Table,
        job: &str,
        many: Option<usize>,
        one: &mut dyn FnMut(),
        all: &mut dyn FnMut(),
    ) {
        let name = format!("{} {job}", self.suite.id());
        let content = self.content;
        let (mut copy, mut text) = (content.to_vec(), content.to_vec());
        let key = vec![1; self.suite.body_key_len()];
        let cipher = ChunkCipher::new(self.suite, &key).expect("key");
        table.job(
            &format!("{name}, 1 thread"),
            Unit::Bytes(content.len()),
            one,
            &mut [
                ("copy", &mut || {
                    black_box(&mut copy).copy_from_slice(black_box(content));
                }),
                ("bare hash", &mut || {
                    done(self.suite.hash().digest(content));
                }),
                ("bare AEAD", &mut || {
                    for (at, chunk) in text.chunks_mut(CHUNK).enumerate() {
                        let mut nonce = [0; 12];
                        nonce[4..].copy_from_slice(&(at as u64).to_be_bytes());
                        good(cipher.seal(&nonce, chunk));
                    }
                }),
            ],
        );
        if let Some(cores) = many {
            let unit = Unit::Bytes(content.len());
            let name = format!("{name}, {cores} threads");
            table.job(&name, unit, all, &mut [("1 thread", one)]);
        }
    }
}
