//! The form of two states: later revisions may sign, and little else.

use super::broken;
use super::change::ChangeKind;
use super::compare::{Walk, pairs};
use super::field::{LEVELS_MAX, thousandths, words};
use super::object::{Dict, Id, Object};
use crate::Error;
use std::collections::BTreeSet;

/// What holds for a field and those below it.
#[derive(Clone)]
struct About {
    name: String,
    /// It is a signature field.
    sig: bool,
    /// It was signed since, having been empty.
    fresh: bool,
    level: usize,
}

impl Walk<'_, '_> {
    /// Compares the two forms.
    pub(super) fn form(&mut self, before: &Dict, now: &Dict) -> Result<(), Error> {
        let kind = ChangeKind::CatalogChanged;
        if let (Some(a), Some(b)) = (before.get("AcroForm"), now.get("AcroForm"))
            && let (Some(a), Some(b)) = (a.reference(), b.reference())
        {
            self.seen.insert((a, b));
        }
        let old = self.old.value(before, "AcroForm")?;
        let new = self.new.value(now, "AcroForm")?;
        let empty = Dict::default();
        let (old, new) = match (&old, &new) {
            (Object::Null, Object::Null) => return Ok(()),
            (Object::Null, Object::Dict(new)) => (&empty, new),
            (Object::Dict(old), Object::Dict(new)) => (old, new),
            _ => {
                self.add(kind, "AcroForm");
                return Ok(());
            }
        };
        for (key, (before, now)) in pairs(old, new) {
            let same = match key.as_str() {
                // Appearances for new fields; a form that was there keeps its own.
                "Fields" | "SigFlags" => true,
                "DA" => before.is_null() || self.same(before, now)?,
                "DR" => self.extended(&before, &now)?,
                "NeedAppearances" if matches!(now, Object::Bool(false)) => true,
                _ => self.same(before, now)?,
            };
            if !same {
                self.add(kind, format!("AcroForm {key}"));
            }
        }
        let list = |value| match value {
            Object::Array(list) => list,
            _ => Vec::new(),
        };
        let (before, now) = (
            list(self.old.value(old, "Fields")?),
            list(self.new.value(new, "Fields")?),
        );
        let top = About {
            name: String::new(),
            sig: false,
            fresh: false,
            level: 0,
        };
        self.fields(&before, &now, &top)
    }

    /// Whether the resources for looks that readers make are the old ones, and perhaps more.
    fn extended(&mut self, old: &Object, new: &Object) -> Result<bool, Error> {
        let (old, new) = (self.old.resolve(old)?, self.new.resolve(new)?);
        let (Object::Dict(old), Object::Dict(new)) = (&old, &new) else {
            return Ok(old.is_null());
        };
        for (before, now) in pairs(old, new).into_values() {
            let (before, now) = (self.old.resolve(&before)?, self.new.resolve(&now)?);
            match (before, now) {
                (Object::Null, _) => {}
                (Object::Dict(before), Object::Dict(now)) => {
                    for (one, other) in pairs(&before, &now).into_values() {
                        if !one.is_null() && !self.same(one, other)? {
                            return Ok(false);
                        }
                    }
                }
                (before, now) if !self.same(before.clone(), now.clone())? => return Ok(false),
                _ => {}
            }
        }
        Ok(true)
    }

    fn fields(&mut self, old: &[Object], new: &[Object], above: &About) -> Result<(), Error> {
        if above.level > LEVELS_MAX {
            return Err(broken(0, "fields are nested too deep"));
        }
        let numbers = |list: &[Object]| -> BTreeSet<Id> {
            list.iter().filter_map(Object::reference).collect()
        };
        let (were, are) = (numbers(old), numbers(new));
        for id in old.iter().filter_map(Object::reference) {
            match are.contains(&id) {
                true => self.field(id, above)?,
                false => self.add(ChangeKind::SealChanged, format!("{} removed", above.name)),
            }
        }
        for id in new.iter().filter_map(Object::reference) {
            if !were.contains(&id) {
                self.added(id, above)?;
            }
        }
        // Fields without a number: one by one, in their order.
        let direct = |list: &[Object]| -> Vec<Object> {
            let plain = list.iter().filter(|one| one.reference().is_none());
            plain.cloned().collect()
        };
        let (before, now) = (direct(old), direct(new));
        let mut same = before.len() == now.len();
        for (one, other) in before.into_iter().zip(now) {
            same = same && self.same(one, other)?;
        }
        if !same {
            self.add(ChangeKind::SealChanged, above.name.clone());
        }
        Ok(())
    }

    /// A field of both.
    fn field(&mut self, id: Id, above: &About) -> Result<(), Error> {
        if !self.seen.insert((id, id)) {
            return Ok(());
        }
        let own = Object::Ref(id);
        let rule = "a field is no dictionary";
        let (old, new) = (self.old.dict(&own, rule)?, self.new.dict(&own, rule)?);
        let kind = self.old.value(&old, "FT")?;
        let sig = kind.name().map_or(above.sig, |name| name == b"Sig");
        let empty = self.old.value(&old, "V")?.is_null();
        let value = self.new.value(&new, "V")?;
        let about = About {
            name: self.name(&old, above)?,
            sig,
            fresh: above.fresh || (sig && empty && value.dict().is_some()),
            level: above.level + 1,
        };
        if about.fresh && !above.fresh {
            self.signed(&value, &about.name);
            self.widgets.insert(id);
        }
        for (key, (before, now)) in pairs(&old, &new) {
            match key.as_str() {
                "Kids" => {
                    let (before, now) = (self.old.resolve(&before)?, self.new.resolve(&now)?);
                    let list = |value: &Object| value.array().unwrap_or_default().to_vec();
                    self.fields(&list(&before), &list(&now), &about)?;
                }
                // The signature itself, and how it is shown.
                "V" | "AP" if about.fresh => {}
                // Locked when it is signed.
                "F" if about.fresh && locks(old.int("F"), new.int("F")) => {}
                _ if self.same(before, now)? => {}
                _ if sig => self.add(ChangeKind::SealChanged, about.name.clone()),
                "V" | "AP" | "AS" | "I" => self.add(ChangeKind::FormFilled, about.name.clone()),
                _ => self.add(ChangeKind::AnnotationChanged, about.name.clone()),
            }
        }
        Ok(())
    }

    /// A field, or a widget of one, that was not there.
    fn added(&mut self, id: Id, above: &About) -> Result<(), Error> {
        let new = self
            .new
            .dict(&Object::Ref(id), "a field is no dictionary")?;
        let name = self.name_in(&new, above, false)?;
        let value = self.new.value(&new, "V")?;
        let sig = matches!(self.new.value(&new, "FT")?, Object::Name(kind) if kind == b"Sig");
        // What is called a signature but acts or is drawn as something else is none.
        let widget = self.new.value(&new, "Subtype")?;
        let odd = widget.name().is_some_and(|kind| kind != b"Widget")
            || new.get("A").is_some()
            || new.get("AA").is_some();
        let was_there =
            self.old.xref.entries.contains_key(&id.number) && !self.old.get(id)?.object.is_null();
        if !sig || odd || was_there || value.dict().is_none() {
            self.add(ChangeKind::FieldAdded, name);
            return Ok(());
        }
        self.signed(&value, &name);
        let about = name;
        if self.shown(&new)? {
            self.add(ChangeKind::SealAdded, about.clone());
        }
        self.widgets.insert(id);
        if let Object::Array(kids) = self.new.value(&new, "Kids")? {
            // One widget a field is the rule; more would be seals of one signature on many pages.
            for kid in kids.iter().filter_map(Object::reference) {
                let kid_dict = self
                    .new
                    .dict(&Object::Ref(kid), "a widget is no dictionary")?;
                let plain = kid_dict.is("Subtype", "Widget")
                    && kid_dict.get("A").is_none()
                    && kid_dict.get("AA").is_none();
                if plain && self.old.get(kid)?.object.is_null() {
                    if self.shown(&kid_dict)? {
                        self.add(ChangeKind::SealAdded, about.clone());
                    }
                    self.widgets.insert(kid);
                }
            }
        }
        Ok(())
    }

    /// Whether a widget takes up any place.
    fn shown(&self, widget: &Dict) -> Result<bool, Error> {
        let Object::Array(rect) = self.new.value(widget, "Rect")? else {
            return Ok(false);
        };
        let edges: Vec<Option<i64>> = rect.iter().map(thousandths).collect();
        Ok(match edges[..] {
            [Some(a), Some(b), Some(c), Some(d)] => a != c && b != d,
            _ => true,
        })
    }

    fn signed(&mut self, value: &Object, name: &str) {
        let stamp = value.dict().is_some_and(|v| v.is("Type", "DocTimeStamp"));
        let kind = match stamp {
            true => ChangeKind::StampAdded,
            false => ChangeKind::SignatureAdded,
        };
        self.add(kind, name);
    }

    fn name(&self, dict: &Dict, above: &About) -> Result<String, Error> {
        self.name_in(dict, above, true)
    }

    fn name_in(&self, dict: &Dict, above: &About, old: bool) -> Result<String, Error> {
        let file = if old { self.old } else { self.new };
        Ok(match file.value(dict, "T")? {
            Object::Text(text) if above.name.is_empty() => words(&text.bytes),
            Object::Text(text) => format!("{}.{}", above.name, words(&text.bytes)),
            _ => above.name.clone(),
        })
    }
}

/// Flags that only gained the lock (ISO 32000-2 table 167, bit 8).
fn locks(old: Option<i64>, new: Option<i64>) -> bool {
    new == Some(old.unwrap_or(0) | 128)
}
