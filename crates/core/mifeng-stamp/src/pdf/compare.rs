//! Two states of one document, compared from the catalogue down.
//!
//! Everything that a reader can reach in the newer state must be what it was in the older, but for
//! a few places where later revisions may add something. Numbers of objects do not matter, only what
//! stands in them: whether content was replaced in place, by a new object under an old number, by a
//! cross-reference section alone that points at hidden objects, or by another catalogue, is the same.

use super::change::{Change, ChangeKind};
use super::field::{self, Page};
use super::file::File;
use super::object::{Dict, Id, Object};
use super::xref::Entry;
use crate::Error;
use std::collections::{BTreeMap, BTreeSet};

/// Changes that are told; more are as bad as these.
const CHANGES_MAX: usize = 100;

type Entries = (Vec<u8>, Object);

/// The comparison as it goes on.
pub(super) struct Walk<'f, 'a> {
    pub(super) old: &'f File<'a>,
    pub(super) new: &'f File<'a>,
    /// Pairs that are equal, being compared, or told already.
    pub(super) seen: BTreeSet<(Id, Id)>,
    /// Fields and widgets of later signatures.
    pub(super) widgets: BTreeSet<Id>,
    pub(super) changes: Vec<Change>,
}

/// What the newer state has changed.
pub(super) fn compare(old: &File<'_>, new: &File<'_>) -> Result<Vec<Change>, Error> {
    let mut walk = Walk {
        old,
        new,
        seen: BTreeSet::new(),
        widgets: BTreeSet::new(),
        changes: Vec::new(),
    };
    let ((old_id, before), (new_id, now)) = (old.root()?, new.root()?);
    walk.seen.insert((old_id, new_id));
    // Pages and fields are marked first: links lead to them from everywhere.
    let pages = walk.pages(&before, &now)?;
    walk.form(&before, &now)?;
    for (number, (old, new)) in pages.iter().enumerate() {
        walk.page(old, new, number + 1)?;
    }
    walk.catalog(&before, &now)?;
    walk.changes.sort();
    walk.changes.dedup();
    Ok(walk.changes)
}

/// The values of both by key; null where one has none.
pub(super) fn pairs(old: &Dict, new: &Dict) -> BTreeMap<String, (Object, Object)> {
    let mut out: BTreeMap<String, (Object, Object)> = BTreeMap::new();
    let name = |key: &[u8]| String::from_utf8_lossy(key).into_owned();
    for (key, value) in &old.0 {
        out.insert(name(key), (value.clone(), Object::Null));
    }
    for (key, value) in &new.0 {
        let pair = out.entry(name(key)).or_insert((Object::Null, Object::Null));
        pair.1 = value.clone();
    }
    out
}

impl Walk<'_, '_> {
    pub(super) fn add(&mut self, kind: ChangeKind, place: impl Into<String>) {
        if self.changes.len() < CHANGES_MAX {
            self.changes.push(Change::new(kind, place));
        }
    }

    /// Whether two values are the same, with everything that they lead to.
    pub(super) fn same(&mut self, old: Object, new: Object) -> Result<bool, Error> {
        let mut stack = vec![(old, new)];
        while let Some(pair) = stack.pop() {
            match pair {
                (Object::Ref(a), Object::Ref(b)) => {
                    if !self.seen.insert((a, b)) {
                        continue;
                    }
                    match self.indirect(a, b)? {
                        Some(pair) => stack.push(pair),
                        None => return Ok(false),
                    }
                }
                (Object::Ref(a), b) => stack.push((self.old.resolve(&Object::Ref(a))?, b)),
                (a, Object::Ref(b)) => stack.push((a, self.new.resolve(&Object::Ref(b))?)),
                (Object::Array(a), Object::Array(b)) if a.len() == b.len() => {
                    stack.extend(a.into_iter().zip(b));
                }
                (Object::Dict(a), Object::Dict(b)) => {
                    // As written, or by key: never each with each.
                    let same = |((x, _), (y, _)): (&Entries, &Entries)| x == y;
                    if a.0.len() == b.0.len() && a.0.iter().zip(&b.0).all(same) {
                        let values = |dict: Dict| dict.0.into_iter().map(|(_, value)| value);
                        stack.extend(values(a).zip(values(b)));
                    } else {
                        stack.extend(pairs(&a, &b).into_values());
                    }
                }
                (a, b) if !plain_same(&a, &b) => return Ok(false),
                _ => {}
            }
        }
        Ok(true)
    }

    /// The two objects to go on with; none: their streams differ.
    fn indirect(&self, a: Id, b: Id) -> Result<Option<(Object, Object)>, Error> {
        let found = self.old.get(a)?;
        // The older state is the beginning of the newer: the same place has the same bytes.
        if a == b && self.place(self.old, a) == self.place(self.new, b) {
            return Ok(Some((found.object.clone(), found.object)));
        }
        let other = self.new.get(b)?;
        match (&found.stream, &other.stream) {
            (None, None) => {}
            (Some(x), Some(y)) => {
                self.new.charge(x.len())?;
                if self.old.bytes.get(x.clone()) != self.new.bytes.get(y.clone()) {
                    return Ok(None);
                }
            }
            _ => return Ok(None),
        }
        Ok(Some((found.object, other.object)))
    }

    /// Where an object lies: in the file, or in an object stream that lies there.
    fn place(&self, file: &File<'_>, id: Id) -> Option<(Entry, Option<Entry>)> {
        let entry = *file.xref.entries.get(&id.number)?;
        let holder = match entry {
            Entry::In { stream, .. } => Some(*file.xref.entries.get(&stream)?),
            _ => None,
        };
        Some((entry, holder))
    }

    /// Pairs the pages; a tree of another shape is a change of pages.
    fn pages(&mut self, before: &Dict, now: &Dict) -> Result<Vec<(Page, Page)>, Error> {
        let (old, new) = (field::pages(self.old)?, field::pages(self.new)?);
        if old.len() != new.len() {
            let place = format!("{} -> {}", old.len(), new.len());
            self.add(ChangeKind::PagesChanged, place);
        }
        let pairs: Vec<(Page, Page)> = old.into_iter().zip(new).collect();
        for (old, new) in &pairs {
            self.seen.insert((old.id, new.id));
        }
        // The nodes between, with what they hand down.
        let top = |root: &Dict| root.get("Pages").cloned().unwrap_or(Object::Null);
        if !self.same(top(before), top(now))? && self.changes.is_empty() {
            self.add(ChangeKind::PagesChanged, "Pages");
        }
        Ok(pairs)
    }

    fn page(&mut self, old: &Page, new: &Page, number: usize) -> Result<(), Error> {
        let place = format!("page {number}");
        for (key, (before, now)) in pairs(&old.dict, &new.dict) {
            match key.as_str() {
                "Annots" => self.annotations(&before, &now, &place)?,
                _ if self.same(before, now)? => {}
                "Contents" | "Resources" => self.add(ChangeKind::ContentChanged, &place),
                _ => self.add(ChangeKind::PagesChanged, format!("{place} {key}")),
            }
        }
        Ok(())
    }

    fn annotations(&mut self, old: &Object, new: &Object, place: &str) -> Result<(), Error> {
        let list = |file: &File<'_>, value: &Object| match file.resolve(value)? {
            Object::Array(list) => Ok::<Vec<Object>, Error>(list),
            _ => Ok(Vec::new()),
        };
        let (before, now) = (list(self.old, old)?, list(self.new, new)?);
        let mut rest = now.iter();
        for one in &before {
            let is = |other: &&Object| match (one.reference(), other.reference()) {
                (Some(a), Some(b)) => a == b,
                (a, b) => a.is_none() && b.is_none(),
            };
            // In the same order: what lies above what is part of what is shown.
            let mut between = Vec::new();
            let found = loop {
                match rest.next() {
                    Some(other) if is(&other) => break Some(other),
                    Some(other) => between.push(other),
                    None => break None,
                }
            };
            let Some(found) = found else {
                self.add(ChangeKind::AnnotationChanged, place);
                return Ok(());
            };
            for other in between {
                self.annotation_added(other, place);
            }
            if !self.same(one.clone(), found.clone())? {
                self.add(ChangeKind::AnnotationChanged, place);
            }
        }
        for other in rest {
            self.annotation_added(other, place);
        }
        Ok(())
    }

    fn annotation_added(&mut self, one: &Object, place: &str) {
        // Those of later signatures are told with their field.
        if !one.reference().is_some_and(|id| self.widgets.contains(&id)) {
            self.add(ChangeKind::AnnotationAdded, place);
        }
    }

    /// What is left of the catalogue.
    fn catalog(&mut self, old: &Dict, new: &Dict) -> Result<(), Error> {
        for (key, (before, now)) in pairs(old, new) {
            // Compared above, or not shown.
            let apart = ["Pages", "AcroForm", "Version", "Extensions"];
            if apart.contains(&key.as_str()) || self.same(before, now)? {
                continue;
            }
            match key.as_str() {
                "DSS" => self.add(ChangeKind::ValidationAdded, key),
                "Metadata" => self.add(ChangeKind::MetadataChanged, key),
                _ => self.add(ChangeKind::CatalogChanged, key),
            }
        }
        Ok(())
    }
}

/// Objects that lead nowhere.
fn plain_same(a: &Object, b: &Object) -> bool {
    match (a, b) {
        (Object::Null, Object::Null) => true,
        (Object::Bool(a), Object::Bool(b)) => a == b,
        (Object::Int(a), Object::Int(b)) => a == b,
        (Object::Real(a), Object::Real(b)) => a == b,
        (Object::Name(a), Object::Name(b)) => a == b,
        (Object::Text(a), Object::Text(b)) => a.bytes == b.bytes,
        _ => false,
    }
}
