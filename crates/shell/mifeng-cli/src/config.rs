//! `mifeng serve` from a file and the environment: each key is an option of the command, and the command line
//! comes first, then the environment, then the file. No option is a secret: those stand in files of their own.

use crate::ui::Failure;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;

/// The command that is configured so.
const COMMAND: &str = "serve";
const FILE: &str = "--config";
/// `MIFENG_SERVE_LISTEN` is `--listen`.
const VARIABLE: &str = "MIFENG_SERVE_";
/// Bytes of a configuration: some lines.
const LEN_MAX: u64 = 64 << 10;

/// Where an option comes from that is not of the command line: a key of a file, or a variable.
pub(crate) type Sources = BTreeMap<String, String>;

/// What the parser finds wrong with an option, with the place where it was written.
pub(crate) fn with_source(mut failure: Failure, arg: &str, sources: &Sources) -> Failure {
    let option = arg.split([' ', '=']).next().unwrap_or_default();
    if let Some(source) = sources.get(option) {
        failure.text = format!("{source}: {}", failure.text);
        failure.zh = failure.zh.map(|zh| format!("{source}：{zh}"));
    }
    failure
}

/// Whether an option of `serve` is on or off and has no value.
fn is_switch(key: &str) -> bool {
    use clap::{ArgAction, CommandFactory};
    let command = crate::args::Args::command();
    let of = |command: &clap::Command| {
        let mut all = command.get_arguments();
        all.any(|arg| arg.get_long() == Some(key) && matches!(arg.get_action(), ArgAction::SetTrue))
    };
    of(&command) || command.find_subcommand(COMMAND).is_some_and(of)
}

/// The arguments of this process, with what file and environment say put before those of `serve`, and where that was said.
pub(crate) fn arguments() -> Result<(Vec<OsString>, Sources), Failure> {
    let variables = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    merged(std::env::args_os().collect(), variables)
}

fn merged(
    given: Vec<OsString>,
    variables: impl Iterator<Item = (String, String)>,
) -> Result<(Vec<OsString>, Sources), Failure> {
    let mut sources = Sources::new();
    let Some(at) = given.iter().skip(1).position(|word| word == COMMAND) else {
        return Ok((given, sources));
    };
    let (before, own) = given.split_at(at + 2);
    let own_words: Vec<&str> = own.iter().filter_map(|word| word.to_str()).collect();
    let mut options = match value_of(&own_words, FILE) {
        Some(path) => {
            let options = from_file(Path::new(path))?;
            let said = |key: &String| (format!("--{key}"), format!("{path}: {key}"));
            sources.extend(options.keys().map(said));
            options
        }
        None => BTreeMap::new(),
    };
    for (name, value) in variables {
        if let Some(key) = name.strip_prefix(VARIABLE) {
            let key = key.to_ascii_lowercase().replace('_', "-");
            sources.insert(format!("--{key}"), name);
            options.insert(key, Some(value));
        }
    }
    let mut words = before.to_vec();
    for (key, value) in options {
        let option = format!("--{key}");
        let again = format!("{option}=");
        let said = |word: &&OsString| {
            let word = word.to_str().unwrap_or_default();
            word == option || word.starts_with(&again)
        };
        // The command line comes first, also what stands before the command.
        if given.iter().any(|word| said(&word)) {
            sources.remove(&option);
            continue;
        }
        let value = match value {
            Some(value) if is_switch(&key) => match value.as_str() {
                "true" => None,
                "false" => continue,
                _ => {
                    let source = sources.get(&option).unwrap_or(&option);
                    let en = format!("{source}: expected true or false, found {value:?}");
                    let mut failure = Failure::usage(en);
                    failure.zh = Some(format!("{source}：应为 true 或 false，实为 {value:?}"));
                    return Err(failure);
                }
            },
            value => value,
        };
        match value {
            Some(value) => words.push(format!("{option}={value}").into()),
            None => words.push(option.into()),
        }
    }
    words.extend_from_slice(own);
    Ok((words, sources))
}

/// What follows an option, in either form.
fn value_of<'a>(words: &[&'a str], option: &str) -> Option<&'a str> {
    words.iter().enumerate().find_map(|(at, word)| {
        match word.strip_prefix(option)?.strip_prefix('=') {
            Some(value) => Some(value),
            None if *word == option => words.get(at + 1).copied(),
            None => None,
        }
    })
}

/// Options of a file; those without a value are switches that are on.
fn from_file(path: &Path) -> Result<BTreeMap<String, Option<String>>, Failure> {
    let bad = |detail: String| Failure::usage(format!("{}: {detail}", path.display()));
    let len = std::fs::metadata(path)
        .map_err(|e| Failure::io(path, &e))?
        .len();
    if len > LEN_MAX {
        return Err(bad(format!("{len} bytes, expected at most {LEN_MAX}")));
    }
    let text = std::fs::read_to_string(path).map_err(|e| Failure::io(path, &e))?;
    let table: toml::Table = text
        .parse()
        .map_err(|e: toml::de::Error| bad(e.to_string()))?;
    let mut options = BTreeMap::new();
    for (key, value) in table {
        let value = match value {
            toml::Value::String(text) => Some(text),
            toml::Value::Integer(number) => Some(number.to_string()),
            toml::Value::Boolean(true) => None,
            toml::Value::Boolean(false) => continue,
            _ => {
                return Err(bad(format!(
                    "{key}: expected text, a number, true or false"
                )));
            }
        };
        if !key.bytes().all(|b| b.is_ascii_lowercase() || b == b'-') {
            return Err(bad(format!("{key}: expected the name of an option")));
        }
        options.insert(key, value);
    }
    Ok(options)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(file: &str, variables: &[(&str, &str)], own: &[&str]) -> Result<Vec<String>, Failure> {
        let path = std::env::temp_dir().join(format!(
            "mifeng-config-{}-{:?}.toml",
            std::process::id(),
            std::thread::current().id()
        ));
        std::fs::write(&path, file).map_err(|e| Failure::io(&path, &e))?;
        let mut given: Vec<OsString> = ["mifeng", "--lang", "en", "serve", "--config"]
            .map(OsString::from)
            .to_vec();
        given.push(path.clone().into());
        given.extend(own.iter().map(OsString::from));
        let variables = variables
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let said = merged(given, variables);
        let _ = std::fs::remove_file(&path);
        let left_out = ["mifeng", "--lang", "en", "serve", "--config"];
        Ok(said?
            .0
            .into_iter()
            .filter_map(|word| word.into_string().ok())
            .filter(|word| !left_out.contains(&word.as_str()) && !word.ends_with(".toml"))
            .collect())
    }

    #[test]
    fn the_command_line_comes_before_the_environment_and_that_before_the_file() {
        let file =
            "dir = \"/srv/a\"\nlisten = \"[::1]:1\"\nid = \"x\"\nverbose = true\nquiet = false\n";
        let variables = [
            ("MIFENG_SERVE_LISTEN", "[::1]:2"),
            ("MIFENG_SERVE_VERIFY_PAGE", "p"),
            ("HOME", "/"),
        ];
        let said = words(file, &variables, &["--id=y"]).expect("good");
        let wanted = [
            "--dir=/srv/a",
            "--listen=[::1]:2",
            "--verbose",
            "--verify-page=p",
            "--id=y",
        ];
        assert_eq!(said, wanted);
    }

    #[test]
    fn what_is_no_option_is_refused() {
        for file in [
            "a = [1]",
            "[table]\nb = 1",
            "a = ",
            "\"--x\" = 1\n\"A b\" = 2",
        ] {
            let code = words(file, &[], &[]).map_err(|no| no.exit);
            assert_eq!(code.err(), Some(2), "{file}");
        }
        assert_eq!(words("", &[], &[]).expect("good"), Vec::<String>::new());
    }

    /// What the command says of a faulty configuration, in Chinese.
    fn fault(file: &str, variables: &[(&str, &str)], own: &[&str]) -> String {
        use clap::Parser;
        let path = std::env::temp_dir().join(format!(
            "mifeng-config-fault-{}-{:?}.toml",
            std::process::id(),
            std::thread::current().id()
        ));
        std::fs::write(&path, file).expect("written");
        let mut given = ["mifeng", "serve", "--config"].map(OsString::from).to_vec();
        given.push(path.clone().into());
        given.extend(own.iter().map(OsString::from));
        let variables = variables
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let said = merged(given, variables);
        let _ = std::fs::remove_file(&path);
        let failure = match said {
            Err(failure) => failure,
            Ok((words, sources)) => {
                let error = crate::args::Args::try_parse_from(words).expect_err("a fault");
                crate::usage::failure(&error, &sources).expect("a fault")
            }
        };
        assert_eq!(failure.exit, 2);
        let zh = failure.sentence(crate::ui::Lang::Zh);
        zh.replace(&path.display().to_string(), "FILE")
    }

    #[test]
    fn a_fault_names_the_file_and_its_key_or_the_variable() {
        let good = "dir = \"d\"\nid = \"i\"\n";
        let said = fault(&format!("{good}listn = \"[::1]:1\"\n"), &[], &[]);
        assert!(said.starts_with("FILE: listn：没有选项 --listn"), "{said}");
        let said = fault(good, &[("MIFENG_SERVE_LISTN", "x")], &[]);
        assert!(
            said.starts_with("MIFENG_SERVE_LISTN：没有选项 --listn"),
            "{said}"
        );
        let said = fault(&format!("{good}listen = \"here\"\n"), &[], &[]);
        assert!(said.starts_with("FILE: listen：选项 --listen"), "{said}");
        // The variable comes before the file, and the command line before both.
        let said = fault(
            &format!("{good}listen = \"x\"\n"),
            &[("MIFENG_SERVE_LISTEN", "y")],
            &[],
        );
        assert!(
            said.starts_with("MIFENG_SERVE_LISTEN：选项 --listen"),
            "{said}"
        );
        let said = fault(&format!("{good}listen = \"x\"\n"), &[], &["--listen", "z"]);
        assert!(said.starts_with("选项 --listen"), "{said}");
        for (file, variable) in [("behind-proxy = \"yes\"", None), ("", Some("yes"))] {
            let variables = variable.map(|value| ("MIFENG_SERVE_BEHIND_PROXY", value));
            let variables: Vec<_> = variables.into_iter().collect();
            let said = fault(&format!("{good}{file}\n"), &variables, &[]);
            let source = variable.map_or("FILE: behind-proxy", |_| "MIFENG_SERVE_BEHIND_PROXY");
            assert_eq!(said, format!("{source}：应为 true 或 false，实为 \"yes\""));
        }
        let on = [("MIFENG_SERVE_BEHIND_PROXY", "true")];
        assert_eq!(words("", &on, &[]).expect("good"), ["--behind-proxy"]);
        let off = [("MIFENG_SERVE_BEHIND_PROXY", "false")];
        assert_eq!(
            words("behind-proxy = true", &off, &[]).expect("good"),
            Vec::<String>::new()
        );
    }

    #[test]
    fn other_commands_are_left_alone() {
        let given: Vec<OsString> = ["mifeng", "verify", "serve.tar"]
            .map(OsString::from)
            .to_vec();
        let variables = [("MIFENG_SERVE_DIR".to_owned(), "x".to_owned())];
        let (said, sources) = merged(given.clone(), variables.into_iter()).expect("good");
        assert_eq!((said, sources), (given, Sources::new()));
    }
}
