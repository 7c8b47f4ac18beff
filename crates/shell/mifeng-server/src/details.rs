//! What a problem's detail says, in Chinese. The engine speaks English here, with the values that were expected and found; the words are
//! a table (`details.txt`), and the values stay what they are.

use mifeng::crypto::Time;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::OnceLock;

const TABLE: &str = include_str!("details.txt");
/// A longer detail is shown as it is: nobody makes the host look for words in much that is his own.
const LEN_MAX: usize = 2_048;
/// A value may have words of its own, and one of these again.
const DEPTH_MAX: usize = 3;

/// Words with values: what stands between them, in English; and the same in Chinese, with the values' numbers.
struct Frame {
    parts: Vec<&'static str>,
    zh: &'static str,
}

#[derive(Default)]
struct Table {
    codes: BTreeMap<&'static str, &'static str>,
    /// Those with the most words of their own first.
    frames: Vec<Frame>,
    /// Values of which there are few: stages, roles.
    words: BTreeMap<&'static str, &'static str>,
}

/// Whether it is a code, and no words.
fn is_code(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-.".contains(&b);
    text.bytes().all(plain) && text.contains('.')
}

fn table() -> &'static Table {
    static READ: OnceLock<Table> = OnceLock::new();
    READ.get_or_init(|| {
        let mut table = Table::default();
        let lines = TABLE.lines().filter(|line| !line.starts_with('#'));
        for (en, zh) in lines.filter_map(|line| line.split_once('\t')) {
            if let Some(word) = en.strip_prefix('=') {
                table.words.insert(word, zh);
            } else if is_code(en) {
                table.codes.insert(en, zh);
            } else {
                let parts = en.split("{}").collect();
                table.frames.push(Frame { parts, zh });
            }
        }
        let words = |frame: &Frame| frame.parts.iter().map(|part| part.len()).sum::<usize>();
        table
            .frames
            .sort_by_key(|frame| std::cmp::Reverse(words(frame)));
        table
    })
}

impl Frame {
    /// The values, if the text is made of these words.
    fn values<'t>(&self, text: &'t str) -> Option<Vec<&'t str>> {
        let (first, rest) = self.parts.split_first()?;
        let text = text.strip_prefix(first)?;
        let Some((last, between)) = rest.split_last() else {
            return text.is_empty().then(Vec::new);
        };
        let mut text = text.strip_suffix(last)?;
        let mut values = Vec::with_capacity(rest.len());
        for part in between {
            let (value, after) = text.split_once(part)?;
            values.push(value);
            text = after;
        }
        values.push(text);
        Some(values)
    }

    /// The Chinese words with these values.
    fn fill(&self, values: &[&str], depth: usize) -> String {
        let mut text = String::new();
        let mut rest = self.zh;
        while let Some((before, after)) = rest.split_once('{') {
            text.push_str(before);
            let (place, after) = after.split_once('}').unwrap_or(("", after));
            let number = place.trim_end_matches(['d', 'w']);
            let value = number.parse().ok().and_then(|at: usize| values.get(at));
            let value = value.copied().unwrap_or_default();
            let own = match place.strip_prefix(number) {
                Some("d") => framed(value, depth + 1),
                Some("w") => table().words.get(value).map(|word| (*word).to_owned()),
                _ => local(value),
            };
            text.push_str(own.as_deref().unwrap_or(value));
            rest = after;
        }
        text + rest
    }
}

/// An instant as the pages and the commands show it in Chinese.
fn local(value: &str) -> Option<String> {
    let time = Time::parse_rfc3339(value).ok()?;
    let digits = if value.contains('.') { 3 } else { 0 };
    Some(format!("{:.digits$}（北京时间）", time.in_china()))
}

/// The text in Chinese, if its words are known.
fn framed(text: &str, depth: usize) -> Option<String> {
    if text.len() > LEN_MAX || depth > DEPTH_MAX {
        return None;
    }
    let mut frames = table().frames.iter();
    frames.find_map(|frame| Some(frame.fill(&frame.values(text)?, depth)))
}

/// Words of the engine in Chinese, where they are known, for who meets them elsewhere than in an answer of a host.
pub fn words_in_chinese(text: &str) -> Option<String> {
    let one = table().words.get(text).map(|word| (*word).to_owned());
    one.or_else(|| framed(text, 0))
}

/// An error of the engine in Chinese, for a command: the rule with its detail, what a token says, or the sentence of its code with
/// the English behind it. None if it has no words of its own there.
pub fn error_in_chinese(error: &mifeng::Error) -> Option<String> {
    if let Some(no) = error.refusal() {
        let (rule, detail) = (no.zh(), no.detail());
        return Some(match framed(detail, 0) {
            _ if detail.is_empty() => rule.to_owned(),
            Some(own) => format!("{rule}：{own}"),
            None => format!("{rule}：{detail}"),
        });
    }
    let (zh, en) = error.in_words();
    if zh != en {
        return Some(zh);
    }
    match error {
        // A host's words about itself: a file or a place of one's own machine is named instead.
        mifeng::Error::Malformed { detail, .. } => framed(detail, 0),
        mifeng::Error::Unavailable { what, detail } => {
            framed(detail, 0).map(|own| format!("{what}：{own}"))
        }
        _ => {
            let sentence = table().codes.get(error.code());
            sentence.map(|own| format!("{own}（{en}）"))
        }
    }
}

/// A detail in Chinese: words that are known with their values, else what its code says, and the values behind it.
pub(crate) fn chinese(code: &str, detail: &str) -> String {
    if detail.is_empty() {
        return String::new();
    }
    if let Some(own) = framed(detail, 0) {
        return own;
    }
    let mut text = String::new();
    let _ = match table().codes.get(code) {
        Some(zh) => write!(text, "{zh}（{detail}）"),
        // Its rule is the title.
        None => write!(text, "具体情况（原文）：{detail}"),
    };
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::Fault;
    use std::collections::BTreeSet;
    use std::path::Path;

    /// The crates whose errors and rules a host answers with.
    const CODED: [&str; 9] = [
        "core/mifeng-crypto",
        "core/mifeng-envelope",
        "core/mifeng-lock",
        "core/mifeng-log",
        "core/mifeng-pki",
        "workflow/mifeng-access",
        "workflow/mifeng-record",
        "workflow/mifeng-registry",
        "mifeng",
    ];
    const RULED: [&str; 4] = [
        "workflow/mifeng-tender",
        "mifeng",
        "shell/mifeng-server",
        "shell/mifeng-store",
    ];

    /// The program's own text, without its tests.
    fn sources(crates: &[&str]) -> Vec<String> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let mut folders: Vec<_> = crates
            .iter()
            .map(|own| root.join(own).join("src"))
            .collect();
        let mut texts = Vec::new();
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
                let path = entry.path();
                if path.is_dir() {
                    folders.push(path);
                } else if path.extension().is_some_and(|own| own == "rs") {
                    let text = std::fs::read_to_string(path).unwrap_or_default();
                    let own = text.split("#[cfg(test)]").next();
                    texts.extend(own.map(str::to_owned));
                }
            }
        }
        assert!(texts.len() >= crates.len());
        texts
    }

    /// String literals, with their values as `{}`.
    fn literals(text: &str) -> Vec<String> {
        let mut found = Vec::new();
        let mut rest = text;
        while let Some((_, after)) = rest.split_once('"') {
            let mut escaped = false;
            let ends = |(_, b): &(usize, u8)| {
                let end = *b == b'"' && !escaped;
                escaped = *b == b'\\' && !escaped;
                end
            };
            let Some((end, _)) = after.bytes().enumerate().find(ends) else {
                break;
            };
            found.push(with_values(&after[..end]));
            rest = &after[end + 1..];
        }
        found
    }

    fn with_values(text: &str) -> String {
        let mut parts = text.split('{');
        let mut made = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            made += "{}";
            made += part.split_once('}').map_or("", |(_, after)| after);
        }
        made
    }

    #[test]
    fn each_code_of_an_error_has_a_sentence_and_no_other_has() {
        let mut found = BTreeSet::new();
        for text in sources(&CODED) {
            for own in text.split("fn code(").skip(1) {
                let body = own.split("\n    }").next().unwrap_or_default();
                found.extend(literals(body).into_iter().filter(|text| is_code(text)));
            }
        }
        let known: BTreeSet<String> = table()
            .codes
            .keys()
            .map(|code| (*code).to_owned())
            .collect();
        // A host's own words for a statement that it does not take.
        let own = [Fault::BadStatement, Fault::OtherHost].map(|fault| fault.facts().0.to_owned());
        found.extend(own);
        assert_eq!(known, found);
        for (code, zh) in &table().codes {
            assert!(!zh.is_ascii() && zh.trim() == *zh, "{code}");
            assert_eq!(chinese(code, "x 1"), format!("{zh}（x 1）"));
        }
    }

    #[test]
    fn the_words_of_rules_are_the_program_s() {
        let texts = sources(&RULED);
        let all: BTreeSet<String> = texts.iter().flat_map(|text| literals(text)).collect();
        for frame in &table().frames {
            let en = frame.parts.join("{}");
            assert!(all.contains(&en), "nothing says this: {en}");
            let values = frame.parts.len() - 1;
            for number in 0..values {
                let named = ["", "d", "w"].map(|kind| format!("{{{number}{kind}}}"));
                assert!(
                    named.iter().any(|name| frame.zh.contains(name)),
                    "{en}: value {number} is lost"
                );
            }
            assert_eq!(frame.zh.matches('{').count(), values, "{en}");
            assert!(!frame.zh.is_ascii(), "{en}");
        }
        // What a rule says in words of its own has them in Chinese too.
        let mut missing = BTreeSet::new();
        for text in &texts {
            for by in ["Refusal::new(", "Refusal::by("] {
                for call in text.split(by).skip(1) {
                    let Some((_, said)) = call.split_once(',') else {
                        continue;
                    };
                    let said = said.trim_start();
                    let said = said.strip_prefix("format!(").unwrap_or(said).trim_start();
                    if said.starts_with('"') {
                        missing.extend(literals(said).into_iter().next());
                    }
                }
            }
        }
        let known: BTreeSet<String> = table()
            .frames
            .iter()
            .map(|frame| frame.parts.join("{}"))
            .collect();
        missing.retain(|en| !known.contains(en) && en.chars().any(char::is_alphabetic));
        assert_eq!(missing, BTreeSet::new());
    }

    #[test]
    fn values_stay_what_they_are() {
        let late = "deadline 2026-03-02T09:00:00Z, received at 2026-03-02T09:00:00.001Z";
        let zh = "截止时间 2026-03-02 17:00:00（北京时间），收到时间 2026-03-02 17:00:00.001（北京时间）";
        assert_eq!(chinese("bid.late", late), zh);
        let own = |detail: &str| chinese("record.wrong-stage", detail);
        assert_eq!(
            own("expected Open, the tender is in Archived"),
            "应在投标阶段，项目现在归档阶段"
        );
        // Words within words; a name that looks like words is a name.
        assert_eq!(
            own("seal 7: condition clock: deadline 8"),
            "密封投标 7：条件 clock：截止时间 8"
        );
        assert_eq!(
            own("lot no board has seal 3"),
            "标段 no board 已有密封投标 3"
        );
        assert_eq!(own("expected host, found Open"), "应为 host，实为 Open");
        // What is not known is shown as it is, and so is what is very long.
        assert_eq!(
            own("something new: 7"),
            "具体情况（原文）：something new: 7"
        );
        let long = format!("seal {}", "7".repeat(LEN_MAX));
        assert_eq!(own(&long), format!("具体情况（原文）：{long}"));
        assert_eq!(own(""), "");
        assert!(chinese("pki.expired", "ended 2026").starts_with("证书已过有效期（ended"));
        // However deep somebody's words are in one another, it ends.
        let deep = "seal 1: ".repeat(9);
        assert!(
            own(&deep).ends_with("：seal 1: seal 1: seal 1: seal 1: seal 1: "),
            "{}",
            own(&deep)
        );
    }
}
