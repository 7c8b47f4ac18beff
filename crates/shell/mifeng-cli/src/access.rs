//! Signing in to a host with one's certificate, and granting by a signed record (spec/access.md).

use crate::client::Client;
use crate::clock;
use crate::identity::{Identity, load_certificate};
use crate::reach::Reach;
use crate::ui::{self, Failure, Outcome, Ui};
use mifeng::crypto::{Digest, Entropy, Suite, SystemEntropy, Time};
use mifeng::record::{Draft, Facts};
use mifeng_access::{
    Action, Challenge, DELEGATE, Delegate, EMERGENCY, Emergency, REVOKE, Revoke, SIGN_IN,
};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// What a host gives to whoever wants to sign in.
#[derive(Deserialize)]
struct Offered {
    origin: String,
    suite: String,
    challenge: Challenge,
}

/// What it says to whoever has.
#[derive(Deserialize)]
struct Begun {
    token: String,
    name: String,
    roles: Vec<String>,
    expires: Time,
}

/// What it says to an emergency.
#[derive(Deserialize)]
struct Opened {
    signed: u8,
    needed: u8,
    in_force: bool,
}

/// Who, and where.
#[derive(clap::Args, Debug)]
pub(crate) struct Signing {
    #[command(flatten)]
    reach: Reach,
    /// 签名人的身份文件夹 / the signer's identity folder
    #[arg(long)]
    id: PathBuf,
}

impl Signing {
    pub(crate) fn parts(&self) -> (&Reach, &Path) {
        (&self.reach, &self.id)
    }
}

#[derive(clap::Args, Debug)]
pub(crate) struct SignInArgs {
    #[command(flatten)]
    by: Signing,
    /// 登录令牌写到这里（仅本人可读） / the token goes here, for this user's eyes only
    #[arg(long)]
    out: PathBuf,
}

/// Who grants something, and in which tender.
#[derive(clap::Args, Debug)]
pub(crate) struct Signatory {
    #[command(flatten)]
    by: Signing,
    /// 项目日志的来源标识，取自自己持有的公告或回执，勿信平台所言 / origin of the tender's log, from one's own copy of the notice or a receipt, not by the host's word
    #[arg(long)]
    origin: String,
}

/// What is granted to whom.
#[derive(clap::Args, Debug)]
pub(crate) struct Granting {
    #[command(flatten)]
    of: Signatory,
    /// 被授权人的证书 / certificate of whoever may do it
    #[arg(long)]
    to: PathBuf,
    /// 到此时刻为止，RFC 3339 / until this instant, RFC 3339
    #[arg(long, value_parser = instant)]
    until: Time,
}

#[derive(clap::Subcommand, Debug)]
pub(crate) enum GrantCommand {
    /// 采购人授权他人 / the buyer lets somebody else do something
    Delegate {
        #[command(flatten)]
        granting: Granting,
        /// 操作，如 opened.read / what, as opened.read
        #[arg(long, required = true, value_parser = action)]
        action: Vec<Action>,
        /// 自此时刻起；不给则为现在 / from this instant on; without: now
        #[arg(long, value_parser = instant)]
        from: Option<Time>,
    },
    /// 紧急放行：两个不同的人签署同一内容后生效 / an emergency: it counts once two different persons have signed the same
    Emergency {
        #[command(flatten)]
        granting: Granting,
        /// 操作，如 opened.read / what, as opened.read
        #[arg(long, value_parser = action)]
        action: Action,
        /// 原因，两人须一字不差 / why, the same words by both
        #[arg(long)]
        reason: String,
    },
    /// 撤销自己的授权 / end what one granted
    Revoke {
        #[command(flatten)]
        of: Signatory,
        /// 授权时打印的编号 / the number that was printed when it was granted
        grant: Digest,
    },
}

fn action(text: &str) -> Result<Action, String> {
    Action::of(text).ok_or_else(|| {
        let all: Vec<&str> = Action::ALL.iter().map(|one| one.word()).collect();
        format!("expected one of {}, found {text:?}", all.join(", "))
    })
}

fn instant(text: &str) -> Result<Time, String> {
    Time::parse_rfc3339(text).map_err(|e| e.to_string())
}

/// The host as it is addressed, without the port that its scheme has anyway.
fn authority(url: &str) -> &str {
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    let host = rest.split('/').next().unwrap_or_default();
    let usual = match scheme {
        "https" => ":443",
        _ => ":80",
    };
    host.strip_suffix(usual).unwrap_or(host)
}

fn offered(client: &Client) -> Result<(Offered, &'static Suite), Failure> {
    let said = client.post("/sign-in/challenge", &[])?;
    let offered: Offered =
        serde_json::from_slice(&said).map_err(|e| Failure::malformed(e.to_string()))?;
    let suite = Suite::by_id(&offered.suite).map_err(mifeng::Error::from)?;
    Ok((offered, suite))
}

/// A record that no log takes; the hash of its body, which names a grant, and the file.
fn signed<T: Serialize>(
    identity: &Identity,
    (offered, suite): (&Offered, &'static Suite),
    kind: &str,
    data: &T,
) -> Result<(Digest, Vec<u8>), Failure> {
    let mut salt = [0; 32];
    SystemEntropy::new().fill(&mut salt)?;
    let facts = Facts {
        kind,
        origin: &offered.origin,
        seq: 0,
        time: clock::now(),
        salt,
        data,
    };
    let draft = Draft::new(&facts, identity.signer.certificate(), suite);
    let record = draft
        .and_then(|draft| draft.sign(&*identity.signer, suite))
        .map_err(mifeng::Error::from)?;
    Ok((record.body_digest(suite.hash()), record.to_file()?))
}

/// A host that names another's log would get a grant that counts there.
fn pinned(ui: &Ui, expected: &str, said: &str) -> Outcome {
    if said == expected {
        return Ok(());
    }
    Err(Failure::refused(
        "access.other-origin",
        format!(
            "{}: {expected}: {said}",
            ui.t(
                "平台所说的项目不是指定的项目",
                "the host names another tender than was meant"
            )
        ),
    ))
}

/// Signs in to the host at `url` with an identity, read when it is needed.
fn begun(
    ui: &Ui,
    (client, url): (&Client, &str),
    identity: &dyn Fn() -> Result<Identity, Failure>,
) -> Result<Begun, Failure> {
    let (offered, suite) = offered(client)?;
    // A host that passes another's challenge on would be signed in there.
    let own = authority(url);
    if offered.challenge.host != own {
        return Err(Failure::refused(
            "access.other-host",
            format!(
                "{}: {own}: {}",
                ui.t(
                    "登录声明应写明所访问的平台",
                    "the statement must name the host that was asked"
                ),
                offered.challenge.host
            ),
        ));
    }
    let of = (&offered, suite);
    let (_, statement) = signed(&identity()?, of, SIGN_IN, &offered.challenge)?;
    let said = Zeroizing::new(client.post("/sign-in", &statement)?);
    serde_json::from_slice(&said).map_err(|e| Failure::malformed(e.to_string()))
}

/// A token for whoever has this identity.
pub(crate) fn token(ui: &Ui, at: (&Client, &str), id: &Path) -> Result<Zeroizing<String>, Failure> {
    let begun = begun(ui, at, &|| Identity::load(ui, id))?;
    Ok(Zeroizing::new(begun.token))
}

/// `mifeng sign-in`.
pub(crate) fn sign_in(ui: &Ui, args: &SignInArgs) -> Outcome {
    let reach = &args.by.reach;
    let client = Client::new(ui, reach)?;
    let identity = || Identity::load(ui, &args.by.id);
    let begun = begun(ui, (&client, &reach.host), &identity)?;
    ui::write_secret(&args.out, begun.token.as_bytes())?;
    let (roles, until) = (begun.roles.join(", "), begun.expires);
    let in_chinese = |role: &String| {
        let own = mifeng_server::words_in_chinese(role);
        own.unwrap_or_else(|| role.clone())
    };
    let zh: Vec<String> = begun.roles.iter().map(in_chinese).collect();
    // Who signs in before having a part in the tender has no role.
    let (zh, en) = match roles.is_empty() {
        true => (String::new(), String::new()),
        false => (format!("（{}）", zh.join("、")), format!(" ({roles})")),
    };
    ui.say(
        format!("已登录：{}{zh}，至 {until}", begun.name),
        format!("signed in: {}{en}, until {until}", begun.name),
    );
    Ok(())
}

/// `mifeng grant`.
pub(crate) fn grant(ui: &Ui, command: &GrantCommand) -> Outcome {
    let of = match command {
        GrantCommand::Delegate { granting, .. } | GrantCommand::Emergency { granting, .. } => {
            &granting.of
        }
        GrantCommand::Revoke { of, .. } => of,
    };
    let (by, origin) = (&of.by, &of.origin);
    let client = Client::new(ui, &by.reach)?;
    let (offered, suite) = offered(&client)?;
    pinned(ui, origin, &offered.origin)?;
    let of = (&offered, suite);
    let to = |granting: &Granting| -> Result<Digest, Failure> {
        let certificate = load_certificate(&granting.to)?;
        Ok(certificate.fingerprint(suite.hash()))
    };
    let identity = Identity::load(ui, &by.id)?;
    let (id, record) = match command {
        GrantCommand::Delegate {
            granting,
            action,
            from,
        } => {
            let data = Delegate {
                to: to(granting)?,
                actions: action.clone(),
                from: from.unwrap_or_else(clock::now).trunc_millis(),
                until: granting.until,
            };
            signed(&identity, of, DELEGATE, &data)?
        }
        GrantCommand::Emergency {
            granting,
            action,
            reason,
        } => {
            let data = Emergency {
                action: *action,
                to: to(granting)?,
                reason: reason.clone(),
                until: granting.until,
            };
            signed(&identity, of, EMERGENCY, &data)?
        }
        GrantCommand::Revoke { grant, .. } => {
            signed(&identity, of, REVOKE, &Revoke { grant: *grant })?
        }
    };
    let said = client.post("/grants", &record)?;
    ui.say(
        format!("平台已登记：{id}"),
        format!("the host has it: {id}"),
    );
    if let GrantCommand::Emergency {
        granting,
        action,
        reason,
    } = command
    {
        // A host of an older version says nothing.
        match serde_json::from_slice::<Opened>(&said) {
            Ok(told) if told.in_force => ui.say(
                format!("{} 人中已有 {} 人签署：已生效", told.needed, told.signed),
                format!(
                    "{} of {} have signed: it is in force",
                    told.signed, told.needed
                ),
            ),
            Ok(told) => {
                ui.say(
                    format!("{} 人中已有 {} 人签署：尚未生效", told.needed, told.signed),
                    format!(
                        "{} of {} have signed: it is not in force yet",
                        told.signed, told.needed
                    ),
                );
                tell_second(ui, granting, *action, reason);
            }
            Err(_) => tell_second(ui, granting, *action, reason),
        }
    }
    Ok(())
}

/// One signature of an emergency lets nobody do anything: what the other person is to type.
fn tell_second(ui: &Ui, granting: &Granting, action: Action, reason: &str) {
    let (host, origin) = (&granting.of.by.reach.host, &granting.of.origin);
    let (to, until) = (granting.to.display(), granting.until);
    let line = format!(
        "mifeng grant emergency --host {} --origin {} --id {} --to {} --action {} --reason {} --until {until}",
        quoted(host),
        quoted(origin),
        ui.t("另一人的身份文件夹", "OTHER-PERSONS-FOLDER"),
        quoted(&to.to_string()),
        action.word(),
        quoted(reason),
    );
    ui.say(
        format!("还须另一个人签署同样的内容才生效：\n  {line}"),
        format!("it counts once another person has signed the same:\n  {line}"),
    );
}

/// As a shell takes it for one word.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_is_named_as_it_is_addressed() {
        for (url, expected) in [
            ("https://host.example/t/1", "host.example"),
            ("https://host.example:443/t/1", "host.example"),
            ("https://host.example:80/t/1", "host.example:80"),
            ("http://127.0.0.1:8600/t/1", "127.0.0.1:8600"),
            ("http://host.example:80/t/1", "host.example"),
        ] {
            assert_eq!(authority(url), expected, "{url}");
        }
        let ui = Ui {
            quiet: true,
            lang: crate::ui::Lang::En,
            pin_file: None,
            pin_fd: None,
            pin_given: std::cell::RefCell::default(),
        };
        assert!(pinned(&ui, "host.example/t/1", "host.example/t/1").is_ok());
        let other = pinned(&ui, "host.example/t/1", "host.example/t/2");
        assert!(other.is_err_and(|e| e.sentence(ui.lang).contains("host.example/t/2")));
        assert_eq!(quoted("it's so"), r"'it'\''s so'");
        assert!(action("opened.read").is_ok());
        assert!(action("opened.write").is_err_and(|e| e.contains("sheets.read")));
    }
}
