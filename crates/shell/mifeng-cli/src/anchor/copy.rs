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
    let (place, is_more) = beside(&log, copy, key);
    match is_more {
        true => moved(&place)?,
        false => std::fs::remove_file(new).map_err(|e| Failure::io(new, &e))?,
    }
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
    if !log.lacks(earlier, known)? {
        return Ok(log);
    }
    let tar = Tar::open(new).map_err(|e| Failure::from(e).at(new))?;
    let out = copy.with_extension("joined.tar");
    ui::write_with(&out, |file| {
        log.join(earlier, known, &tar, file)?;
        Ok(())
    })?;
    std::fs::rename(&out, new).map_err(|e| Failure::io(new, &e))?;
    read(new, key)
}

/// Where another history is kept, each beside those that came before, and whether it says more than what is kept there. A
/// longer one takes the place of its own beginning: a host that goes on with a lie fills no disk.
fn beside(log: &Anchors, copy: &Path, key: &str) -> (PathBuf, bool) {
    let mut place = copy.with_extension("forked.tar");
    for number in 2..=FORKED_MAX {
        if !place.exists() {
            break;
        }
        // One that cannot be read stays as it is.
        if let Ok(kept) = read(&place, key) {
            if kept.extends(log) {
                return (place, false);
            }
            if log.extends(&kept) {
                break;
            }
        }
        place = copy.with_extension(format!("forked-{number}.tar"));
    }
    (place, true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use mifeng::AnchorLog;
    use mifeng::crypto::{Digest, INTL, KeyAlg, PrivateKey, SeededEntropy};
    use mifeng::log::Anchored;
    use mifeng_testkit::world::Memory;
    use std::fs;

    /// An exported anchor log with these heads, and its verifier key.
    fn exported(tenders: &[&str]) -> (Vec<u8>, String) {
        let rng = &mut SeededEntropy::new(b"copies");
        let key = PrivateKey::generate(KeyAlg::Ed25519, rng).expect("a key");
        let log = AnchorLog::begin(Memory::default(), &INTL, "host.example/anchor", key);
        let mut log = log.expect("a new log");
        for tender in tenders {
            let head = Anchored::new(tender, 1, Digest::default()).expect("short");
            log.append(head).expect("appended");
        }
        let mut out = Vec::new();
        log.export(&mut out).expect("exported");
        (out, log.key().expect("a key"))
    }

    #[test]
    fn each_other_history_is_kept_once_as_far_as_it_came() {
        let folder = std::env::temp_dir().join(format!("mifeng-forks-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).expect("a folder");
        let (new, copy) = (folder.join("new.tar"), folder.join("anchors-x.tar"));
        let ui = Ui {
            quiet: true,
            lang: ui::Lang::En,
            pin_file: None,
            pin_fd: None,
            pin_given: std::cell::RefCell::default(),
        };
        let came = |tenders: &[&str]| {
            let (tar, key) = exported(tenders);
            fs::write(&new, tar).expect("written");
            keep_copy(&ui, (&new, &copy), &key, &AnchorWitnesses::default())
        };
        assert!(matches!(came(&["a", "b"]), Ok(Came::GoesOn(_))));
        let own = fs::read(&copy).expect("there");
        let [one, two] = ["anchors-x.forked.tar", "anchors-x.forked-2.tar"];
        for (tenders, name) in [
            (&["c"][..], one),
            // The same, a longer one in its place, and its beginning again.
            (&["c"], one),
            (&["c", "d"], one),
            (&["c"], one),
            (&["e"], two),
            // Another that begins alike.
            (&["c", "e"], "anchors-x.forked-3.tar"),
            (&["e", "f"], two),
        ] {
            let no = came(tenders).err().expect("another history");
            assert_eq!(no.code, "log.fork");
            assert!(no.text.ends_with(name), "{tenders:?}: {}", no.text);
            assert!(!new.exists());
        }
        let kept = |name: &str| fs::read(folder.join(name)).expect("there");
        assert_eq!(kept(one), exported(&["c", "d"]).0);
        assert_eq!(kept(two), exported(&["e", "f"]).0);
        assert_eq!(fs::read(&copy).expect("there"), own);
        assert_eq!(fs::read_dir(&folder).expect("there").count(), 4);
        // What was damaged is left to whoever looks into it.
        fs::write(folder.join(one), b"damaged").expect("written");
        let no = came(&["c", "d"]).err().expect("another history");
        assert!(no.text.ends_with("anchors-x.forked-4.tar"), "{}", no.text);
        assert_eq!(kept(one), b"damaged");
        let _ = fs::remove_dir_all(&folder);
    }
}
