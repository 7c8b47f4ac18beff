//! Signing in to a host from its page: what `mifeng sign-in` signs (spec/access.md).

use crate::audit::Problem;
use crate::desk::{in_chinese, replayed};
use crate::slices::{Given, ReadAt};
use crate::wallet::Wallet;
use mifeng::Error;
use mifeng::crypto::{Entropy, Time};
use mifeng_access::{Challenge, SIGN_IN};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Who signs in, where.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignInRequest {
    /// The bundle: the origin that is signed is the log's own.
    pub tender: Given,
    /// Key files and certificates.
    pub identity: Vec<Given>,
    /// The browser's clock.
    pub at: Time,
    /// The host as the browser addresses it.
    pub host: String,
    /// What the host asks to be signed.
    pub challenge: Challenge,
}

/// The answer of [`sign_in`].
#[derive(Clone, Debug, Serialize)]
#[must_use]
pub struct SignedIn {
    /// The signed statement.
    pub statement: Option<String>,
    /// Why there is none.
    pub problem: Option<Problem>,
}

/// Signs a host's challenge.
pub fn sign_in(
    request: &SignInRequest,
    pin: &[u8],
    from: &Arc<dyn ReadAt>,
    entropy: &mut dyn Entropy,
) -> SignedIn {
    match signed(request, pin, from, entropy) {
        Ok(statement) => SignedIn {
            statement: Some(statement),
            problem: None,
        },
        Err(problem) => SignedIn {
            statement: None,
            problem: Some(in_chinese(problem, "未能登录")),
        },
    }
}

fn signed(
    request: &SignInRequest,
    pin: &[u8],
    from: &Arc<dyn ReadAt>,
    entropy: &mut dyn Entropy,
) -> Result<String, Problem> {
    // A host that passes another's challenge on would be signed in there.
    if request.challenge.host != request.host {
        let (own, other) = (&request.host, &request.challenge.host);
        return Err(Problem {
            file: String::new(),
            code: "access.other-host".to_owned(),
            text: (
                format!("登录声明应写明所访问的平台 {own}，却是 {other}"),
                format!("the statement must name the host that was asked, {own}, not {other}"),
            )
                .into(),
        });
    }
    let about = |e: Error| Problem::of(&request.tender, &e);
    let replay = replayed(&request.tender, from).map_err(about)?;
    let wallet = Wallet::open(&request.identity, pin, from)?;
    // Buyers and experts sign in as well: whoever the host knows is for the host to say.
    let signer = wallet.signer(&|_, _| true).map_err(about)?;
    // Statements are in no log and under no count.
    let (state, when) = (&replay.state, (0, request.at));
    let challenge = &request.challenge;
    let signed = mifeng::sign_numbered(state, SIGN_IN, challenge, &signer, when, entropy);
    let file = signed
        .and_then(|signed| Ok(signed.to_file()?))
        .map_err(about)?;
    let text = String::from_utf8(file).map_err(|e| Error::Malformed {
        what: "statement",
        detail: e.to_string(),
    });
    text.map_err(about)
}
