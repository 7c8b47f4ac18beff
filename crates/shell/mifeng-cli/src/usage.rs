//! A command line that is not understood, told in the language in use: the parser itself speaks English only.

use crate::config::{Sources, with_source};
use crate::ui::{Failure, Lang};
use clap::error::{ContextKind, ContextValue, ErrorKind};
use std::error::Error as _;
use std::ffi::OsString;

/// The language that these words ask for, as far as they can be read.
pub(crate) fn language(words: &[OsString]) -> Lang {
    let mut words = words.iter().filter_map(|word| word.to_str());
    while let Some(word) = words.next() {
        let value = match word.strip_prefix("--lang") {
            Some("") => words.next(),
            Some(rest) => rest.strip_prefix('='),
            None => None,
        };
        match value {
            Some("en") => return Lang::En,
            Some("zh") => return Lang::Zh,
            _ => {}
        }
    }
    Lang::Zh
}

/// Whether the answer is to be JSON.
pub(crate) fn is_json(words: &[OsString]) -> bool {
    words.iter().any(|word| word == "--json")
}

/// The words without what `help` takes none of: its texts are in both languages.
pub(crate) fn for_help(words: Vec<OsString>) -> Vec<OsString> {
    // What stands before the command has been looked at by the parser by then.
    let named = words.iter().skip(1).find(|word| {
        let word = word.to_str().unwrap_or_default();
        !word.starts_with('-') && word != "zh" && word != "en"
    });
    if named.is_none_or(|word| word != "help") {
        return words;
    }
    let mut rest = words.into_iter();
    let mut kept: Vec<OsString> = Vec::new();
    while let Some(word) = rest.next() {
        match word.to_str() {
            Some("--lang") => drop(rest.next()),
            Some("--json") => {}
            Some(text) if text.starts_with("--lang=") => {}
            _ => kept.push(word),
        }
    }
    kept
}

/// Whether a command's usage line has a file or another word that stands alone.
fn takes_words(usage: &str) -> bool {
    let mut of_option = false;
    usage.split_whitespace().skip(1).any(|word| {
        let name = word.trim_matches(['[', ']', '<', '>', '.', '|']);
        let is_value =
            name.len() < word.len() && name.bytes().all(|b| b.is_ascii_uppercase() || b == b'_');
        let alone = is_value && !of_option && !["OPTIONS", "COMMAND"].contains(&name);
        of_option = word.trim_start_matches(['[', '<']).starts_with("--");
        alone
    })
}

/// What is wrong, or none where the parser's own text is the answer: help, the version, and what is rare.
pub(crate) fn failure(error: &clap::Error, sources: &Sources) -> Option<Failure> {
    let shown = matches!(
        error.kind(),
        ErrorKind::DisplayHelp
            | ErrorKind::DisplayVersion
            | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
    );
    if shown {
        return None;
    }
    let text = error.render().to_string();
    let text = text.trim_start_matches("error: ");
    let first = text.split("\n\n").next().unwrap_or(text).split_whitespace();
    let first: Vec<&str> = first.collect();
    let mut first = first.join(" ");
    if is_second_word(error) {
        first.push_str(": one file only");
    }
    let mut failure = Failure::usage(format!("{first} (see --help)"));
    failure.zh = chinese(error).map(|zh| format!("{zh}（用法见 --help）"));
    let arg = said(error, ContextKind::InvalidArg);
    Some(with_source(failure, &arg, sources))
}

/// A word more than a command takes that takes words.
fn is_second_word(error: &clap::Error) -> bool {
    error.kind() == ErrorKind::UnknownArgument
        && !said(error, ContextKind::InvalidArg).starts_with('-')
        && takes_words(&said(error, ContextKind::Usage))
}

fn chinese(error: &clap::Error) -> Option<String> {
    let of = |kind| said(error, kind);
    let arg = of(ContextKind::InvalidArg);
    let value = of(ContextKind::InvalidValue);
    let command = of(ContextKind::InvalidSubcommand);
    let all = |kind, what: &str| match of(kind) {
        text if text.is_empty() => String::new(),
        text => format!("；{what}：{text}"),
    };
    let meant = [
        ContextKind::SuggestedArg,
        ContextKind::SuggestedSubcommand,
        ContextKind::SuggestedValue,
    ];
    let meant = meant.into_iter().map(|kind| all(kind, "是否应为"));
    let meant: String = meant.collect();
    Some(match error.kind() {
        ErrorKind::UnknownArgument if is_second_word(error) => {
            format!("多余的参数 {arg}：只能有一个文件")
        }
        ErrorKind::UnknownArgument if !arg.starts_with('-') => format!("多余的参数 {arg}"),
        ErrorKind::UnknownArgument => format!("没有选项 {arg}{meant}"),
        ErrorKind::InvalidValue if value.is_empty() => {
            format!(
                "选项 {arg} 缺少取值{}",
                all(ContextKind::ValidValue, "可用")
            )
        }
        ErrorKind::InvalidValue => format!(
            "选项 {arg} 的取值 {value} 无效{}{meant}",
            all(ContextKind::ValidValue, "可用")
        ),
        ErrorKind::ValueValidation => {
            let why = error.source().map(|why| format!("：{why}"));
            format!("选项 {arg} 的取值 {value} 无效{}", why.unwrap_or_default())
        }
        ErrorKind::MissingRequiredArgument => format!("缺少必需的参数：{arg}"),
        ErrorKind::MissingSubcommand => {
            format!("缺少子命令{}", all(ContextKind::ValidSubcommand, "可用"))
        }
        ErrorKind::InvalidSubcommand => format!("没有子命令 {command}{meant}"),
        ErrorKind::ArgumentConflict => {
            let other = of(ContextKind::PriorArg);
            match other == arg || other.is_empty() {
                true => format!("选项 {arg} 不能重复给出"),
                false => format!("选项 {arg} 不能与 {other} 同时给出"),
            }
        }
        ErrorKind::NoEquals => format!("选项 {arg} 与取值之间须有等号"),
        ErrorKind::TooManyValues => format!("选项 {arg} 的取值过多：{value}"),
        ErrorKind::TooFewValues | ErrorKind::WrongNumberOfValues => {
            format!("选项 {arg} 的取值个数不对")
        }
        ErrorKind::InvalidUtf8 => "参数不是 UTF-8 文字".to_owned(),
        _ => return None,
    })
}

/// What the parser says of the fault, as text.
fn said(error: &clap::Error, kind: ContextKind) -> String {
    match error.get(kind) {
        Some(ContextValue::String(text)) => text.clone(),
        Some(ContextValue::Strings(all)) => all.join("、"),
        Some(ContextValue::StyledStr(text)) => text.to_string(),
        Some(ContextValue::StyledStrs(all)) => {
            let all: Vec<String> = all.iter().map(ToString::to_string).collect();
            all.join("、")
        }
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::Args;
    use clap::Parser;

    fn both(line: &str) -> (String, String) {
        let words = line.split_whitespace();
        let error = Args::try_parse_from(words).expect_err("not a command");
        let failure = failure(&error, &Sources::new()).expect("a fault");
        assert_eq!((failure.exit, &*failure.code), (2, "usage"));
        let of = |lang| failure.sentence(lang).to_owned();
        (of(Lang::Zh), of(Lang::En))
    }

    #[test]
    fn common_faults_are_told_in_chinese_with_the_words_that_they_are_about() {
        for (line, zh, en) in [
            (
                "mifeng verify --reprot x d.tar",
                "没有选项 --reprot；是否应为：--report",
                "unexpected argument '--reprot'",
            ),
            (
                "mifeng serve --listen",
                "选项 --listen <ADDRESS:PORT> 缺少取值",
                "a value is required",
            ),
            (
                "mifeng demo --suite sm9",
                "选项 --suite <SUITE> 的取值 sm9 无效；可用：gm、intl",
                "invalid value 'sm9'",
            ),
            (
                "mifeng demo --cas 3",
                "选项 --cas <CAS> 的取值 3 无效：3 is not in 1..=2",
                "3 is not in 1..=2",
            ),
            (
                "mifeng verify",
                "缺少必需的参数：<DOSSIER>",
                "required arguments",
            ),
            (
                "mifeng send --host http://127.0.0.1:1/t/T a.rec b.rec",
                "多余的参数 b.rec：只能有一个文件",
                "unexpected argument 'b.rec' found: one file only",
            ),
            (
                "mifeng tender init --host T x",
                "多余的参数 x",
                "unexpected argument 'x'",
            ),
            (
                "mifeng verfiy",
                "没有子命令 verfiy；是否应为：verify",
                "unrecognized subcommand 'verfiy'",
            ),
            (
                "mifeng verify a --lang zh --lang en",
                "选项 --lang <LANG> 不能重复给出",
                "cannot be used multiple times",
            ),
            (
                "mifeng demo --faults --attacks",
                "选项 --faults 不能与 --attacks 同时给出",
                "cannot be used with '--attacks'",
            ),
        ] {
            let (said_zh, said_en) = both(line);
            assert_eq!(said_zh, format!("{zh}（用法见 --help）"), "{line}");
            assert!(
                said_en.contains(en) && !said_en.contains('\n'),
                "{line}: {said_en}"
            );
        }
    }

    #[test]
    fn help_and_version_are_left_to_the_parser() {
        for line in [
            "mifeng --version",
            "mifeng demo --help",
            "mifeng help verify",
        ] {
            let error = Args::try_parse_from(line.split_whitespace()).expect_err("shown");
            assert!(failure(&error, &Sources::new()).is_none(), "{line}");
        }
    }

    #[test]
    fn help_is_the_same_in_each_language() {
        for (line, kept) in [
            ("mifeng help --lang zh", "mifeng help"),
            ("mifeng --lang=en help verify", "mifeng help verify"),
            ("mifeng --lang zh help --json", "mifeng help"),
            (
                "mifeng verify help --lang zh",
                "mifeng verify help --lang zh",
            ),
        ] {
            let words = line.split_whitespace().map(OsString::from).collect();
            let kept: Vec<OsString> = kept.split_whitespace().map(OsString::from).collect();
            assert_eq!(for_help(words), kept, "{line}");
        }
    }

    #[test]
    fn the_language_is_read_before_the_rest() {
        for (line, expected) in [
            ("mifeng --lang en x", Lang::En),
            ("mifeng x --lang=en", Lang::En),
            ("mifeng --lang", Lang::Zh),
            ("mifeng --lang fr", Lang::Zh),
            ("mifeng --language en", Lang::Zh),
        ] {
            let words: Vec<OsString> = line.split_whitespace().map(OsString::from).collect();
            assert_eq!(language(&words), expected, "{line}");
        }
    }
}
