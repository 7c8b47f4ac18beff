//! Checks by words: a word can be innocent, so a person looks.

use super::lint::Findings;
use super::{ITEMS_MAX, RuleSet};
use crate::Name;
use crate::pack::EntryKind;

/// Reports every word check of the pack with this prefix that a name meets.
pub(crate) fn named(findings: &mut Findings<'_>, prefix: &str, place: &str, name: &Name) {
    let en = name.en.to_lowercase();
    let pack = findings.pack;
    for entry in pack.entries() {
        if entry.kind != EntryKind::Words || !entry.id.starts_with(prefix) {
            continue;
        }
        let hit = |word: &String| name.zh.contains(word) || en.contains(word.as_str());
        if entry.words.iter().any(hit) {
            findings.add(&entry.id, place);
        }
    }
}

/// What a scoring item must not reward.
pub(super) fn items(rules: &RuleSet, findings: &mut Findings<'_>) {
    for item in rules.items.iter().take(ITEMS_MAX) {
        named(
            findings,
            "rules.item-",
            &format!("items/{}", item.id),
            &item.name,
        );
    }
}
