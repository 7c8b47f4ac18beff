//! Who may see what of a tender.
//!
//! *What is it?* [`Matrix`] is a table of role × action × stage, read from text; [`decide`] asks it, with what the buyer has
//! delegated and what two persons have opened in an emergency ([`Grants`]). [`Challenge`] and [`SignIn`] are the statement by
//! which somebody signs in with their certificate, [`Sessions`] what follows, [`Journal`] the chain of refusals. *What does it not
//! do?* It opens no file and reads no clock, and it knows no tender: roles come from whoever holds the tender's records.
#![forbid(unsafe_code)]

mod decide;
mod grants;
mod journal;
mod key;
mod session;
mod sign_in;
mod table;

pub use decide::{Ask, Basis, Denial, Person, Rule, decide, rules};
pub use grants::{
    DELEGATE, Delegate, EMERGENCY, Emergency, GRANTS_MAX, GrantError, Grants, REVOKE, Revoke,
    Signer,
};
pub use journal::{Due, Journal, JournalError, Line, check_journal, is_of_strangers, line_hash};
pub use key::Key;
pub use session::{Begin, SESSION_MILLIS, Session, SessionEntry, Sessions, Token};
pub use sign_in::{CHALLENGE_MILLIS, Challenge, Mint, SIGN_IN, SignIn, SignInError};
pub use table::{Action, Cell, Matrix, Role, Stage, TableError};
