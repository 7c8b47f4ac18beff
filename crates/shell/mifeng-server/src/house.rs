//! A house of tenders: one folder each, one writer each.

use crate::access::Access;
use crate::anchor::{AnchorDesk, AnchorOpening};
use crate::clock::Clock;
use crate::limits::{SIGNED_EVERY, SIGNED_RESERVE};
use crate::lists::FileLists;
use crate::problem::Fail;
use crate::rates::{Pace, Rates};
use crate::receipts::Receipts;
use crate::seat::Opening;
use crate::upload::Uploads;
use crate::view::{Standing, View};
use crate::words::Fault;
use crate::writer::{self, Desk, Workplace};
use mifeng::crypto::{Digest, Suite};
use mifeng::{Error, Store, Tar};
use mifeng_store::Lists;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use tokio::sync::{Semaphore, watch};

/// Beside the tenders: uploads, opened bids, bundles made for download. No tender has a name with a dot.
pub(crate) const WORK: &str = ".work";

/// What a folder with a tender in it holds.
const HEAD: &str = "head.json";

/// One tender of a house.
pub struct Tender {
    pub(crate) desk: Desk,
    pub(crate) seen: watch::Receiver<Arc<View>>,
    pub(crate) uploads: Arc<Uploads>,
    pub(crate) receipts: Receipts,
    /// Who may see what.
    pub(crate) access: Access,
    /// Opened bids.
    pub(crate) opened: PathBuf,
    /// Bundles made for download.
    pub(crate) made: PathBuf,
    /// One bundle is made at a time.
    pub(crate) making: Arc<Semaphore>,
    /// The index of the bundle that was made last: reading it goes through the whole file.
    indexed: tokio::sync::Mutex<Option<(PathBuf, Arc<Tar>)>>,
    /// How often each certificate signs something, by the address it comes from: whoever sends somebody's public
    /// records again is charged alone.
    pub(crate) signers: Rates<(Digest, Option<IpAddr>)>,
    /// Places for listeners to the feed.
    pub(crate) listeners: Arc<Semaphore>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Tender {
    /// The latest snapshot.
    pub fn view(&self) -> Arc<View> {
        Arc::clone(&self.seen.borrow())
    }

    /// The index of a bundle made for download.
    pub(crate) async fn index(&self, bundle: &Path) -> Result<Arc<Tar>, Fail> {
        let mut indexed = self.indexed.lock().await;
        if let Some((known, tar)) = &*indexed
            && known == bundle
        {
            return Ok(Arc::clone(tar));
        }
        let path = bundle.to_owned();
        let tar = tokio::task::spawn_blocking(move || Tar::open(&path)).await;
        let tar = Arc::new(tar.map_err(|_| Fault::Internal)??);
        *indexed = Some((bundle.to_owned(), Arc::clone(&tar)));
        Ok(tar)
    }

    /// Whether the writer takes records: it is there, and no write failed.
    pub(crate) fn is_sound(&self) -> bool {
        let view = self.view();
        self.seen.has_changed().is_ok() && view.standing != Standing::Away && view.trusted
    }

    /// Writes the journal of refusals as far as it has come.
    ///
    /// # Errors
    /// What the system says; what is not written is kept.
    pub fn write_journal(&self, now: mifeng::crypto::Time) -> std::io::Result<()> {
        self.access.write_down(now, true)
    }

    /// Whether this process writes it.
    pub(crate) fn is_written(&self) -> bool {
        self.seen.has_changed().is_ok() && self.view().standing == Standing::Writes
    }
}

/// All tenders, and the clock.
pub struct House {
    pub(crate) tenders: BTreeMap<String, Tender>,
    pub(crate) clock: Arc<dyn Clock>,
    /// One for each suite at most.
    pub(crate) anchors: Vec<AnchorDesk>,
    root: PathBuf,
    skipped: Vec<String>,
}

/// Whether a tender can have this name, which stands in addresses and paths and never leads out of a folder: 1 to 64 letters, digits, `-`, `_`.
pub fn is_name(name: &str) -> bool {
    (1..=64).contains(&name.len())
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
}

impl House {
    /// Opens the tender of every sub-folder that holds one and starts its writer; `opening` says how to
    /// open the one in a folder.
    ///
    /// # Errors
    /// Those of [`mifeng::Host::open`], and [`Error::Unavailable`].
    pub fn open<S: Store + 'static>(
        root: &Path,
        clock: Arc<dyn Clock>,
        opening: &mut dyn FnMut(&Path) -> Opening<S>,
    ) -> Result<Self, Error> {
        let wrong = |e: std::io::Error| Error::Unavailable {
            what: root.display().to_string(),
            detail: e.to_string(),
        };
        let mut names = Vec::new();
        for entry in std::fs::read_dir(root).map_err(wrong)? {
            let entry = entry.map_err(wrong)?;
            let name = entry.file_name().to_string_lossy().into_owned();
            // A tender under a name that cannot be served is told of; other folders of such names are nobody's tender.
            if entry.path().is_dir() && (is_name(&name) || entry.path().join(HEAD).is_file()) {
                names.push(name);
            }
        }
        let lists = Arc::new(FileLists::new(&root.join(WORK)));
        Self::of(root, &names, lists, clock, &mut |name| {
            opening(&root.join(name))
        })
    }

    /// The same for tenders that are kept elsewhere, in a database: `root` is for working files only. Replicas share
    /// the lists: who signed in, what was granted, what was refused. A name that cannot stand in an address is left out.
    ///
    /// # Errors
    /// As [`House::open`].
    pub fn of<S: Store + 'static>(
        root: &Path,
        names: &[String],
        lists: Arc<dyn Lists>,
        clock: Arc<dyn Clock>,
        opening: &mut dyn FnMut(&str) -> Opening<S>,
    ) -> Result<Self, Error> {
        let wrong = |e: std::io::Error| Error::Unavailable {
            what: root.display().to_string(),
            detail: e.to_string(),
        };
        let (mut tenders, mut skipped) = (BTreeMap::new(), Vec::new());
        for name in names {
            let name = name.clone();
            if !is_name(&name) {
                skipped.push(name);
                continue;
            }
            let work = root.join(WORK).join(&name);
            let (made, uploads) = Tender::folders(&work).map_err(wrong)?;
            let uploads = Arc::new(uploads);
            let receipts = Receipts::default();
            let workplace = Workplace {
                opened: work.join("opened"),
                uploads: Arc::clone(&uploads),
                receipts: receipts.clone(),
            };
            let open = opening(&name);
            match writer::start(&name, open, Arc::clone(&clock), workplace) {
                Ok(started) => {
                    let view = Arc::clone(&started.1.borrow());
                    let access = Access::open(Arc::clone(&lists), &name, &view, &*clock)?;
                    let opened = work.join("opened");
                    let tender = Tender::of(started, (made, opened), (uploads, receipts), access);
                    tenders.insert(name, tender);
                }
                // Somebody's other folder is no reason to serve nobody.
                Err(Error::Malformed { detail, .. }) if detail == mifeng::NO_TENDER => {
                    skipped.push(name);
                }
                Err(e) => return Err(e),
            }
        }
        Ok(House {
            tenders,
            clock,
            anchors: Vec::new(),
            root: root.to_owned(),
            skipped,
        })
    }

    /// Keeps the anchor log of this suite with this verifier key from now on: heads of the tenders that name it go into it.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if there is no thread, or no room for its working files; what is wrong with the log itself
    /// is told while the house runs.
    pub fn keep_anchors(
        &mut self,
        suite: &'static Suite,
        key: String,
        opening: AnchorOpening,
    ) -> Result<(), Error> {
        let folder = self.root.join(WORK).join(format!(".anchor-{}", suite.id()));
        let tenders = self.tenders.iter();
        let desk = AnchorDesk::start((suite, key), folder, tenders, opening)?;
        self.anchors.push(desk);
        Ok(())
    }

    /// Tenders that name an anchor log which this house does not keep.
    pub fn unanchored(&self) -> Vec<String> {
        let strays = self.tenders.iter().filter(|(_, tender)| {
            let anchoring = tender.view().anchoring.clone();
            let kept = |key: &str| self.anchors.iter().any(|desk| desk.key == key);
            anchoring.is_some_and(|own| !kept(&own.key))
        });
        strays.map(|(name, _)| name.clone()).collect()
    }

    /// Whether nothing keeps heads from the anchor log that their tenders name; none where there is no anchor log, and none
    /// is named.
    pub(crate) fn is_anchored(&self) -> Option<bool> {
        let strays = self.unanchored();
        if self.anchors.is_empty() && strays.is_empty() {
            return None;
        }
        Some(self.anchors.iter().all(AnchorDesk::is_sound) && strays.is_empty())
    }

    /// Sub-folders in which no tender is, and names that cannot stand in an address.
    pub fn skipped(&self) -> &[String] {
        &self.skipped
    }

    /// One tender by its name.
    pub fn tender(&self, name: &str) -> Option<&Tender> {
        self.tenders.get(name)
    }

    /// The tenders, by name.
    pub fn tenders(&self) -> impl Iterator<Item = &Tender> {
        self.tenders.values()
    }

    /// Lets every writer look at the clock, and waits until it has done what was due; and then the keepers of anchor logs.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if a writer or keeper has failed.
    pub async fn wake(&self) -> Result<(), Error> {
        for tender in self.tenders.values() {
            tender.desk.ask(writer::Order::Wake).await?;
        }
        for desk in &self.anchors {
            desk.look().await?;
        }
        Ok(())
    }

    /// Ends the writers: what they were asked before is done, nothing after it. False if a keeper of an anchor log does not
    /// end.
    pub fn stop(&self) -> bool {
        for tender in self.tenders.values() {
            tender.desk.stop();
            let thread = tender.thread.lock();
            let thread = thread.unwrap_or_else(PoisonError::into_inner).take();
            if let Some(thread) = thread {
                // A writer that panicked has nothing left to end.
                let _ = thread.join();
            }
            // The last lines: what cannot be written now is lost, and the disk says so elsewhere.
            let _ = tender.access.write_down(self.clock.now(), true);
        }
        // What the writers left behind.
        let ended: Vec<bool> = self.anchors.iter().map(AnchorDesk::stop).collect();
        ended.into_iter().all(|ended| ended)
    }
}

impl Tender {
    fn folders(work: &Path) -> std::io::Result<(PathBuf, Uploads)> {
        let made = work.join("made");
        // Bundles are made anew after a start.
        let _ = std::fs::remove_dir_all(&made);
        std::fs::create_dir_all(&made)?;
        // Opened bids, grants and the journal are for nobody else on this machine.
        if let Some(all) = work.parent() {
            std::fs::set_permissions(all, std::fs::Permissions::from_mode(0o700))?;
        }
        Ok((made, Uploads::open(&work.join("uploads"))?))
    }

    fn of(
        (desk, seen, thread): writer::Started,
        (made, opened): (PathBuf, PathBuf),
        (uploads, receipts): (Arc<Uploads>, Receipts),
        access: Access,
    ) -> Self {
        Tender {
            desk,
            seen,
            uploads,
            receipts,
            access,
            opened,
            made,
            making: Arc::new(Semaphore::new(1)),
            indexed: tokio::sync::Mutex::default(),
            signers: Rates::new(Pace {
                every: SIGNED_EVERY,
                reserve: SIGNED_RESERVE,
            }),
            listeners: Arc::new(Semaphore::new(crate::limits::LISTENERS_MAX)),
            thread: Mutex::new(Some(thread)),
        }
    }
}
