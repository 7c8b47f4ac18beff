//! A simulated SKF token (GM/T 0016): for tests, training and demonstrations.
//!
//! The shared library keeps each device in one file `NAME.skf` of the folder that the environment
//! names in `MIFENG_SKF_SIM`; a file that is there is a token that is plugged in. As in a real
//! token the PIN has a counter of attempts, session keys come in wrapped and never come out, and
//! a device that is gone answers nothing more. Unlike a real token, whoever copies the file can
//! try PINs at leisure: it protects nothing that matters.
//!
//! [`Device`] makes such files.
#![deny(unsafe_code)]

mod abi;
mod device;
mod session;

pub use device::{Container, Device, PIN_TRIES, Pair};

/// The environment variable that names the folder of devices.
pub const FOLDER_VARIABLE: &str = "MIFENG_SKF_SIM";
