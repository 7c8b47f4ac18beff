//! What a person sees: language, messages, passphrases, files.

use crate::seen::seen;
use mifeng::crypto::Kind;
use mifeng::{Error, crypto};
use std::collections::BTreeMap;
use std::fs;
use std::io::{self, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// The largest small file that a command reads whole: bundles and bids are streamed.
const FILE_LEN_MAX: u64 = 64 << 20;
/// As much as is looked at for the first line of what has a passphrase: nobody types more.
const PIN_LEN_MAX: usize = 4_096;

/// Language of messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Lang {
    /// 中文
    Zh,
    /// English
    En,
}

/// How to speak to the person at the keyboard.
pub(crate) struct Ui {
    /// Says nothing: for the many hands of the demo, which tells its own story.
    pub(crate) quiet: bool,
    pub(crate) lang: Lang,
    pub(crate) pin_file: Option<PathBuf>,
    pub(crate) pin_fd: Option<i32>,
    /// The passphrase once it was given: one command asks once.
    pub(crate) pin_given: std::cell::RefCell<Pins>,
}

/// A failed command: exit code and one sentence.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) exit: u8,
    pub(crate) code: String,
    pub(crate) clause: Option<String>,
    pub(crate) text: String,
    /// The same in Chinese, where there is such a text.
    pub(crate) zh: Option<String>,
}

pub(crate) type Outcome = Result<(), Failure>;

impl Failure {
    pub(crate) fn usage(text: impl Into<String>) -> Self {
        Failure {
            exit: 2,
            code: "usage".to_owned(),
            clause: None,
            zh: None,
            text: text.into(),
        }
    }

    pub(crate) fn malformed(what: impl Into<String>) -> Self {
        Failure {
            exit: 3,
            code: "file.malformed".to_owned(),
            clause: None,
            zh: None,
            text: what.into(),
        }
    }

    pub(crate) fn refused(code: &str, text: impl Into<String>) -> Self {
        Failure {
            exit: 1,
            code: code.to_owned(),
            clause: None,
            zh: None,
            text: text.into(),
        }
    }

    pub(crate) fn io(path: &Path, error: &io::Error) -> Self {
        // What people see most often; the rest is the system's own words.
        let zh = match error.kind() {
            io::ErrorKind::NotFound => Some("没有这个文件或文件夹"),
            io::ErrorKind::PermissionDenied => Some("没有权限"),
            io::ErrorKind::WouldBlock => Some("正被另一个进程使用"),
            io::ErrorKind::StorageFull => Some("磁盘空间已满"),
            io::ErrorKind::AddrInUse => Some("地址已被另一个程序占用"),
            io::ErrorKind::AddrNotAvailable => Some("本机没有这个地址"),
            _ => None,
        };
        Failure {
            exit: 4,
            code: "system.unavailable".to_owned(),
            clause: None,
            zh: zh.map(|zh| format!("{}：{zh}", path.display())),
            text: format!("{}: {error}", path.display()),
        }
    }

    /// What the engine finds wrong, under a code of its own.
    pub(crate) fn unlawful(code: &str, fault: String) -> Self {
        let mut failure = Failure::refused(code, fault);
        failure.zh = mifeng_server::words_in_chinese(&failure.text);
        failure
    }

    /// A time that is none.
    pub(crate) fn no_time(what: &str, found: &str) -> Self {
        const AS: &str = "2026-03-02T09:00:00+08:00";
        let mut failure =
            Failure::malformed(format!("{what}{found:?}: expected RFC 3339, as {AS}"));
        failure.zh = Some(format!("{what}{found:?}：应为 RFC 3339 时间，如 {AS}"));
        failure
    }

    /// What a store says, with its own code.
    pub(crate) fn store(at: &str, error: &io::Error) -> Self {
        let mut failure = Failure::io(Path::new(at), error);
        if let Some(fault) = mifeng_store::Fault::of(error) {
            // It says more than its kind.
            failure.zh = None;
            failure.code = fault.code().to_owned();
            if matches!(fault, mifeng_store::Fault::Place(_)) {
                failure.exit = 2;
            }
        }
        failure
    }

    /// Says which file the error is about.
    pub(crate) fn at(mut self, path: &Path) -> Self {
        self.text = format!("{}: {}", path.display(), self.text);
        self.zh = self.zh.map(|zh| format!("{}: {zh}", path.display()));
        self
    }

    /// The sentence in the language in use.
    pub(crate) fn sentence(&self, lang: Lang) -> &str {
        match (lang, &self.zh) {
            (Lang::Zh, Some(zh)) => zh,
            _ => &self.text,
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let exit = match error.kind() {
            Kind::Refused => 1,
            Kind::Malformed => 3,
            Kind::Unavailable => 4,
            _ => 101,
        };
        let (_, text) = error.in_words();
        Failure {
            exit,
            code: error.code().to_owned(),
            clause: error.refusal().map(|r| r.clause().to_owned()),
            zh: mifeng_server::error_in_chinese(&error),
            text,
        }
    }
}

macro_rules! from {
    ($($inner:ty),*) => {
        $(impl From<$inner> for Failure {
            fn from(error: $inner) -> Self {
                Error::from(error).into()
            }
        })*
    };
}

from!(
    crypto::Error,
    mifeng::pki::Error,
    mifeng::lock::Error,
    mifeng::log::Error,
    mifeng::envelope::Error,
    mifeng::record::Error,
    mifeng::tender::Refusal
);

impl Ui {
    /// Picks the text of the language in use.
    pub(crate) fn t<'a>(&self, zh: &'a str, en: &'a str) -> &'a str {
        match self.lang {
            Lang::Zh => zh,
            Lang::En => en,
        }
    }

    /// The same voice with what was typed so far, for another thread.
    pub(crate) fn copy(&self) -> Ui {
        Ui {
            quiet: self.quiet,
            lang: self.lang,
            pin_file: self.pin_file.clone(),
            pin_fd: self.pin_fd,
            pin_given: std::cell::RefCell::new(self.pin_given.borrow().clone()),
        }
    }

    /// Prints one line.
    pub(crate) fn say(&self, zh: impl AsRef<str>, en: impl AsRef<str>) {
        if self.quiet {
            return;
        }
        let text = self.t(zh.as_ref(), en.as_ref());
        // A closed pipe is the reader's choice, not our failure.
        let _ = writeln!(io::stdout(), "{}", seen(text));
    }

    /// Prints a result: JSON on request, else one text.
    pub(crate) fn tell(
        &self,
        json: bool,
        value: &serde_json::Value,
        zh: impl AsRef<str>,
        en: impl AsRef<str>,
    ) {
        if json {
            let text = format!("{value:#}");
            self.say(&text, &text);
        } else {
            self.say(zh, en);
        }
    }

    /// A tick in green or a cross in red; without colour where nobody sees it (https://no-color.org).
    pub(crate) fn mark(&self, good: bool) -> &'static str {
        let colour = io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        match (good, colour) {
            (true, true) => "\x1b[32m✔\x1b[0m",
            (false, true) => "\x1b[31m✘\x1b[0m",
            (true, false) => "✔",
            (false, false) => "✘",
        }
    }

    /// Prints one line that is the same in every language.
    pub(crate) fn print(&self, line: &str) {
        // A closed pipe is the reader's choice, not our failure.
        let _ = writeln!(io::stdout(), "{}", seen(line));
    }

    /// Prints one line that is not the result.
    pub(crate) fn warn(&self, zh: impl AsRef<str>, en: impl AsRef<str>) {
        eprintln!("{}", seen(self.t(zh.as_ref(), en.as_ref())));
    }

    /// Asks for a new passphrase, twice.
    pub(crate) fn new_pin(&self, of: &Path) -> Result<Zeroizing<Vec<u8>>, Failure> {
        let ask = |zh, en| {
            let question = format!("{} {}: ", self.t(zh, en), of.display());
            rpassword::prompt_password(question)
                .map(|text| Zeroizing::new(text.into_bytes()))
                .map_err(|_| {
                    Failure::usage(self.t(
                        "没有终端可输入新口令，请用 --new-pin-file",
                        "no terminal to ask for the new passphrase: use --new-pin-file",
                    ))
                })
        };
        let first = ask("请输入新口令", "new passphrase for")?;
        if *ask("请再次输入新口令", "again, new passphrase for")? != *first {
            return Err(Failure::usage(
                self.t("两次输入不同", "the two do not agree"),
            ));
        }
        Ok(first)
    }

    /// Prints a heading.
    pub(crate) fn title(&self, zh: &str, en: &str) {
        self.say(format!("\n== {zh}"), format!("\n== {en}"));
    }

    /// Asks for the passphrase of a key: file, file descriptor, or a prompt without echo.
    pub(crate) fn pin(&self, of: &Path) -> Result<Zeroizing<Vec<u8>>, Failure> {
        if let Some(pin) = self.pin_given.borrow().of(of) {
            return Ok(pin);
        }
        let pin = self.ask_pin(of)?;
        let given = &mut *self.pin_given.borrow_mut();
        if self.pin_file.is_some() || self.pin_fd.is_some() {
            given.of_all = Some(pin.clone());
        } else {
            given.typed.insert(Pins::holder(of), pin.clone());
        }
        Ok(pin)
    }

    /// As [`Self::pin`], for a second secret in one command.
    pub(crate) fn ask_pin(&self, of: &Path) -> Result<Zeroizing<Vec<u8>>, Failure> {
        if let Some(path) = &self.pin_file {
            return pin_in(path);
        }
        if let Some(fd) = self.pin_fd {
            let path = PathBuf::from(format!("/dev/fd/{fd}"));
            // With its room from the start: a vector that grows leaves what it held behind.
            let mut bytes = Zeroizing::new(Vec::with_capacity(2 * PIN_LEN_MAX));
            fs::File::open(&path)
                .and_then(|file| file.take(PIN_LEN_MAX as u64).read_to_end(&mut bytes))
                .map_err(|e| Failure::io(&path, &e))?;
            return Ok(first_line(&bytes));
        }
        let question = format!(
            "{} {}: ",
            self.t("请输入密钥口令", "passphrase for"),
            of.display()
        );
        rpassword::prompt_password(question)
            .map(|text| Zeroizing::new(text.into_bytes()))
            .map_err(|_| {
                Failure::usage(self.t(
                    "没有终端可输入口令，请用 --pin-file 或 --pin-fd",
                    "no terminal to ask for the passphrase: use --pin-file or --pin-fd",
                ))
            })
    }
}

/// What was given so far in one command. Nothing is tried on what it was not typed for: a token
/// counts the attempts.
#[derive(Clone, Default)]
pub(crate) struct Pins {
    /// From a file, a descriptor, or the program itself: meant for whatever the command opens.
    of_all: Option<Zeroizing<Vec<u8>>>,
    typed: BTreeMap<PathBuf, Zeroizing<Vec<u8>>>,
}

impl Pins {
    /// One secret for everything.
    pub(crate) fn for_all(pin: Vec<u8>) -> Self {
        Pins {
            of_all: Some(Zeroizing::new(pin)),
            typed: BTreeMap::new(),
        }
    }

    fn of(&self, of: &Path) -> Option<Zeroizing<Vec<u8>>> {
        let typed = || self.typed.get(&Self::holder(of));
        self.of_all.as_ref().or_else(typed).cloned()
    }

    /// The key files of one folder are one person's, under one passphrase; a token or another file
    /// stands for itself.
    fn holder(of: &Path) -> PathBuf {
        let is_key = of.extension().is_some_and(|e| e == "key");
        let folder = of.parent().filter(|_| is_key);
        folder.unwrap_or(of).to_owned()
    }
}

/// The passphrase in a file: its first line.
pub(crate) fn pin_in(path: &Path) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let bytes = Zeroizing::new(fs::read(path).map_err(|e| Failure::io(path, &e))?);
    Ok(first_line(&bytes))
}

fn first_line(bytes: &[u8]) -> Zeroizing<Vec<u8>> {
    let line = bytes
        .split(|b| *b == b'\n' || *b == b'\r')
        .next()
        .unwrap_or_default();
    Zeroizing::new(line.to_vec())
}

/// Reads a small file whole.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let file = fs::File::open(path).map_err(|e| Failure::io(path, &e))?;
    let mut bytes = Vec::new();
    file.take(FILE_LEN_MAX + 1)
        .read_to_end(&mut bytes)
        .map_err(|e| Failure::io(path, &e))?;
    if bytes.len() as u64 > FILE_LEN_MAX {
        return Err(Failure::malformed(format!(
            "{}: > {FILE_LEN_MAX} bytes",
            path.display()
        )));
    }
    Ok(bytes)
}

pub(crate) fn read_text(path: &Path) -> Result<String, Failure> {
    String::from_utf8(read(path)?)
        .map_err(|_| Failure::malformed(format!("{}: UTF-8", path.display())))
}

/// Writes a file all or nothing: a half-written file never has the final name.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Outcome {
    write_with(path, |out| {
        out.write_all(bytes).map_err(|e| Failure::io(path, &e))
    })
}

/// As [`write()`], for what only its owner may read: keys, shares, places of keys.
pub(crate) fn write_secret(path: &Path, bytes: &[u8]) -> Outcome {
    write_secret_with(path, |out| {
        out.write_all(bytes).map_err(|e| Failure::io(path, &e))
    })
}

/// As [`write_secret()`], with the content produced piece by piece.
pub(crate) fn write_secret_with(
    path: &Path,
    produce: impl FnOnce(&mut dyn Write) -> Outcome,
) -> Outcome {
    write_through(path, create_private, produce)
}

/// A new file of the owner alone. What an earlier attempt left is removed, not written into: it
/// may be open elsewhere, or a link.
pub(crate) fn create_private(path: &Path) -> io::Result<fs::File> {
    match fs::remove_file(path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
        _ => {}
    }
    let mut options = fs::OpenOptions::new();
    options.read(true).write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// As [`write()`], with the content produced piece by piece.
pub(crate) fn write_with(path: &Path, produce: impl FnOnce(&mut dyn Write) -> Outcome) -> Outcome {
    write_through(path, |part| fs::File::create(part), produce)
}

fn write_through(
    path: &Path,
    create: impl FnOnce(&Path) -> io::Result<fs::File>,
    produce: impl FnOnce(&mut dyn Write) -> Outcome,
) -> Outcome {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    fs::create_dir_all(folder).map_err(|e| Failure::io(folder, &e))?;
    let name = path
        .file_name()
        .map(|n| n.to_string_lossy().into_owned())
        .unwrap_or_default();
    let part = folder.join(format!(".{name}.part"));
    let result = (|| {
        let file = create(&part).map_err(|e| Failure::io(&part, &e))?;
        let mut out = io::BufWriter::with_capacity(1 << 20, file);
        produce(&mut out)?;
        let file = out
            .into_inner()
            .map_err(|e| Failure::io(&part, e.error()))?;
        file.sync_all().map_err(|e| Failure::io(&part, &e))?;
        fs::rename(&part, path).map_err(|e| Failure::io(path, &e))?;
        fs::File::open(folder)
            .and_then(|folder| folder.sync_all())
            .map_err(|e| Failure::io(folder, &e))
    })();
    if result.is_err() {
        let _ = fs::remove_file(&part);
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pin_is_for_what_it_was_typed_for() {
        let mut pins = Pins::default();
        let typed = Zeroizing::new(b"one".to_vec());
        pins.typed
            .insert(Pins::holder(Path::new("a/sign.key")), typed.clone());
        let of = |pins: &Pins, path: &str| pins.of(Path::new(path));
        assert_eq!(of(&pins, "a/enc.key"), Some(typed.clone()), "one person's");
        for other in ["b/sign.key", "sign.key", "a", "a/token.so", "0123ABCD"] {
            let expected = (other == "a").then(|| typed.clone());
            assert_eq!(of(&pins, other), expected, "{other}");
        }
        // Given by file or descriptor, it is for the whole command.
        let given = Pins::for_all(b"all".to_vec());
        let all = of(&given, "0123ABCD").expect("given");
        assert_eq!(*all, b"all");
        assert_eq!(of(&given, "b/sign.key"), Some(all));
    }
}
