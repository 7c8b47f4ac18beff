//! Places for connections: never so many that the writers find no descriptor, and no caller has all of them.

use crate::limits::{
    BLOCKING_MAX, CONNECTIONS_MAX, CONNECTIONS_MIN, DESCRIPTORS_KEPT, DESCRIPTORS_OF_TENDER,
};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Descriptors of one connection: its socket, and the file that it is being sent.
const OF_CONNECTION: u64 = 2;
/// Descriptors of one thread that works on files: a block and its journal.
const OF_THREAD: u64 = 2;
/// One address has at most this part of the places: an office of bidders behind one address is far smaller.
const PART_OF_ADDRESS: usize = 4;

/// Descriptors that are not for connections.
fn kept(tenders: usize) -> u64 {
    DESCRIPTORS_KEPT + BLOCKING_MAX as u64 * OF_THREAD + tenders as u64 * DESCRIPTORS_OF_TENDER
}

/// How many connections fit under a limit of open files.
fn fitting(limit: u64, tenders: usize) -> usize {
    let free = limit.saturating_sub(kept(tenders)) / OF_CONNECTION;
    CONNECTIONS_MAX.min(usize::try_from(free).unwrap_or(CONNECTIONS_MAX))
}

/// Raises this process's limit of open files as far as needed and allowed; how many connections it has room for.
///
/// # Errors
/// What the system says; `Other` if the limit is too low to serve anybody.
pub(crate) fn room(tenders: usize) -> io::Result<usize> {
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    let needed = kept(tenders) + CONNECTIONS_MAX as u64 * OF_CONNECTION;
    let wanted = needed.min(hard);
    let limit = match soft < wanted && setrlimit(Resource::RLIMIT_NOFILE, wanted, hard).is_ok() {
        true => wanted,
        false => soft,
    };
    match fitting(limit, tenders) {
        room if room < CONNECTIONS_MIN => Err(io::Error::other(format!(
            "limit of open files: expected at least {}, found {limit}",
            kept(tenders) + CONNECTIONS_MIN as u64 * OF_CONNECTION
        ))),
        room => Ok(room),
    }
}

type Callers = Arc<Mutex<HashMap<IpAddr, usize>>>;

/// The places of one listener.
pub(crate) struct Places {
    free: Arc<Semaphore>,
    callers: Callers,
    each: usize,
}

/// The place of one connection, free again when this goes.
pub(crate) struct Place {
    address: IpAddr,
    callers: Callers,
    _permit: OwnedSemaphorePermit,
}

impl Places {
    pub(crate) fn new(count: usize) -> Self {
        Places {
            free: Arc::new(Semaphore::new(count)),
            callers: Callers::default(),
            each: (count / PART_OF_ADDRESS).max(1),
        }
    }

    /// Waits for a place, before anybody is asked in.
    pub(crate) async fn free(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.free).acquire_owned().await.ok()
    }

    /// Gives the place to a caller; none if its address has its part already. A proxy on this machine has no bound
    /// of its own: whom it speaks for is not known here.
    pub(crate) fn give(&self, address: IpAddr, permit: OwnedSemaphorePermit) -> Option<Place> {
        let address = caller(address);
        let mut callers = self.callers.lock().unwrap_or_else(PoisonError::into_inner);
        let count = callers.entry(address).or_default();
        if *count >= self.each && !address.is_loopback() {
            return None;
        }
        *count += 1;
        Some(Place {
            address,
            callers: Arc::clone(&self.callers),
            _permit: permit,
        })
    }
}

/// Whom an address stands for: one subscriber has at least a /64 of IPv6, and an IPv4 address that came in over an IPv6
/// socket is the same caller.
fn caller(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        // `::1` is no network.
        IpAddr::V6(v6) if !v6.is_loopback() => {
            let network = v6.to_bits() >> 64 << 64;
            Ipv6Addr::from_bits(network).into()
        }
        address => address,
    }
}

impl Place {
    pub(crate) fn address(&self) -> IpAddr {
        self.address
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut callers = self.callers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = callers.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                callers.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_writers_descriptors_are_never_given_away() {
        for limit in [0, 100, 500, 1_024, 4_096, 20_000, 1 << 20] {
            for tenders in [0, 1, 20] {
                let room = fitting(limit, tenders) as u64;
                assert!(room == 0 || room * OF_CONNECTION + kept(tenders) <= limit);
            }
        }
        assert_eq!(fitting(1 << 20, 1), CONNECTIONS_MAX);
        assert_eq!(fitting(kept(1) + 21, 1), 10);
    }

    #[test]
    fn a_network_of_ipv6_is_one_caller() {
        let of = |text: &str| {
            let address: IpAddr = text.parse().unwrap_or_else(|e| unreachable!("{e}"));
            caller(address).to_string()
        };
        assert_eq!(of("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
        assert_eq!(of("2001:db8:1:2:ffff::"), "2001:db8:1:2::");
        assert_eq!(of("2001:db8:1:3::1"), "2001:db8:1:3::");
        assert_eq!(of("::ffff:192.0.2.1"), "192.0.2.1");
        assert_eq!(of("::ffff:127.0.0.1"), "127.0.0.1");
        assert_eq!(of("::1"), "::1");
        let places = Places::new(8);
        let give = |text: &str| {
            let address = text.parse().unwrap_or_else(|e| unreachable!("{e}"));
            let permit = Arc::clone(&places.free).try_acquire_owned().ok();
            permit.and_then(|one| places.give(address, one))
        };
        let held: Vec<Place> = (0..4)
            .filter_map(|n| give(&format!("2001:db8::{n}")))
            .collect();
        assert_eq!(held.len(), 2);
        let held: Vec<Place> = ["192.0.2.1", "::ffff:192.0.2.1", "::ffff:c000:201"]
            .into_iter()
            .filter_map(give)
            .collect();
        assert_eq!(held.len(), 2);
    }

    #[test]
    fn no_address_has_all_places() {
        let places = Places::new(8);
        let permit = || Arc::clone(&places.free).try_acquire_owned();
        let give = |address: &str| {
            let address = address.parse().unwrap_or_else(|e| unreachable!("{e}"));
            permit().ok().and_then(|one| places.give(address, one))
        };
        let first: Vec<Place> = (0..3).filter_map(|_| give("192.0.2.1")).collect();
        assert_eq!(first.len(), 2);
        let local: Vec<Place> = (0..4).filter_map(|_| give("127.0.0.1")).collect();
        assert_eq!(local.len(), 4);
        assert!(give("192.0.2.2").is_some());
        drop(first);
        assert!(give("192.0.2.1").is_some());
        drop(local);
        assert_eq!(places.free.available_permits(), 8);
        let callers = places
            .callers
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        assert!(callers.is_empty());
    }
}
