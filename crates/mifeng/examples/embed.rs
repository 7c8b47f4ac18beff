//! A platform that is there already takes the engine in: its own table keeps the files, its own clock says the time, its
//! own requests bring what people signed. `cargo run -p mifeng --example embed`

use mifeng::crypto::{INTL, SystemEntropy, Time};
use mifeng::{Error, Host, HostKeys, ReadSeek, Receipt, Store, Write};
use mifeng_testkit::world::{self, Cast, Kind, Sealed, Tender};
use std::collections::BTreeMap;
use std::error::Error as Any;
use std::io::{self, Cursor, Read};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Tender, name, content: a table of the platform's own database, here in memory.
type Table = BTreeMap<(u64, String), Vec<u8>>;

/// A connection to it.
#[derive(Clone, Default)]
struct Rows(Arc<Mutex<Table>>);

/// The files of one tender among them.
struct Files {
    rows: Rows,
    tender: u64,
}

impl Files {
    fn rows(&self) -> MutexGuard<'_, Table> {
        self.rows.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn key(&self, name: &str) -> (u64, String) {
        (self.tender, name.to_owned())
    }
}

/// What returns `Ok` has to be durable: a real platform commits here.
impl Store for Files {
    fn read(&self, name: &str) -> io::Result<Option<Vec<u8>>> {
        Ok(self.rows().get(&self.key(name)).cloned())
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn ReadSeek>> {
        let content = self.read(name)?.ok_or(io::ErrorKind::NotFound)?;
        Ok(Box::new(Cursor::new(content)))
    }

    fn write(&mut self, name: &str, content: &mut dyn Read) -> io::Result<u64> {
        let mut bytes = Vec::new();
        let len = content.read_to_end(&mut bytes)?;
        self.rows().insert(self.key(name), bytes);
        Ok(len as u64)
    }

    fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        let mut rows = self.rows();
        let content = rows
            .remove(&self.key(from))
            .ok_or(io::ErrorKind::NotFound)?;
        rows.insert(self.key(to), content);
        Ok(())
    }

    /// One transaction: all writes or none.
    fn batch(&mut self, writes: &[Write<'_>]) -> io::Result<()> {
        let mut rows = self.rows();
        let mut changed = BTreeMap::new();
        for write in writes {
            match *write {
                Write::Put { name, content } => {
                    changed.insert(self.key(name), content.to_vec());
                }
                Write::Append { name, at, content } => {
                    let known = || rows.get(&self.key(name)).cloned().unwrap_or_default();
                    let file = changed.entry(self.key(name)).or_insert_with(known);
                    let at = usize::try_from(at).map_err(io::Error::other)?;
                    if at > file.len() {
                        return Err(io::ErrorKind::InvalidData.into());
                    }
                    file.truncate(at);
                    file.extend_from_slice(content);
                }
            }
        }
        rows.append(&mut changed);
        Ok(())
    }

    fn list(&self, prefix: &str) -> io::Result<Vec<(String, u64)>> {
        let rows = self.rows();
        let own = rows
            .range(self.key(prefix)..)
            .map_while(|((tender, name), content)| {
                let mine = *tender == self.tender && name.starts_with(prefix);
                mine.then(|| (name.clone(), content.len() as u64))
            });
        Ok(own.collect())
    }
}

/// The platform: many tenders in one database, each with one writer.
struct Platform {
    rows: Rows,
    now: Time,
}

impl Platform {
    fn files(&self, tender: u64) -> Files {
        Files {
            rows: self.rows.clone(),
            tender,
        }
    }

    /// What a request brought: a record, and the file of a bid. Refused, or taken and perhaps waiting for its beat.
    fn bring(&self, host: &mut Host<Files>, bid: &Sealed) -> Result<(), Error> {
        let mut body = Cursor::new(&bid.file);
        host.submit(bid.record.clone(), Some(&mut body), self.now)
    }

    /// What its timer does: commits the beats that are due. The receipts go to those who brought the records.
    fn tick(&self, host: &mut Host<Files>) -> Result<Vec<Receipt>, Error> {
        host.beat(self.now, &mut SystemEntropy::new())
    }
}

fn main() -> Result<(), Box<dyn Any>> {
    // Other people with programs and keys of their own: the platform sees nothing of theirs but what they sign.
    let cast = Cast::new(&INTL, "embed");
    let people = Tender::new(&cast, "platform.example/t/17", Kind::Joint);
    let keys = || -> HostKeys { world::keys(&cast) };

    let mut platform = Platform {
        rows: Rows::default(),
        now: world::secs(0),
    };
    // Tender 17 of this platform: its log, and what the agency, the trustees and the buyer signed for it so far.
    platform.files(17).adopt_all(&people)?;
    let mut host = Host::open(platform.files(17), keys())?;
    println!(
        "tender 17: {} files, stage {:?}",
        platform.files(17).list("")?.len(),
        host.state().stage()
    );

    // A bidder seals on an own machine, and a request brings it.
    let mut bidder = people;
    let bid = bidder.seal(0, 900_000, 12);
    platform.now = world::secs(12);
    platform.bring(&mut host, &bid)?;
    println!("waiting for the next beat: {}", host.waiting());
    // Its timer comes to the next beat.
    platform.now = world::secs(20);
    let receipts = platform.tick(&mut host)?;
    let receipt = Receipt::from_file(&receipts.first().ok_or("a receipt")?.to_file()?)?;

    // The platform is started again over the same rows.
    drop(host);
    let host = Host::open(platform.files(17), keys())?;
    let (_, words) = receipt.verify(&bid.record, host.replay())?.in_words();
    println!("{words}");
    println!("tender 18: {} files", platform.files(18).list("")?.len());
    Ok(())
}

impl Files {
    /// The files that the made world of the tests has so far.
    fn adopt_all(&mut self, tender: &Tender<'_>) -> io::Result<()> {
        for (name, content) in tender.store.files().iter() {
            self.write(name, &mut content.as_slice())?;
        }
        Ok(())
    }
}
