//! A file over an air gap: shown as QR codes in the terminal, read back with a hand scanner that types what it sees.
//!
//! `MF1/NUMBER/OF/DIGEST/PART`: the part in base32 (RFC 4648, without padding), the digest the first twelve hex digits
//! of the file's SHA-256 in upper case: all characters of the alphanumeric mode. Parts may be read in any order.

use crate::ui::{self, Failure, Outcome, Ui};
use mifeng::crypto::HashAlg;
use qrcode::{Color, EcLevel, QrCode, Version};
use std::collections::BTreeMap;
use std::io::BufRead;
use std::path::{Path, PathBuf};

/// Bytes of a part: version 13 at level L holds 619 alphanumeric characters, 69 modules wide, which fits a terminal
/// of eighty columns.
const PART_LEN: usize = 360;
/// The largest code that a terminal of eighty columns shows.
const VERSION_MAX: i16 = 13;
/// Parts of one file: a record of a board has under twenty.
const PARTS_MAX: usize = 99;
/// White modules around a code (ISO/IEC 18004).
const QUIET: usize = 4;
const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

#[derive(clap::Subcommand, Debug)]
pub(crate) enum QrCommand {
    /// 在终端显示文件的二维码，一次一张 / show a file's codes in the terminal, one at a time
    Show {
        file: PathBuf,
        /// 只显示这一张 / only this one
        #[arg(long)]
        part: Option<usize>,
        /// 不等待回车 / do not wait for Enter
        #[arg(long)]
        all: bool,
    },
    /// 用扫码枪读入文件：每行一张 / read a file with a hand scanner: a line for each code
    Read {
        #[arg(long)]
        out: PathBuf,
    },
}

pub(crate) fn run(ui: &Ui, command: &QrCommand, json: bool) -> Outcome {
    match command {
        QrCommand::Show { file, part, all } => show(ui, file, *part, *all, json),
        QrCommand::Read { out } => {
            let stdin = std::io::stdin().lock();
            let bytes = read(ui, stdin)?;
            ui::write(out, &bytes)?;
            ui.say(
                format!("已读入 {}（{} 字节）", out.display(), bytes.len()),
                format!("read {} ({} bytes)", out.display(), bytes.len()),
            );
            Ok(())
        }
    }
}

fn show(ui: &Ui, file: &Path, only: Option<usize>, all: bool, json: bool) -> Outcome {
    let parts = parts(&ui::read(file)?)?;
    if json {
        ui.tell(true, &serde_json::json!({"parts": parts}), "", "");
        return Ok(());
    }
    let count = parts.len();
    if only.is_some_and(|n| n == 0 || n > count) {
        return Err(Failure::usage(format!("--part 1..={count}")));
    }
    for (part, number) in parts.iter().zip(1..) {
        if only.is_some_and(|n| n != number) {
            continue;
        }
        ui.print(&picture(part)?);
        ui.say(
            format!("{}  第 {number} 张，共 {count} 张", file.display()),
            format!("{}  code {number} of {count}", file.display()),
        );
        if only.is_none() && !all && number < count && !super::pause(ui)? {
            break;
        }
    }
    Ok(())
}

/// The lines that the codes of a file say.
pub(super) fn parts(bytes: &[u8]) -> Result<Vec<String>, Failure> {
    let count = bytes.len().div_ceil(PART_LEN);
    if count == 0 || count > PARTS_MAX {
        return Err(Failure::malformed(format!(
            "1 to {} bytes fit into codes, found {}",
            PARTS_MAX * PART_LEN,
            bytes.len()
        )));
    }
    let digest = short_digest(bytes);
    let chunks = bytes.chunks(PART_LEN).zip(1..);
    Ok(chunks
        .map(|(chunk, n)| format!("MF1/{n}/{count}/{digest}/{}", base32(chunk)))
        .collect())
}

fn short_digest(bytes: &[u8]) -> String {
    let digest = HashAlg::Sha256.digest(bytes).to_string();
    digest[..12].to_ascii_uppercase()
}

/// The file that the lines make, once the last missing one is there; what is no part of it is told and passed over.
fn read(ui: &Ui, lines: impl BufRead) -> Result<Vec<u8>, Failure> {
    let mut have: BTreeMap<usize, Vec<u8>> = BTreeMap::new();
    let mut of: Option<(usize, String)> = None;
    for line in lines.lines() {
        let line = line.map_err(|e| Failure::io(Path::new("stdin"), &e))?;
        if line.trim().is_empty() {
            continue;
        }
        let Some((number, count, digest, part)) = part_of(line.trim()) else {
            ui.say("  ✘ 不是本程序的二维码", "  ✘ not a code of this program");
            continue;
        };
        let known = of.get_or_insert_with(|| (count, digest.clone()));
        if *known != (count, digest) {
            ui.say("  ✘ 另一个文件的二维码", "  ✘ a code of another file");
            continue;
        }
        have.insert(number, part);
        let missing: Vec<String> = (1..=count)
            .filter(|n| !have.contains_key(n))
            .map(|n| n.to_string())
            .collect();
        if missing.is_empty() {
            break;
        }
        ui.say(
            format!("  ✔ 第 {number} 张；还缺 {}", missing.join("、")),
            format!("  ✔ code {number}; missing: {}", missing.join(", ")),
        );
    }
    let (count, digest) = of.unwrap_or_default();
    if count == 0 || have.len() < count {
        return Err(Failure::malformed(format!(
            "{} of {count} codes were read",
            have.len()
        )));
    }
    let bytes: Vec<u8> = have.into_values().flatten().collect();
    if short_digest(&bytes) != digest {
        return Err(Failure::malformed(
            "the parts do not make the file that was shown: scan again",
        ));
    }
    Ok(bytes)
}

fn part_of(line: &str) -> Option<(usize, usize, String, Vec<u8>)> {
    let mut fields = line.split('/');
    let (mark, number, count) = (fields.next()?, fields.next()?, fields.next()?);
    let (digest, part) = (fields.next()?, fields.next()?);
    let number: usize = number.parse().ok()?;
    let count: usize = count.parse().ok()?;
    let fits = mark == "MF1" && fields.next().is_none() && (1..=PARTS_MAX).contains(&count);
    if !fits || !(1..=count).contains(&number) || digest.len() != 12 {
        return None;
    }
    Some((number, count, digest.to_owned(), from_base32(part)?))
}

fn base32(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len().div_ceil(5) * 8);
    for chunk in bytes.chunks(5) {
        let bits = chunk
            .iter()
            .fold(0_u64, |n, byte| n << 8 | u64::from(*byte));
        let bits = bits << (8 * (5 - chunk.len()));
        for n in 0..(chunk.len() * 8).div_ceil(5) {
            let at = usize::try_from(bits >> (35 - 5 * n) & 31).unwrap_or(0);
            out.push(char::from(ALPHABET[at]));
        }
    }
    out
}

fn from_base32(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len() * 5 / 8);
    for chunk in text.as_bytes().chunks(8) {
        let mut bits = 0_u64;
        for sign in chunk {
            let value = ALPHABET.iter().position(|known| known == sign)?;
            bits = bits << 5 | u64::try_from(value).ok()?;
        }
        let bits = bits << (5 * (8 - chunk.len()));
        let bytes = chunk.len() * 5 / 8;
        out.extend_from_slice(&bits.to_be_bytes()[3..3 + bytes]);
    }
    // One text for each content.
    (base32(&out) == text).then_some(out)
}

/// A code in half blocks: two modules over each other are one character, dark on light.
fn picture(text: &str) -> Result<String, Failure> {
    let too_long = |_| Failure::malformed("too long for a QR code");
    let code = QrCode::with_error_correction_level(text, EcLevel::L).map_err(too_long)?;
    if let Version::Normal(version) = code.version()
        && version > VERSION_MAX
    {
        return Err(Failure::malformed("too long for a QR code in a terminal"));
    }
    let (width, colors) = (code.width(), code.to_colors());
    let side = width + 2 * QUIET;
    let dark = |x: usize, y: usize| {
        let inside = (QUIET..QUIET + width).contains(&x) && (QUIET..QUIET + width).contains(&y);
        inside && colors[(y - QUIET) * width + x - QUIET] == Color::Dark
    };
    let mut out = String::new();
    for y in (0..side).step_by(2) {
        // Black on white whatever the terminal's colours are.
        out.push_str("\x1b[30;107m");
        for x in 0..side {
            out.push(match (dark(x, y), y + 1 < side && dark(x, y + 1)) {
                (true, true) => '█',
                (true, false) => '▀',
                (false, true) => '▄',
                (false, false) => ' ',
            });
        }
        out.push_str("\x1b[0m\n");
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::{Lang, Pins};
    use std::cell::RefCell;

    fn quiet() -> Ui {
        Ui {
            quiet: true,
            lang: Lang::En,
            pin_file: None,
            pin_fd: None,
            pin_given: RefCell::new(Pins::for_all(Vec::new())),
        }
    }

    #[test]
    fn a_file_comes_over_in_any_order() {
        let file: Vec<u8> = (0..2_500_u32).map(|n| (n * 7 % 251) as u8).collect();
        for len in [1, 4, 5, 6, PART_LEN, PART_LEN + 1, 2_500] {
            let mut lines = parts(&file[..len]).expect("fits");
            lines.reverse();
            lines.insert(0, "something else".to_owned());
            lines.insert(1, lines[1].clone());
            for line in &lines[1..] {
                picture(line).expect("fits a terminal");
            }
            let read = read(&quiet(), lines.join("\n").as_bytes()).expect("whole");
            assert_eq!(read, file[..len]);
        }
        assert!(parts(&[]).is_err());
        assert!(parts(&vec![0; PARTS_MAX * PART_LEN + 1]).is_err());
    }

    #[test]
    fn what_is_not_the_file_is_refused() {
        let lines = parts(&[7; 800]).expect("fits");
        let other = parts(&[8; 800]).expect("fits");
        let read = |lines: &[&str]| read(&quiet(), lines.join("\n").as_bytes());
        assert!(read(&[]).is_err());
        assert!(read(&[&lines[0], &lines[2]]).is_err());
        // A code of another file is passed over, a changed one found out.
        assert!(read(&[&lines[0], &other[1], &lines[1], &lines[2]]).is_ok());
        let changed = lines[1].replacen("A4DQ", "A4DA", 1);
        assert_ne!(changed, lines[1]);
        assert!(read(&[&lines[0], &changed, &lines[2]]).is_err());
        for broken in ["MF1/0/3", "MF1/4/3", "MF2/1/3", "MF1/1/3000"] {
            let line = lines[0].replacen("MF1/1/3", broken, 1);
            assert!(part_of(&line).is_none(), "{broken}");
        }
        assert!(part_of(&lines[0].to_ascii_lowercase()).is_none());
    }

    #[test]
    fn base32_is_that_of_rfc_4648() {
        for (plain, text) in [
            ("f", "MY"),
            ("fo", "MZXQ"),
            ("foo", "MZXW6"),
            ("foob", "MZXW6YQ"),
            ("fooba", "MZXW6YTB"),
            ("foobar", "MZXW6YTBOI"),
        ] {
            assert_eq!(base32(plain.as_bytes()), text);
            assert_eq!(from_base32(text).as_deref(), Some(plain.as_bytes()));
        }
        assert_eq!(from_base32("MZ"), None);
        assert_eq!(from_base32("A"), None);
    }
}
