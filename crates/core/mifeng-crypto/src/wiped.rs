//! Memory for plaintext by the megabyte.

use core::ops::{Deref, DerefMut};

/// Bytes that are wiped when they are dropped, as fast as memory is written: `Zeroizing` writes them one by one, which for
/// some megabytes takes longer than decrypting them. As there, growing leaves a copy behind.
#[derive(Default)]
pub struct Wiped(Vec<u8>);

impl Wiped {
    /// So many zeros.
    pub fn zeros(len: usize) -> Self {
        Wiped(vec![0; len])
    }
}

impl Deref for Wiped {
    type Target = Vec<u8>;

    fn deref(&self) -> &Vec<u8> {
        &self.0
    }
}

impl DerefMut for Wiped {
    fn deref_mut(&mut self) -> &mut Vec<u8> {
        &mut self.0
    }
}

impl Drop for Wiped {
    fn drop(&mut self) {
        wipe(&mut self.0);
    }
}

/// Overwrites all that was ever in it, what is beyond its length included.
fn wipe(bytes: &mut Vec<u8>) {
    bytes.clear();
    // Never beyond the capacity, so nothing moves.
    bytes.resize(bytes.capacity(), 0);
    // Without it a compiler may leave out writes that nobody reads.
    zeroize::optimization_barrier(bytes.as_slice());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_of_it_is_overwritten_where_it_stands() {
        let mut bytes = Wiped::zeros(5_000);
        bytes.fill(7);
        bytes.truncate(10);
        let (place, room) = (bytes.as_ptr(), bytes.capacity());
        wipe(&mut bytes);
        assert_eq!((bytes.as_ptr(), bytes.len()), (place, room));
        assert!(bytes.iter().all(|byte| *byte == 0));
        wipe(&mut Vec::new());
    }
}
