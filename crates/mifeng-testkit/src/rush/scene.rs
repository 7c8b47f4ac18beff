//! What a rush starts from: a tender of today in a host's store, and sealed bids on their bidders' disks.

use super::Options;
use crate::world::{Cast, Kind, LOT, Making, Memory, keys, notice};
use mifeng::bidder::{self, Content};
use mifeng::crypto::{Digest, INTL, SeededEntropy, SystemEntropy, Time};
use mifeng::envelope::{Declarations, MemoryFile, Opening};
use mifeng::log::{Pace, Schedule};
use mifeng::pki::keyfile;
use mifeng::pki::{Decrypter, Signer, pem};
use mifeng::record::SignedRecord;
use mifeng::{Host, Replay, Store, sign_record};
use mifeng_store::Place;
use std::error::Error;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

pub(super) type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// The tender's name in addresses.
pub(super) const NAME: &str = "rush";
pub(super) const ORIGIN: &str = "host.example/t/rush";
/// Records that one beat of a second may hold: all bidders at once.
const DEPTH: u8 = 12;
const BEAT_MS: u64 = 1_000;
/// The bidders' window, in which nobody of these has to do anything.
const WINDOW_MS: u64 = 1_000;
/// Rounds of the key files: what they guard here is worth nothing.
const ROUNDS: u32 = 1_000;
const PIN: &str = "rush";

pub(super) fn now() -> Time {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Time::from_unix_nanos(i128::try_from(since.as_nanos()).unwrap_or(0))
}

/// A bid that is ready to be sent.
pub(super) struct Prepared {
    /// Its bidder's place in the cast.
    pub(super) bidder: usize,
    pub(super) record: SignedRecord,
    pub(super) commitment: Digest,
    pub(super) file: PathBuf,
    pub(super) size: u64,
}

pub(super) struct Scene {
    pub(super) cast: Cast,
    pub(super) folder: PathBuf,
    pub(super) deadline: Time,
    /// Until when bodies may come: the deadline, or later.
    pub(super) bodies_end: Time,
    pub(super) bids: Vec<Prepared>,
}

impl Scene {
    /// Where the host has its tender, or its working files.
    pub(super) fn house(&self) -> PathBuf {
        self.folder.join("house")
    }

    pub(super) fn identity(&self) -> PathBuf {
        self.folder.join("platform")
    }

    pub(super) fn pin(&self) -> PathBuf {
        self.folder.join("pin")
    }

    /// Makes everything, and comes back when the rush begins: `seconds` before the deadline.
    pub(super) fn make(options: &Options, place: &Place, folder: &Path) -> Outcome<Self> {
        // Somebody is always late.
        let cast = Cast::made(&INTL, "rush", &Making::at(now(), options.bidders));
        let each = sample(&cast, options.body)?;
        let making = each * u32::try_from(options.bidders)? + Duration::from_secs(2);
        let rest = making + Duration::from_secs(options.seconds);
        let deadline = now().as_unix_seconds() + i64::try_from(rest.as_secs())? + 1;
        let bodies_end = deadline + i64::try_from(options.grace)?;
        let mut scene = Scene {
            cast,
            folder: folder.to_owned(),
            deadline: Time::from_unix_seconds(deadline),
            bodies_end: Time::from_unix_seconds(bodies_end),
            bids: Vec::new(),
        };
        let times = (scene.deadline, options.grace);
        let host = publish(&scene.cast, place.open(NAME)?, times)?;
        scene.bids = scene.seal_all(host.replay(), options.body)?;
        drop(host);
        scene.write_identity()?;
        Ok(scene)
    }

    /// Both cores seal.
    fn seal_all(&self, replay: &Replay, body: u64) -> Outcome<Vec<Prepared>> {
        let folder = self.folder.join("bids");
        std::fs::create_dir_all(&folder)?;
        let half = self.cast.bidders.len().div_ceil(2);
        let seal = |from: usize, to: usize| -> Outcome<Vec<Prepared>> {
            let each = |n| {
                seal(
                    &self.cast,
                    replay,
                    n,
                    body,
                    &folder.join(format!("{n}.bid")),
                )
            };
            (from..to).map(each).collect()
        };
        std::thread::scope(|scope| {
            let other = scope.spawn(|| seal(half, self.cast.bidders.len()));
            let mut bids = seal(0, half)?;
            bids.extend(other.join().map_err(|_| "a sealer failed")??);
            Ok(bids)
        })
    }

    /// The host's identity folder, as the command reads it.
    fn write_identity(&self) -> Outcome<()> {
        let folder = self.identity();
        std::fs::create_dir_all(&folder)?;
        let signer = &self.cast.platform.signer;
        let certificate = |name: &str, der: &[u8]| {
            let text = pem::encode("CERTIFICATE", der);
            std::fs::write(folder.join(name), text)
        };
        certificate("sign.cer", signer.certificate().der())?;
        let chain = signer.chain().first().ok_or("a chain")?;
        certificate("chain.cer", chain.der())?;
        let rng = &mut SystemEntropy::new();
        for (name, key) in [
            ("sign.key", self.cast.platform.key()),
            ("log.key", self.cast.log_key()),
        ] {
            let text = keyfile::encrypt(&key, PIN.as_bytes(), self.cast.suite, ROUNDS, rng)?;
            std::fs::write(folder.join(name), text.as_bytes())?;
        }
        Ok(std::fs::write(self.pin(), PIN)?)
    }
}

/// How long the sealing of one bid takes here, with room for a busy machine.
fn sample(cast: &Cast, body: u64) -> Outcome<Duration> {
    let far = Time::from_unix_seconds(now().as_unix_seconds() + 3_600);
    let host = publish(cast, Memory::default(), (far, 0))?;
    let path = std::env::temp_dir().join(format!("mifeng-rush-{}.bid", std::process::id()));
    let start = Instant::now();
    let sealed = (0..2).try_for_each(|n| seal(cast, host.replay(), n, body, &path).map(|_| ()));
    let _ = std::fs::remove_file(&path);
    sealed?;
    // Two in this time, and two at a time later: a half of it each, doubled.
    Ok(start.elapsed() / 2)
}

/// `times`: the deadline, and the seconds in which bodies may come after it.
fn publish<S: Store>(cast: &Cast, store: S, times: (Time, u64)) -> Outcome<Host<S>> {
    let (start, rng) = (now(), &mut SystemEntropy::new());
    let roots = std::slice::from_ref(&cast.root);
    let mut host = Host::create(store, cast.suite, ORIGIN, keys(cast), roots, start, rng)?;
    let day = Time::from_unix_seconds(start.as_unix_seconds() + 86_400);
    let list = cast.ca.revocation_list(&[], start, day, 1)?;
    host.add_crl(&list)?;
    for record in &cast.board {
        host.submit(record.clone(), None, start)?;
    }
    let mut notice = notice(cast, host.state(), Kind::Board);
    let first = Time::from_unix_seconds(start.as_unix_seconds() + 2);
    let pace = Pace {
        from: first,
        period_ms: BEAT_MS,
    };
    notice.beats = Schedule::new(DEPTH, vec![pace])?;
    (notice.deadline, notice.body_grace_ms) = (times.0, times.1 * 1_000);
    notice.window_ms = WINDOW_MS;
    notice.pin(start)?;
    let signer = &cast.agency.signer;
    let record = sign_record(host.state(), "tender.publish", &notice, signer, start, rng)?;
    host.submit(record, None, start)?;
    Ok(host)
}

fn seal(cast: &Cast, replay: &Replay, number: usize, body: u64, path: &Path) -> Outcome<Prepared> {
    let person = cast.bidders.get(number).ok_or("a bidder")?;
    let cents = 90_000_000 - i128::try_from(number)? * 100;
    let len = usize::try_from(body)?;
    let content = Content {
        lot: LOT,
        files: vec![Box::new(MemoryFile {
            path: "drawing.bin".to_owned(),
            content: (number as u64..)
                .flat_map(u64::to_le_bytes)
                .take(len)
                .collect(),
        })],
        opening: Opening {
            currency: "CNY".to_owned(),
            fields: Vec::new(),
            price: format!("{}.00", cents / 100),
            price_cn: mifeng::record::amount::format(cents),
        },
        declarations: Declarations {
            sme: false,
            domestic: true,
            brand: None,
        },
        detail: Vec::new(),
    };
    let rng = &mut SeededEntropy::new(format!("bid {number}").as_bytes());
    let mut file = std::io::BufWriter::with_capacity(1 << 20, std::fs::File::create(path)?);
    let encryption = person.enc.as_ref().ok_or("a bidder")?.certificate();
    let sealed = bidder::seal(
        replay,
        content,
        &person.signer,
        encryption,
        now(),
        rng,
        &mut file,
        &mut |_| {},
    )?;
    file.flush()?;
    let data = bidder::submission(&sealed.record);
    let signer = &person.signer;
    let record = sign_record(&replay.state, "bid.submit", &data, signer, now(), rng)?;
    Ok(Prepared {
        bidder: number,
        commitment: record.commitment(cast.suite),
        record,
        file: path.to_owned(),
        size: std::fs::metadata(path)?.len(),
    })
}
