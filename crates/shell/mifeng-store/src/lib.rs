//! Where a host keeps its files: a directory, with every write durable before it is answered (`spec/store.md`).
//!
//! ```
//! # fn main() -> std::io::Result<()> {
//! use mifeng::Store;
//! let folder = std::env::temp_dir().join(format!("mifeng-store-doc-{}", std::process::id()));
//! let mut store = mifeng_store::Directory::open(&folder)?;
//! store.write("body/a.json", &mut &b"{}"[..])?;
//! assert_eq!(store.read("body/a.json")?.as_deref(), Some(&b"{}"[..]));
//! # drop(store);
//! # std::fs::remove_dir_all(&folder)
//! # }
//! ```
#![forbid(unsafe_code)]

#[cfg(feature = "sqlite")]
mod bodies;
mod directory;
mod disk;
mod examined;
mod fault;
mod journal;
mod lists;
mod place;
#[cfg(any(feature = "postgres", feature = "s3"))]
mod roots;
#[cfg(feature = "sqlite")]
mod sql;

pub use directory::Directory;
pub use disk::{Disk, DiskFile, Local};
pub use examined::Examined;
pub use fault::Fault;
pub use lists::{ASIDE_MAX, Entry, Lists};
pub use place::{Access, Place, open};
#[cfg(feature = "sqlite")]
pub use sql::{INLINE_MAX, Records};
