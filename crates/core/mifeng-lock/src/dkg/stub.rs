//! Stands in for `mifeng_crypto::ChunkCipher` until that is exported: gm-1 shares travel under AES-128-GCM here,
//! not yet under SM4-GCM as spec/board.md says. Delete this module then.

use aes_gcm::{Aes128Gcm, Aes256Gcm, KeyInit, aead::AeadInOut};
use mifeng_crypto::{Error, Suite};
pub(super) enum ChunkCipher {
    A(Aes128Gcm),
    B(Aes256Gcm),
}
impl ChunkCipher {
    pub(super) fn new(_: &Suite, k: &[u8]) -> Result<Self, Error> {
        Ok(if k.len() == 16 {
            Self::A(Aes128Gcm::new_from_slice(k).map_err(|_| Error::Unverified)?)
        } else {
            Self::B(Aes256Gcm::new_from_slice(k).map_err(|_| Error::Unverified)?)
        })
    }
    pub(super) fn seal(&self, n: &[u8; 12], b: &mut [u8]) -> Result<[u8; 16], Error> {
        let n = (*n).into();
        match self {
            Self::A(c) => c.encrypt_inout_detached(&n, &[], b.into()),
            Self::B(c) => c.encrypt_inout_detached(&n, &[], b.into()),
        }
        .map(Into::into)
        .map_err(|_| Error::Unverified)
    }
    pub(super) fn open<'b>(&self, n: &[u8; 12], b: &'b mut [u8]) -> Result<&'b mut [u8], Error> {
        let at = b.len().checked_sub(16).ok_or(Error::Unverified)?;
        let (t, g) = b.split_at_mut(at);
        let g: [u8; 16] = (&*g).try_into().map_err(|_| Error::Unverified)?;
        let n = (*n).into();
        match self {
            Self::A(c) => c.decrypt_inout_detached(&n, &[], (&mut *t).into(), &g.into()),
            Self::B(c) => c.decrypt_inout_detached(&n, &[], (&mut *t).into(), &g.into()),
        }
        .map_err(|_| Error::Unverified)?;
        Ok(t)
    }
}
