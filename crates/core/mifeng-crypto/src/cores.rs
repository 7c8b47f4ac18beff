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

/// Runs `work` in `threads` threads at once, this one among them; what each came to, in no order that counts.
/// `work` has to share out what there is to do. In a web page, and where no thread can be had, this thread does the
/// work of all.
///
/// # Panics
/// If `work` does, in whatever thread.
pub fn run<R: Send>(threads: usize, work: impl Fn() -> R + Sync) -> Vec<R> {
    beside(threads, work, || ()).1
}

/// The same, while this thread first does `own`: reading or writing, which only it can.
///
/// # Panics
/// As [`run`].
pub fn beside<R: Send, O>(
    threads: usize,
    work: impl Fn() -> R + Sync,
    own: impl FnOnce() -> O,
) -> (O, Vec<R>) {
    let others = match cfg!(target_family = "wasm") {
        true => 0,
        false => threads.saturating_sub(1),
    };
    std::thread::scope(|scope| {
        let spawn = |_| Builder::new().spawn_scoped(scope, &work).ok();
        let others: Vec<_> = (0..others).filter_map(spawn).collect();
        let own = own();
        let mut all = vec![work()];
        for other in others {
            match other.join() {
                Ok(done) => all.push(done),
                // A panic is a bug of ours and goes on where it can be seen.
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        (own, all)
    })
}

/// `work` for each item, on all cores; the results in the order of the items.
///
/// ```
/// assert_eq!(mifeng_crypto::cores::map(&[1, 2, 3], |n| n * n), [1, 4, 9]);
/// ```
///
/// # Panics
/// As [`run`].
pub fn map<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let all = run(count().min(items.len()), || {
        let mut done = Vec::new();
        loop {
            // Only who takes which item depends on the order of this.
            let place = next.fetch_add(1, Ordering::Relaxed);
            match items.get(place) {
                Some(item) => done.push((place, work(item))),
                None => return done,
            }
        }
    });
    in_order(all)
}

/// Results that know their places, put in order.
pub fn in_order<R>(all: Vec<Vec<(usize, R)>>) -> Vec<R> {
    let mut all: Vec<_> = all.into_iter().flatten().collect();
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
    fn each_thread_works_once_and_this_one_does_its_own_first() {
        let (own, all) = beside(3, || 1, || std::thread::current().id());
        assert_eq!((own, all), (std::thread::current().id(), vec![1, 1, 1]));
        assert_eq!(run(0, || 2), [2]);
    }

    #[test]
    #[should_panic(expected = "item 7")]
    fn a_panic_is_not_swallowed() {
        let items: Vec<usize> = (0..20).collect();
        map(&items, |n| assert_ne!(*n, 7, "item 7"));
    }
}
