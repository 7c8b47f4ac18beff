//! Where a host that serves finds its tenders: in folders, or in a database that replicas share.

use crate::host::{self, Kept};
use crate::ui::{Failure, Ui};
use mifeng::{Error, Store};
use mifeng_server::{Clock, House, Opened, Opening};
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
    ui: &Ui,
    (dir, id): (&Path, &Path),
    kept: &Kept,
    clock: Arc<dyn Clock>,
) -> Result<House, Failure> {
    // Asked for here, once: the writers open the keys in their own threads.
    let _ = ui.pin(&id.join("sign.key"))?;
    let Some(place) = kept.place()? else {
        let mut opening = |folder: &Path| opening(ui, id, At::Folder(folder.to_owned()));
        return Ok(House::open(dir, clock, &mut opening)?);
    };
    let names = place.tenders().map_err(|e| Failure::store("--db", &e))?;
    let lists = place.lists().map_err(|e| Failure::store("--db", &e))?;
    let place = place
        .for_one_writer()
        .map_err(|e| Failure::store("--db", &e))?;
    let mut opening = |name: &str| {
        let at = At::Database(place.clone(), name.to_owned());
        opening(ui, id, at)
    };
    Ok(House::of(dir, &names, lists, clock, &mut opening)?)
}

fn opening(ui: &Ui, id: &Path, at: At) -> Opening<Box<dyn Store>> {
    let (ui, id) = (ui.copy(), id.to_owned());
    let mut before = Told::Nothing;
    Box::new(move |access| {
        let opened = open(&ui, &id, &at, access);
        before.tell(&ui, &at.name(), access, &opened);
        opened
    })
}

fn open(ui: &Ui, id: &Path, at: &At, access: Access) -> Result<Opened<Box<dyn Store>>, Error> {
    let failed = |failure: Failure| Error::Unavailable {
        what: at.name(),
        detail: format!("[{}] {}", failure.code, failure.text),
    };
    let Some(store) = at.open(access).map_err(failed)? else {
        return Ok(Opened::Held);
    };
    Ok(Opened::Ready(store, host::keys(ui, id).map_err(failed)?))
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
        ui: &Ui,
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
        match self {
            // A start that fails is told by the command itself; one that goes well needs no word.
            Told::Writes | Told::Away(_) if first => {}
            Told::Nothing => {}
            Told::Writes => ui.say(
                format!("{name}：由本机写入"),
                format!("{name}: written here from now on"),
            ),
            Told::StandsBy => ui.say(
                format!("{name}：由另一副本写入，本机待命"),
                format!("{name}: another replica writes; standing by"),
            ),
            Told::Away(why) => ui.say(
                format!("{name}：存储不可用，将继续重试：{why}"),
                format!("{name}: the store is not available, trying again: {why}"),
            ),
        }
    }
}
