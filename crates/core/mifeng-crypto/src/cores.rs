//! Work on all cores, with an outcome that does not depend on how many there are.

use std::num::NonZeroUsize;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::Builder;

/// More threads than this are not started: beyond it memory is the limit, not arithmetic.
const THREADS_MAX: usize = 16;

/// Threads that work at the same time: the machine's, at most 16; in a web page one.
pub fn count() -> usize {
    static COUNT: OnceLock<usize> = OnceLock::new();
    *COUNT.get_or_init(|| {
        let machine = || std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        match cfg!(target_family = "wasm") {
            true => 1,
            false => machine().min(THREADS_MAX),
        }
    })
}

/// `work` for each item, on all cores; the results in the order of the items.
///
/// ```
/// assert_eq!(mifeng_crypto::cores::map(&[1, 2, 3], |n| n * n), [1, 4, 9]);
/// ```
///
/// # Panics
/// If `work` does, in whatever thread.
pub fn map<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let threads = count().min(items.len());
    if threads < 2 {
        return items.iter().map(work).collect();
    }
    let next = AtomicUsize::new(0);
    let run = || {
        let mut done = Vec::new();
        loop {
            // Only who takes which item depends on the order of this.
            let place = next.fetch_add(1, Ordering::Relaxed);
            match items.get(place) {
                Some(item) => done.push((place, work(item))),
                None => return done,
            }
        }
    };
    let mut all = std::thread::scope(|scope| {
        // Where no thread can be had, this one does the work of all.
        let spawn = |_| Builder::new().spawn_scoped(scope, run).ok();
        let others: Vec<_> = (1..threads).filter_map(spawn).collect();
        let mut all = run();
        for other in others {
            match other.join() {
                Ok(done) => all.extend(done),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        all
    });
    all.sort_unstable_by_key(|(place, _)| *place);
    all.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_stand_in_the_order_of_the_items() {
        for len in [0, 1, 2, 1_000] {
            let items: Vec<usize> = (0..len).collect();
            let doubled: Vec<usize> = items.iter().map(|n| 2 * n).collect();
            assert_eq!(map(&items, |n| 2 * n), doubled);
        }
    }

    #[test]
    #[should_panic(expected = "item 7")]
    fn a_panic_is_not_swallowed() {
        let items: Vec<usize> = (0..20).collect();
        map(&items, |n| assert_ne!(*n, 7, "item 7"));
    }
}
