//! A derivation as text: what a person reads beside a calculator, line by line.
//!
//! ```text
//! 投标人 乙，第 1 名
//!   评标价 evaluated = price*(1 - sme - domestic)
//!     = 920000*(1 - 0.15 - 0.2) = 598000   〔46 第9条 · T〕
//! ```

use crate::derivation::{BidSteps, Derivation, Step};
use crate::pack::{self, Source};
use crate::{Name, Ratio};

/// Elements of a list that are shown; beyond, how many there are.
const SHOWN_MAX: usize = 24;

/// The language of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lang {
    /// 中文
    Zh,
    /// English
    En,
}

impl Lang {
    fn of(self, name: &Name) -> &str {
        self.pick(&name.zh, &name.en)
    }

    fn pick<'a>(self, zh: &'a str, en: &'a str) -> &'a str {
        match self {
            Self::Zh => zh,
            Self::En => en,
        }
    }
}

/// The derivation in lines: the pack, the lot, each bid by rank, the result, the sources cited.
pub fn explain(derivation: &Derivation, lang: Lang) -> Vec<String> {
    let pin = &derivation.pack;
    let mut lines = vec![format!(
        "{} {} {}",
        lang.pick("规则包", "rule pack"),
        pin.id,
        pin.digest
    )];
    block(&mut lines, lang.pick("标段", "lot"), &derivation.lot, lang);
    for bid in &derivation.bids {
        block(&mut lines, &head(bid, lang), &bid.steps, lang);
    }
    block(
        &mut lines,
        lang.pick("结果", "result"),
        &derivation.result,
        lang,
    );
    let cited = sources(derivation);
    if !cited.is_empty() {
        lines.push(lang.pick("依据", "sources").to_owned());
        lines.extend(cited.into_iter().map(|source| cite(source, lang)));
    }
    lines
}

fn head(bid: &BidSteps, lang: Lang) -> String {
    let id = &bid.id;
    match (bid.rank, lang) {
        (Some(rank), Lang::Zh) => format!("投标人 {id}，第 {rank} 名"),
        (Some(rank), Lang::En) => format!("bidder {id}, rank {rank}"),
        (None, Lang::Zh) => format!("投标人 {id}，不参与排序"),
        (None, Lang::En) => format!("bidder {id}, not ranked"),
    }
}

fn block(lines: &mut Vec<String>, head: &str, steps: &[Step], lang: Lang) {
    if steps.is_empty() {
        return;
    }
    lines.push(head.to_owned());
    for step in steps {
        let basis = basis(step, lang);
        let (name, quantity) = (lang.of(&step.name), &step.quantity);
        if step.formula.is_empty() {
            lines.push(format!("  {name} = {}   {basis}", shown(&step.value)));
            continue;
        }
        lines.push(format!("  {name} {quantity} = {}", step.formula));
        let filled = filled(step);
        lines.push(format!("    = {filled} = {}   {basis}", shown(&step.value)));
    }
}

/// The article, how sure the pack is of it, and the pack.
fn basis(step: &Step, lang: Lang) -> String {
    let basis = &step.basis;
    let article = article(&basis.article, lang);
    format!("〔{article} · {} · {}〕", basis.pack, basis.sure)
}

/// An article as the language writes it: `87 art. 55` is `87 第55条`.
pub fn article(text: &str, lang: Lang) -> String {
    if lang == Lang::En {
        return text.to_owned();
    }
    let parts = text.split("; ").map(|part| match part.split_once("art. ") {
        Some((source, rest)) => {
            let number = |sign: char| !(sign.is_ascii_digit() || ", –-".contains(sign));
            let end = rest.find(number).unwrap_or(rest.len());
            let (numbers, more) = rest.split_at(end);
            let numbers = numbers.trim_end();
            let numbers = numbers.replace(", ", "、");
            format!("{source}第{numbers}条{}", more.trim_end())
        }
        None => part.to_owned(),
    });
    parts.collect::<Vec<_>>().join("；")
}

/// The formula with its values in the place of its names.
fn filled(step: &Step) -> String {
    let mut text = String::new();
    let mut rest = step.formula.as_str();
    while let Some(sign) = rest.chars().next() {
        let word = |sign: char| sign.is_ascii_alphanumeric() || sign == '_';
        let end = rest.find(|sign| !word(sign)).unwrap_or(rest.len());
        let (name, after) = rest.split_at(end.max(sign.len_utf8()));
        let input = step.inputs.iter().find(|input| input.name == name);
        match input.filter(|_| !after.starts_with('(')) {
            Some(input) => text.push_str(&operand(&input.value)),
            None => text.push_str(name),
        }
        rest = after;
    }
    text
}

/// A value inside a formula: negatives and fractions in brackets.
fn operand(value: &str) -> String {
    if value.contains('/') && !value.starts_with('[') {
        return format!("({value})");
    }
    let value = shown(value);
    if value.starts_with('-') {
        return format!("({value})");
    }
    value
}

/// A value; of a long list the first and how many there are.
fn shown(value: &str) -> String {
    let inner = value.strip_prefix('[').and_then(|v| v.strip_suffix(']'));
    let Some(inner) = inner else {
        // A fraction is exact, but nobody reads it.
        return match Ratio::parse_exact(value).filter(|_| value.contains('/')) {
            Some(number) => format!("{value} ≈ {}", number.to_fixed(6)),
            None => value.to_owned(),
        };
    };
    let elements: Vec<&str> = inner.split(", ").collect();
    if elements.len() <= SHOWN_MAX {
        return value.to_owned();
    }
    let first = elements.iter().take(SHOWN_MAX).copied();
    let first: Vec<&str> = first.collect();
    format!("[{}, … ({})]", first.join(", "), elements.len())
}

/// The sources of the pack that some step cites, in the order of the pack.
fn sources(derivation: &Derivation) -> Vec<&'static Source> {
    let Ok(pack) = pack::pinned(&derivation.pack) else {
        return Vec::new();
    };
    let bids = derivation.bids.iter().flat_map(|bid| &bid.steps);
    let steps = derivation.lot.iter().chain(bids).chain(&derivation.result);
    let cited: std::collections::BTreeSet<&str> = steps
        .flat_map(|step| step.basis.article.split("; "))
        .map(|part| part.split(" art.").next().unwrap_or(part))
        .collect();
    let named = |source: &&Source| {
        let mut cited = cited.iter();
        cited.any(|cite| *cite == source.id || *cite == source.number)
    };
    pack.sources().iter().filter(named).collect()
}

fn cite(source: &Source, lang: Lang) -> String {
    let number = match source.number.is_empty() {
        true => String::new(),
        false => format!("{}, ", source.number),
    };
    let since = lang.pick("起施行", "in force");
    let (id, title, from, sure) = (&source.id, &source.title, &source.from, source.sure.mark());
    match lang {
        Lang::Zh => format!("  {id}  {title}（{number}{from} {since}）{sure}"),
        Lang::En => format!("  {id}  {title} ({number}{since} from {from}) {sure}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn articles_in_chinese() {
        for (text, zh) in [
            ("87 art. 55", "87 第55条"),
            ("87 art. 54, 55", "87 第54、55条"),
            ("46 art. 9; 财库〔2022〕19号", "46 第9条；财库〔2022〕19号"),
            ("87 art. 59 (2)", "87 第59条(2)"),
            ("财库〔2026〕2号", "财库〔2026〕2号"),
        ] {
            assert_eq!(article(text, Lang::Zh), zh);
            assert_eq!(article(text, Lang::En), text);
        }
    }
}
