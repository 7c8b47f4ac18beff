//! Where a host that serves finds its tenders: in folders, or in a database that replicas share.

use crate::anchor::{KeptLog, is_anchor_log};
use crate::host::{self, Kept};
use crate::identity::{self, Identity};
use crate::ui::{Failure, Outcome, Ui};
use mifeng::crypto::{GM, INTL};
use mifeng::{Error, Store};
use mifeng_server::{Clock, Event, House, Level, Log, Opened, Opening};
use mifeng_store::{Access, Directory, Fault, Place};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// One tender's place.
enum At {
    Folder(PathBuf),
    Database(Place, String),
}

impl At {
    /// `None` while another process writes it.
    fn open(&self, access: Access) -> Result<Option<Box<dyn Store>>, Failure> {
        match self {
            // A folder has one process; a second one is a mistake, and is told so.
            At::Folder(folder) => match Directory::open(folder) {
                Ok(store) => Ok(Some(Box::new(store))),
                Err(e) => Err(Failure::io(folder, &e)),
            },
            At::Database(place, name) => match place.open_as(name, access) {
                Ok(store) => Ok(Some(store)),
                Err(e) if matches!(Fault::of(&e), Some(Fault::Held { .. })) => Ok(None),
                Err(e) => Err(Failure::store(name, &e)),
            },
        }
    }

    fn name(&self) -> String {
        match self {
            At::Folder(folder) => folder.display().to_string(),
            At::Database(_, name) => name.clone(),
        }
    }
}

/// Opens every tender: those of the database, or those in folders below `dir`.
pub(crate) fn house(
    (ui, log): (&Ui, &Log),
    (dir, id): (&Path, &Path),
    kept: &Kept,
    clock: Arc<dyn Clock>,
) -> Result<House, Failure> {
    // Asked for here, once, and tried at every start, also before the first tender: the writers open the keys in their own threads.
    let _ = Identity::load(ui, id)?;
    let log_key = id.join("log.key");
    if log_key.exists() {
        identity::load_key(ui, &log_key)?;
    }
    let mut house = tenders((ui, log), (dir, id), kept, clock)?;
    keep_anchors((ui, log), id, kept, &mut house)?;
    Ok(house)
}

/// Keeps the anchor logs that `mifeng anchor init` made for this identity, and says so; or that there is none.
fn keep_anchors((ui, log): (&Ui, &Log), id: &Path, kept: &Kept, house: &mut House) -> Outcome {
    let mut found = false;
    for suite in [&GM, &INTL] {
        let Some(anchor) = KeptLog::of(ui, id, suite)? else {
            continue;
        };
        found = true;
        let origin = anchor.origin().to_owned();
        if kept.is_of_many_machines() && !anchor.is_shared() {
            log.tell(Event::new(
                Level::Error,
                "anchor.not-shared",
                format!("{origin}：锚定日志在本机文件夹中，其他副本看不到，本平台不写入；须在数据库中建立（anchor init --db）"),
                format!("{origin}: THE ANCHOR LOG IS IN A FOLDER OF THIS MACHINE, which other replicas do not see: nothing is anchored. Begin one in the database (anchor init --db)"),
            ));
            continue;
        }
        let key = anchor.vkey()?;
        if !ui.quiet {
            let zh = format!("锚定日志：{origin}，验证密钥 {key}");
            let en = format!("anchor log: {origin}, its verifier key {key}");
            log.tell(Event::new(Level::Info, "anchor.kept", zh, en));
        }
        house.keep_anchors(suite, key, anchor.opening()?)?;
    }
    if !found {
        log.tell(Event::new(
            Level::Warn,
            "anchor.none",
            "没有锚定日志：整个项目若消失，无人能证明（mifeng anchor init，须在建立项目之前）".to_owned(),
            "no anchor log: a whole tender could vanish, and nobody could show it (mifeng anchor init, before tenders are started)".to_owned(),
        ));
    }
    Ok(())
}

fn tenders(
    (ui, log): (&Ui, &Log),
    (dir, id): (&Path, &Path),
    kept: &Kept,
    clock: Arc<dyn Clock>,
) -> Result<House, Failure> {
    let Some(place) = kept.place()? else {
        let mut opening = |folder: &Path| opening((ui, log), id, At::Folder(folder.to_owned()));
        return Ok(House::open(dir, clock, &mut opening)?);
    };
    let mut names = place.tenders().map_err(|e| Failure::store("--db", &e))?;
    names.retain(|name| !is_anchor_log(name));
    let lists = place.lists().map_err(|e| Failure::store("--db", &e))?;
    let place = place
        .for_one_writer()
        .map_err(|e| Failure::store("--db", &e))?;
    let mut opening = |name: &str| {
        let at = At::Database(place.clone(), name.to_owned());
        opening((ui, log), id, at)
    };
    Ok(House::of(dir, &names, lists, clock, &mut opening)?)
}

fn opening((ui, log): (&Ui, &Log), id: &Path, at: At) -> Opening<Box<dyn Store>> {
    let (ui, log, id) = (ui.copy(), log.clone(), id.to_owned());
    let mut before = Told::Nothing;
    Box::new(move |access| {
        let opened = open(&ui, &id, &at, access);
        before.tell(&log, &at.name(), access, &opened);
        opened
    })
}

fn open(ui: &Ui, id: &Path, at: &At, access: Access) -> Result<Opened<Box<dyn Store>>, Error> {
    let failed = |failure: Failure| Error::Unavailable {
        what: at.name(),
        detail: detail(&at.name(), &failure),
    };
    let Some(store) = at.open(access).map_err(failed)? else {
        return Ok(Opened::Held);
    };
    Ok(Opened::Ready(store, host::keys(ui, id).map_err(failed)?))
}

/// What failed at a place, without naming it a second time; the usual code is that of the error that it becomes.
fn detail(name: &str, failure: &Failure) -> String {
    let again = format!("{name}: ");
    let text = failure.text.strip_prefix(&again).unwrap_or(&failure.text);
    match &*failure.code {
        "system.unavailable" => text.to_owned(),
        code => format!("[{code}] {text}"),
    }
}

/// What the operator was told last of a tender: the same is not told every second.
#[derive(PartialEq, Eq)]
enum Told {
    Nothing,
    Writes,
    StandsBy,
    Away(String),
}

impl Told {
    fn tell(
        &mut self,
        log: &Log,
        name: &str,
        access: Access,
        opened: &Result<Opened<Box<dyn Store>>, Error>,
    ) {
        let now = match (opened, access) {
            (Ok(Opened::Ready(..)), Access::Write | Access::TakeOver) => Told::Writes,
            // Opening to read, or seeing who writes, changes nothing.
            (Ok(Opened::Ready(..)), _) => return,
            (Ok(Opened::Held), _) => Told::StandsBy,
            (Err(e), _) => Told::Away(e.to_string()),
        };
        if *self == now {
            return;
        }
        let first = std::mem::replace(self, now) == Told::Nothing;
        let event = match self {
            // A start that fails is told by the command itself; one that goes well needs no word.
            Told::Writes | Told::Away(_) if first => return,
            Told::Nothing => return,
            Told::Writes => Event::new(
                Level::Info,
                "tender.writes",
                format!("{name}：由本机写入"),
                format!("{name}: written here from now on"),
            ),
            Told::StandsBy => Event::new(
                Level::Info,
                "tender.stands-by",
                format!("{name}：由另一副本写入，本机待命"),
                format!("{name}: another replica writes; standing by"),
            ),
            Told::Away(why) => Event::new(
                Level::Error,
                "tender.away",
                format!("{name}：存储不可用，将继续重试：{why}"),
                format!("{name}: the store is not available, trying again: {why}"),
            ),
        };
        log.tell(event);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_failed_at_a_place_names_it_and_the_usual_code_once() {
        let held = std::io::Error::new(std::io::ErrorKind::WouldBlock, "held");
        let failure = Failure::io(Path::new("house/T1"), &held);
        assert_eq!(detail("house/T1", &failure), "held");
        assert_eq!(detail("T1", &failure), "house/T1: held");
        let other = Failure::refused("store.held", "T1: held");
        assert_eq!(detail("T1", &other), "[store.held] held");
    }
}
