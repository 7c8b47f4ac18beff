//! The copy of an anchor log that somebody keeps: it only ever goes on.

use crate::ui::{self, Failure, Ui};
use mifeng::{AnchorWitnesses, Anchors, Tar};
use std::path::{Path, PathBuf};

/// Histories that are kept beside one copy: each convicts the host, and no host needs to be convicted so often.
const FORKED_MAX: usize = 100;

pub(crate) fn read(file: &Path, key: &str) -> Result<Anchors, Failure> {
    let tar = Tar::open(file).map_err(|e| Failure::from(e).at(file))?;
    Anchors::read(&tar, key).map_err(|e| Failure::from(e).at(file))
}

/// An anchor log that came, beside the copy that was kept.
pub(crate) enum Came {
    /// It goes on from the copy, and is the copy now.
    GoesOn(Box<Anchors>),
    /// It is a beginning of the copy, which stays.
    Older,
}

/// Keeps an anchor log that came, if it goes on from the copy. One that does not is kept beside it: both are evidence. What
/// `known` witnesses' lines are worth is judged, others' lines are kept as they are.
pub(crate) fn keep_copy(
    ui: &Ui,
    (new, copy): (&Path, &Path),
    key: &str,
    known: &AnchorWitnesses,
) -> Result<Came, Failure> {
    let log = read(new, key)?;
    let moved = |to: &Path| std::fs::rename(new, to).map_err(|e| Failure::io(to, &e));
    if !copy.exists() {
        moved(copy)?;
        return Ok(Came::GoesOn(Box::new(log)));
    }
    let earlier = read(copy, key)?;
    if log.extends(&earlier) {
        let log = join(log, (new, copy), (&earlier, key), known)?;
        moved(copy)?;
        return Ok(Came::GoesOn(Box::new(log)));
    }
    if earlier.extends(&log) {
        return Ok(Came::Older);
    }
    let place = beside(new, copy)?;
    moved(&place)?;
    let (copy, place) = (copy.display(), place.display());
    let text = ui.t(
        "平台签出了两份互相矛盾的锚定日志",
        "THE HOST SIGNED TWO ANCHOR LOGS that contradict each other",
    );
    Err(Failure::refused(
        "log.fork",
        format!("{text}: {copy}, {place}"),
    ))
}

/// What witnesses put under heads in the copy stays there, though the host shows it no more.
fn join(
    log: Anchors,
    (new, copy): (&Path, &Path),
    (earlier, key): (&Anchors, &str),
    known: &AnchorWitnesses,
) -> Result<Anchors, Failure> {
    let tar = Tar::open(new).map_err(|e| Failure::from(e).at(new))?;
    let out = copy.with_extension("joined.tar");
    let mut lacks = false;
    ui::write_with(&out, |file| {
        lacks = log.join(earlier, known, &tar, file)?;
        Ok(())
    })?;
    match lacks {
        true => std::fs::rename(&out, new).map_err(|e| Failure::io(new, &e))?,
        false => std::fs::remove_file(&out).map_err(|e| Failure::io(&out, &e))?,
    }
    match lacks {
        true => read(new, key),
        false => Ok(log),
    }
}

/// Where another history is kept: each beside those that came before, and the same one once.
fn beside(new: &Path, copy: &Path) -> Result<PathBuf, Failure> {
    let read = |path: &Path| std::fs::read(path).map_err(|e| Failure::io(path, &e));
    let content = read(new)?;
    let mut place = copy.with_extension("forked.tar");
    for number in 2..=FORKED_MAX {
        if !place.exists() || read(&place)? == content {
            break;
        }
        place = copy.with_extension(format!("forked-{number}.tar"));
    }
    Ok(place)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_other_history_is_kept_once() {
        let folder = std::env::temp_dir().join(format!("mifeng-forks-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).expect("a folder");
        let (new, copy) = (folder.join("new.tar"), folder.join("anchors-x.tar"));
        let named = |content: &str| {
            std::fs::write(&new, content).expect("written");
            let place = beside(&new, &copy).expect("a place");
            std::fs::rename(&new, &place).expect("renamed");
            let name = place.file_name().unwrap_or_default();
            name.to_string_lossy().into_owned()
        };
        for (content, name) in [
            ("one", "anchors-x.forked.tar"),
            ("one", "anchors-x.forked.tar"),
            ("two", "anchors-x.forked-2.tar"),
            ("three", "anchors-x.forked-3.tar"),
            ("two", "anchors-x.forked-2.tar"),
        ] {
            assert_eq!(named(content), name);
        }
        assert_eq!(std::fs::read_dir(&folder).expect("there").count(), 3);
        let _ = std::fs::remove_dir_all(&folder);
    }
}
